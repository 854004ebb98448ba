//! Where things are: the root of the workspace, its build directory, its files.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Failure;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    // Cargo says where it runs us. What was compiled in may name another working tree, where two
    // of them share a build directory.
    let own = env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    let own = Path::new(&own);
    own.parent().unwrap_or(own).to_path_buf()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(path) => env::current_dir().unwrap_or_else(|_| root()).join(path),
        None => root().join("target"),
    }
}

/// The build directory of a command whose flags would otherwise make every later build start
/// afresh.
pub(crate) fn target_of(command: &str) -> PathBuf {
    target().join(command)
}

/// The workspace's files whose names end with `suffix`, relative to the root, sorted: those git
/// knows, and new ones that it is not told to ignore.
pub(crate) fn files(suffix: &str) -> Result<Vec<String>, Failure> {
    let output = Command::new("git")
        // The one who runs this need not be the one who cloned: a container often runs as root.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|error| Failure(format!("cannot run git to list the files: {error}")))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(Failure(format!("git cannot list the files: {}", message.trim())));
    }
    let mut files: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .split('\0')
        .filter(|path| path.ends_with(suffix) && root().join(path).is_file())
        .map(str::to_string)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// The text of a file of the workspace.
pub(crate) fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(root().join(path))
        .map_err(|error| Failure(format!("{path}: cannot be read: {error}")))
}

/// The members under `crates/` that have a test file whose name begins with `prefix`.
pub(crate) fn crates_with_test(prefix: &str) -> Result<Vec<String>, Failure> {
    crates_with(|path| path.strip_prefix("tests/").is_some_and(|name| name.starts_with(prefix)))
}

/// The members under `crates/` that have, anywhere in `src`, a module file whose name begins with
/// `prefix`.
pub(crate) fn crates_with_module(prefix: &str) -> Result<Vec<String>, Failure> {
    crates_with(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        path.starts_with("src/") && name.starts_with(prefix)
    })
}

/// The members under `crates/` that have a Rust file at a path that is `wanted`.
fn crates_with(wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = files(".rs")?
        .iter()
        .filter_map(|path| {
            let (name, rest) = path.strip_prefix("crates/")?.split_once('/')?;
            wanted(rest).then(|| name.to_string())
        })
        .collect();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_include_this_one() {
        let files = files(".rs").expect("git lists the files");
        assert!(files.contains(&"xtask/src/workspace.rs".to_string()));
    }

    #[test]
    fn no_crate_has_a_test_of_an_impossible_name() {
        assert_eq!(crates_with_test("no-such-test-").expect("listed"), Vec::<String>::new());
        assert_eq!(crates_with_module("no-such-module-").expect("listed"), Vec::<String>::new());
    }

    #[test]
    fn modules_are_found_at_any_depth() {
        let names = crates_with_module("rings").expect("listed");
        assert_eq!(names, ["ringbahn-drivers"]);
    }
}
