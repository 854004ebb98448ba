//! `ringbahn cp -r`: whole trees.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

#[path = "support/support.rs"]
mod support;
use support::{
    WAYS, as_somebody, assert_one_failure, assert_silent_success, attributes, bytes, cp, has_ring,
    ringbahn, ringbahn_after, text, write,
};

/// A directory that is removed in the end, although some of those in it are read-only.
struct Garden(tempfile::TempDir);

impl Garden {
    fn new() -> Garden {
        Garden(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Garden {
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+rwx"]).arg(self.path()).status();
    }
}

/// Makes a tree of directories, files of many lengths, and links.
fn plant(root: &Path) {
    for (number, path) in ["", "a", "a/b", "a/b/c", "d", "empty"].iter().enumerate() {
        let directory = root.join(path);
        fs::create_dir(&directory).unwrap();
        if *path == "empty" {
            continue;
        }
        for length in [0, 1, 4095, 4096, 4097, 300_000 + number] {
            let mode = [0o644, 0o755, 0o400][(length + number) % 3];
            write(directory.join(format!("file {length}")), &bytes(length), mode);
        }
        symlink("file 1", directory.join("link")).unwrap();
        symlink("no such", directory.join("dangling")).unwrap();
        symlink(root, directory.join("loop")).unwrap();
    }
    let mode = |path: &str, mode| {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("a", 0o750);
    mode("a/b/c", 0o555);
    mode("a/b", 0o555);
}

/// Everything below a directory.
fn walk(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    let mut next = 0;
    while next < found.len() {
        let path = found[next].clone();
        if fs::symlink_metadata(root.join(&path)).unwrap().is_dir() {
            for entry in fs::read_dir(root.join(&path)).unwrap() {
                found.push(path.join(entry.unwrap().file_name()));
            }
        }
        next += 1;
    }
    found.sort();
    found
}

/// Holds if two trees are the same, byte by byte, with all that a copy keeps.
#[track_caller]
fn assert_same_trees(from: &Path, to: &Path) {
    let difference =
        Command::new("diff").args(["-r", "--no-dereference"]).args([from, to]).output().unwrap();
    assert_eq!((difference.status.code(), text(&difference.stdout)), (Some(0), ""));
    assert_eq!(walk(from), walk(to));
    for path in walk(from) {
        let found = [from, to].map(|root| attributes(root.join(&path)));
        assert_eq!(found[0], found[1], "{}", path.display());
    }
}

#[test]
fn a_tree_is_copied_with_everything_that_is_in_it() {
    const TEST: &str = "a_tree_is_copied_with_everything_that_is_in_it";
    if !has_ring(TEST) {
        return;
    }
    for way in WAYS {
        let directory = Garden::new();
        let path = |name| directory.path().join(name);
        plant(&path("from"));
        // Root could write to a directory that is read-only, so it is done by somebody else.
        let arguments = [&["cp", "-r"], way, &["from", "to"]].concat();
        let command = ringbahn(directory.path(), &arguments);
        let Some(mut command) = as_somebody(TEST, directory.path(), command) else { return };
        assert_silent_success(&command.output().unwrap());
        assert_same_trees(&path("from"), &path("to"));
        assert_eq!(fs::metadata(path("to/a/b")).unwrap().mode() & 0o7777, 0o555);

        fs::create_dir(path("into")).unwrap();
        assert_silent_success(&cp(directory.path(), way, &["-r", "from", "from/a", "into"]));
        assert_same_trees(&path("from"), &path("into/from"));
        assert_same_trees(&path("from/a"), &path("into/a"));
        // What is in it, without its name.
        fs::create_dir(path("bare")).unwrap();
        assert_silent_success(&cp(directory.path(), way, &["-r", "from/.", "bare"]));
        assert_same_trees(&path("from"), &path("bare"));
    }
}

#[test]
fn a_tree_is_added_to_what_is_there_and_links_are_replaced() {
    if !has_ring("a_tree_is_added_to_what_is_there_and_links_are_replaced") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    for name in ["from", "from/sub", "from/other", "to", "to/from", "to/from/sub"] {
        fs::create_dir(path(name)).unwrap();
    }
    write(path("from/sub/a"), b"new", 0o644);
    write(path("to/from/sub/a"), b"old and longer", 0o600);
    write(path("to/from/sub/kept"), b"kept", 0o644);
    symlink("sub/a", path("from/link")).unwrap();
    symlink("sub/kept", path("to/from/link")).unwrap();
    // What is a directory on one side only.
    symlink("sub", path("from/directory")).unwrap();
    fs::create_dir(path("to/from/directory")).unwrap();
    symlink("sub", path("to/from/other")).unwrap();
    let output = cp(directory.path(), &[], &["-r", "from", "to"]);
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 2), "{errors}");
    assert!(errors.contains("to/from/directory: it is a directory"), "{errors}");
    assert!(errors.contains("make the directory to/from/other: File exists"), "{errors}");
    assert_eq!(fs::read(path("to/from/sub/a")).unwrap(), b"new");
    assert_eq!(fs::read(path("to/from/sub/kept")).unwrap(), b"kept");
    assert_eq!(fs::read_link(path("to/from/link")).unwrap(), Path::new("sub/a"));
    assert_eq!(fs::read_link(path("to/from/other")).unwrap(), Path::new("sub"));
    assert_eq!(attributes(path("from/sub/a")), attributes(path("to/from/sub/a")));
}

#[test]
fn nothing_is_written_through_a_link_that_was_just_made() {
    if !has_ring("nothing_is_written_through_a_link_that_was_just_made") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    for name in ["one", "one/d", "two", "two/d", "to"] {
        fs::create_dir(path(name)).unwrap();
    }
    write(path("precious"), b"precious", 0o644);
    symlink(path("precious"), path("one/d/a")).unwrap();
    write(path("two/d/a"), b"other", 0o644);
    write(path("two/d/b"), b"more", 0o644);
    let output = cp(directory.path(), &[], &["-r", "one/d", "two/d", "to"]);
    // Either the link is there first, and the file refused, or the other way round.
    let why = if path("to/d/a").is_symlink() {
        "cannot write to/d/a: this command has just made it"
    } else {
        "cannot make the link to/d/a: File exists"
    };
    assert_one_failure(&output, &[why]);
    assert_eq!(fs::read(path("precious")).unwrap(), b"precious");
    assert_eq!(fs::read(path("to/d/b")).unwrap(), b"more");
}

#[test]
fn what_has_no_contents_is_left_out() {
    if !has_ring("what_has_no_contents_is_left_out") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let from = directory.path().join("from");
    fs::create_dir(&from).unwrap();
    write(from.join("file"), b"contents", 0o644);
    let made = Command::new("mkfifo").arg(from.join("pipe")).status().unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(from.join("socket")).unwrap();
    let output = cp(directory.path(), &[], &["-r", "from", "to"]);
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 2), "{errors}");
    assert!(errors.contains("leaving out from/pipe: it is a pipe"), "{errors}");
    assert!(errors.contains("leaving out from/socket: it is a socket"), "{errors}");
    assert_eq!(walk(&directory.path().join("to")), [Path::new(""), Path::new("file")]);
    let device = cp(directory.path(), &[], &["-r", "/dev/null", "to"]);
    assert_one_failure(&device, &["leaving out /dev/null: it is a device"]);
}

