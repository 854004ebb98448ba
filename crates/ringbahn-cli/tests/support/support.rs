//! What the tests of the commands share.
#![allow(dead_code, reason = "no test uses all of it")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

#[path = "../../../ringbahn-drivers/tests/support/skip.rs"]
mod skip;

pub(crate) use skip::skip;

/// Somebody who is not root.
pub(crate) const SOMEBODY: u32 = 54_321;

/// The two ways in which the contents of a file are copied: options of the command.
pub(crate) const WAYS: [&[&str]; 2] = [&[], &["--no-copy-file-range"]];

/// Whether there is io_uring; if not, a line is in the log.
pub(crate) fn has_ring(test: &str) -> bool {
    skip::driver(test, 1, 2).is_some()
}

/// The command, about to be run in `directory`.
pub(crate) fn ringbahn(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringbahn"));
    command.current_dir(directory).args(arguments);
    command
}

/// The command, run by a shell after `preparation`, such as setting a limit.
pub(crate) fn ringbahn_after(preparation: &str, directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{preparation} && exec \"$0\" \"$@\"");
    command.current_dir(directory).args(["-c", &script, env!("CARGO_BIN_EXE_ringbahn")]);
    command.args(arguments);
    command
}

/// Runs `ringbahn cp` in `directory`, in one of the ways.
pub(crate) fn cp(directory: &Path, way: &[&str], arguments: &[&str]) -> Output {
    ringbahn(directory, &[&["cp"], way, arguments].concat()).output().unwrap()
}

/// Holds if the command has succeeded without a word.
#[track_caller]
pub(crate) fn assert_silent_success(output: &Output) {
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), errors, text(&output.stdout)), (Some(0), "", ""));
}

/// Holds if the command has failed with one line that contains all of `parts`.
#[track_caller]
pub(crate) fn assert_one_failure(output: &Output, parts: &[&str]) {
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
    for part in parts {
        assert!(errors.contains(part), "no {part:?} in {errors}");
    }
}

#[track_caller]
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the command prints text")
}

/// Bytes that differ from place to place.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

/// Makes a file.
pub(crate) fn write(path: impl AsRef<Path>, contents: &[u8], mode: u32) {
    fs::write(&path, contents).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What a copy is to keep besides the contents.
pub(crate) fn attributes(path: impl AsRef<Path>) -> impl Eq + std::fmt::Debug {
    let found = fs::symlink_metadata(path).unwrap();
    (
        found.mode(),
        (found.uid(), found.gid()),
        (found.mtime(), found.mtime_nsec()),
        if found.is_dir() { 0 } else { found.len() },
    )
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Lets `command` be run by [`SOMEBODY`], who owns `directory` from now on. `None`, and a line in
/// the log, where that cannot be; unchanged where it is somebody already.
pub(crate) fn as_somebody(test: &str, directory: &Path, mut command: Command) -> Option<Command> {
    if !is_root() {
        return Some(command);
    }
    let mut version = Command::new(env!("CARGO_BIN_EXE_ringbahn"));
    let tried = version.arg("--version").uid(SOMEBODY).gid(SOMEBODY).current_dir("/").output();
    if !tried.is_ok_and(|output| output.status.success()) {
        skip(test, "not root of a machine where others can run the command");
        return None;
    }
    let owned = Command::new("chown")
        .args(["-hR", &format!("{SOMEBODY}:{SOMEBODY}")])
        .arg(directory)
        .status()
        .unwrap();
    assert!(owned.success());
    command.uid(SOMEBODY).gid(SOMEBODY);
    Some(command)
}

/// A file system of 1 MiB that is gone with this value.
pub(crate) struct Mount(tempfile::TempDir);

impl Mount {
    pub(crate) fn new(test: &str) -> Option<Mount> {
        if !is_root() {
            skip(test, "not root");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        match mount("none", folder.path(), "tmpfs", MountFlags::empty(), c"size=1m") {
            Ok(()) => Some(Mount(folder)),
            Err(error) => {
                skip(test, &format!("not root: a file system cannot be mounted: {error}"));
                None
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}
