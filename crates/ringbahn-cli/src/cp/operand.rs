//! What is copied to where, from the command line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::failure::{Done, Failure};
use super::file::look;
use super::identity::Identity;
use super::place::Place;

/// A pair of paths: what is copied, and what the copy is called.
pub(crate) type Operand = (PathBuf, PathBuf);

/// The pairs for all sources. In a directory a copy is called as its source.
pub(crate) fn operands(sources: &[PathBuf], destination: &Path) -> Done<Vec<Operand>> {
    let is_directory = destination.is_dir();
    if !is_directory && sources.len() > 1 {
        return Err(Failure(format!(
            "{} is no directory, and several files need one to be copied to",
            destination.display(),
        )));
    }
    let target = |source: &Path| match last_name(source) {
        Some(name) if is_directory => destination.join(name),
        _ => destination.to_owned(),
    };
    Ok(sources.iter().map(|source| (source.clone(), target(source))).collect())
}

/// The last name of a path. `None` where that is no name of its own, as in `tree/.`: it is then
/// what is in the directory that is copied.
///
/// `Path::file_name` would say `tree`.
fn last_name(path: &Path) -> Option<&OsStr> {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes.iter().rposition(|&byte| byte != b'/')? + 1;
    let begin = bytes[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let name = &bytes[begin..end];
    (name != b"." && name != b"..").then(|| OsStr::from_bytes(name))
}

/// Whether `path` is the directory `identity`, or would be in it.
pub(crate) fn is_within(path: &Path, identity: Identity) -> bool {
    // As much of it as there is already, by its true name.
    let found = path.ancestors().find_map(|ancestor| {
        let ancestor = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        ancestor.canonicalize().ok()
    });
    let Some(found) = found else { return false };
    for ancestor in found.ancestors() {
        let found = look(&Place::new(ancestor), true);
        if found.is_ok_and(|found| Identity::of(&found) == identity) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_called_by_its_last_name() {
        let name =
            |path: &str| last_name(Path::new(path)).and_then(OsStr::to_str).map(str::to_owned);
        for path in ["tree", "tree/", "/a/tree//", "./tree", "../tree"] {
            assert_eq!(name(path).as_deref(), Some("tree"), "{path}");
        }
        for path in ["/", "", ".", "..", "tree/.", "tree/..", "./"] {
            assert_eq!(name(path), None, "{path}");
        }
    }

    #[test]
    fn several_sources_need_a_directory() {
        let sources = ["a".into(), "b/c".into()];
        let pairs = operands(&sources, Path::new("/tmp")).unwrap();
        assert_eq!(pairs[1], ("b/c".into(), "/tmp/c".into()));
        assert_eq!(
            operands(&sources[..1], Path::new("/no/such")).unwrap()[0].1,
            Path::new("/no/such")
        );
        operands(&sources, Path::new("/no/such")).unwrap_err();
    }
}