#[test]
fn a_directory_is_not_copied_into_itself() {
    if !has_ring("a_directory_is_not_copied_into_itself") {
        return;
    }
    let directory = Garden::new();
    let tree = directory.path().join("tree");
    plant(&tree);
    symlink("tree/a", directory.path().join("inside")).unwrap();
    let before = walk(directory.path());
    for to in ["tree/new", "tree", ".", "tree/a/new", "inside", "inside/new", "tree/a/../new"] {
        let output = cp(directory.path(), &[], &["-r", "tree", to]);
        assert_one_failure(&output, &["cannot copy the directory tree into itself"]);
        assert_eq!(walk(directory.path()), before, "{to}");
    }
    assert_one_failure(&cp(&tree, &[], &["-r", ".", "a/new"]), &["into itself"]);
    assert_eq!(walk(directory.path()), before);
    // Next to it is not in it, although its name begins like this.
    assert_silent_success(&cp(directory.path(), &[], &["-r", "tree", "tree2"]));
    assert_same_trees(&tree, &directory.path().join("tree2"));
}

#[test]
fn what_cannot_be_read_stops_nothing_else() {
    const TEST: &str = "what_cannot_be_read_stops_nothing_else";
    if !has_ring(TEST) {
        return;
    }
    let directory = Garden::new();
    let from = directory.path().join("from");
    for name in ["", "closed", "open"] {
        fs::create_dir(from.join(name)).unwrap();
    }
    for number in 0..20 {
        write(from.join(format!("open/{number}")), &bytes(number * 1000), 0o644);
    }
    write(from.join("secret"), b"secret", 0o000);
    fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let command = ringbahn(directory.path(), &["cp", "-r", "from", "to"]);
    let Some(mut command) = as_somebody(TEST, directory.path(), command) else { return };
    let output = command.output().unwrap();
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 2), "{errors}");
    assert!(errors.contains("cannot open from/secret: Permission denied"), "{errors}");
    assert!(errors.contains("cannot open from/closed: Permission denied"), "{errors}");
    let to = directory.path().join("to");
    assert!(!to.join("secret").exists() && !to.join("closed").exists());
    assert_same_trees(&from.join("open"), &to.join("open"));
}

/// Directories in one another, removed in the end by a program that does not follow their paths.
struct Chain(tempfile::TempDir);

impl Chain {
    /// `depth` directories in `from`, and a file in the last one.
    fn new(name: &str, depth: usize) -> Chain {
        let directory = tempfile::tempdir().unwrap();
        let mut last = open(CWD, directory.path());
        for name in std::iter::once("from").chain(std::iter::repeat_n(name, depth)) {
            mkdirat(&last, name, Mode::RWXU).unwrap();
            last = open(&last, name);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
        let file = openat(&last, "file", flags, Mode::RUSR | Mode::WUSR).unwrap();
        std::io::Write::write_all(&mut File::from(file), b"at the bottom").unwrap();
        Chain(directory)
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let names = ["from", "to"].map(|name| self.0.path().join(name));
        let _ = Command::new("rm").arg("-rf").args(names).status();
    }
}

fn open(directory: impl std::os::fd::AsFd, name: impl rustix::path::Arg) -> OwnedFd {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::empty()).unwrap()
}

#[test]
fn a_tree_may_be_deeper_than_a_path_is_long_and_than_the_stack() {
    const DEPTH: usize = 2_000;
    if !has_ring("a_tree_may_be_deeper_than_a_path_is_long_and_than_the_stack") {
        return;
    }
    let chain = Chain::new("deep", DEPTH);
    let prepare = "ulimit -s 256 && ulimit -n 64";
    let output = ringbahn_after(prepare, chain.0.path(), &["cp", "-r", "from", "to"]).output();
    assert_silent_success(&output.unwrap());
    let mut last = open(CWD, chain.0.path().join("to"));
    let name = CString::new("deep").unwrap();
    for _ in 0..DEPTH {
        last = open(&last, &*name);
    }
    let file = openat(&last, "file", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    assert_eq!(std::io::read_to_string(File::from(file)).unwrap(), "at the bottom");
}

#[test]
fn many_files_need_few_descriptors() {
    if !has_ring("many_files_need_few_descriptors") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    fs::create_dir(path("from")).unwrap();
    for number in 0..2000 {
        if number % 100 == 0 {
            fs::create_dir(path("from").join(format!("{number}.d"))).unwrap();
        }
        let parent = path("from").join(format!("{}.d", number - number % 100));
        write(parent.join(number.to_string()), &bytes(number * 7), 0o644);
    }
    for way in WAYS {
        let arguments = [&["cp", "-r"], way, &["from", "to"]].concat();
        let mut command = ringbahn_after("ulimit -n 32", directory.path(), &arguments);
        assert_silent_success(&command.output().unwrap());
        assert_same_trees(&path("from"), &path("to"));
        fs::remove_dir_all(path("to")).unwrap();
    }
}

#[test]
fn a_full_disk_stops_no_file_that_fits() {
    const TEST: &str = "a_full_disk_stops_no_file_that_fits";
    if !has_ring(TEST) {
        return;
    }
    let Some(mount) = support::Mount::new(TEST) else { return };
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("from")).unwrap();
    write(directory.path().join("from/large"), &bytes(3 << 20), 0o644);
    for number in 0..20 {
        write(directory.path().join(format!("from/{number}")), &bytes(1000), 0o644);
    }
    let to = mount.path().join("to");
    // One file after the other, so that the large one takes nobody's place.
    let arguments = ["cp", "-r", "from", to.to_str().unwrap()];
    let mut command = ringbahn_after("ulimit -n 20", directory.path(), &arguments);
    let output = command.output().unwrap();
    assert_one_failure(&output, &["to/large", "No space left on device", "was removed"]);
    assert_eq!(walk(&to).len(), 21);
}
