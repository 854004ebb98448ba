//! `ringbahn cp` with single files, each in the two ways: by the kernel and by the ring.

use std::fs::{self, File, FileTimes};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

#[path = "support/support.rs"]
mod support;
use support::{
    Mount, SOMEBODY, WAYS, as_somebody, assert_one_failure, assert_silent_success, attributes,
    bytes, cp, has_ring, is_root, ringbahn, ringbahn_after, skip, text, write,
};

/// Not a multiple of anything, and several pieces long.
const LENGTH: usize = (3 << 20) + 4321;

fn is_there(directory: &Path, name: &str) -> bool {
    fs::symlink_metadata(directory.join(name)).is_ok()
}

#[test]
fn a_copy_has_the_contents_the_permissions_and_the_times() {
    if !has_ring("a_copy_has_the_contents_the_permissions_and_the_times") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    for way in WAYS {
        for (length, mode) in [(LENGTH, 0o640), (1, 0o777), (256 << 10, 0o444), (0, 0o600)] {
            let contents = bytes(length);
            write(path("from"), &contents, 0o644);
            let modified = UNIX_EPOCH + Duration::new(1_000_000_007, 123_456_789);
            let accessed = UNIX_EPOCH + Duration::new(1_000_000_009, 987_654_321);
            let times = FileTimes::new().set_modified(modified).set_accessed(accessed);
            File::options().write(true).open(path("from")).unwrap().set_times(times).unwrap();
            write(path("from2"), b"", mode);
            fs::set_permissions(path("from"), fs::metadata(path("from2")).unwrap().permissions())
                .unwrap();
            assert_silent_success(&cp(directory.path(), way, &["from", "to"]));
            let copy = fs::metadata(path("to")).unwrap();
            assert_eq!(copy.accessed().unwrap(), accessed);
            assert_eq!(attributes(path("from")), attributes(path("to")));
            assert!(fs::read(path("to")).unwrap() == contents);
            for name in ["from", "from2", "to"] {
                fs::remove_file(path(name)).unwrap();
            }
        }
    }
}

#[test]
fn root_keeps_the_owner_and_others_do_not_run_as_somebody_else() {
    const TEST: &str = "root_keeps_the_owner_and_others_do_not_run_as_somebody_else";
    if !has_ring(TEST) {
        return;
    }
    if !is_root() {
        return skip(TEST, "not root");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    write(path("from"), b"program", 0o644);
    let owner = Some(SOMEBODY + 1);
    std::os::unix::fs::chown(path("from"), owner, owner).unwrap();
    let set_id = std::os::unix::fs::PermissionsExt::from_mode(0o6755);
    fs::set_permissions(path("from"), set_id).unwrap();
    assert_silent_success(&cp(directory.path(), &[], &["from", "to"]));
    let copy = fs::metadata(path("to")).unwrap();
    assert_eq!((copy.uid(), copy.gid(), copy.mode() & 0o7777), (54_322, 54_322, 0o6755));

    fs::create_dir(path("theirs")).unwrap();
    let command = ringbahn(directory.path(), &["cp", "from", "theirs/to"]);
    let Some(mut command) = as_somebody(TEST, &path("theirs"), command) else { return };
    std::os::unix::fs::chown(directory.path(), Some(SOMEBODY), None).unwrap();
    assert_silent_success(&command.output().unwrap());
    let copy = fs::metadata(path("theirs/to")).unwrap();
    assert_eq!((copy.uid(), copy.mode() & 0o7777), (SOMEBODY, 0o755));
}

#[test]
fn holes_stay_holes() {
    if !has_ring("holes_stay_holes") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    let data = bytes(700 << 10);
    for way in WAYS {
        for offsets in [&[1 << 20, 40 << 20][..], &[0], &[(64 << 20) - (700 << 10)], &[]] {
            let file = File::create(&from).unwrap();
            file.set_len(64 << 20).unwrap();
            for offset in offsets {
                file.write_all_at(&data, *offset).unwrap();
            }
            assert_silent_success(&cp(directory.path(), way, &["from", "to"]));
            assert!(fs::read(&from).unwrap() == fs::read(&to).unwrap());
            let blocks = [&from, &to].map(|path| fs::metadata(path).unwrap().blocks());
            // Where a file begins and ends, a file system may round to its own units.
            let slack = 256 * (offsets.len() as u64 + 1);
            assert!(blocks[1] <= blocks[0] + slack, "{blocks:?} {way:?} {offsets:?}");
        }
    }
}

#[test]
fn a_file_that_grows_is_copied_to_a_length_it_had() {
    if !has_ring("a_file_that_grows_is_copied_to_a_length_it_had") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let from = directory.path().join("from");
    let contents = bytes(64 << 20);
    for way in WAYS {
        // From nothing too, which could be a file that does not say how long it is.
        for begin in [8 << 20, 0] {
            fs::write(&from, &contents[..begin]).unwrap();
            let file = File::options().write(true).open(&from).unwrap();
            let (output, length) = thread::scope(|scope| {
                let command = scope.spawn(|| cp(directory.path(), way, &["from", "to"]));
                let mut length = begin;
                while !command.is_finished() && length < contents.len() {
                    let next = length + (4 << 10);
                    file.write_all_at(&contents[length..next], length as u64).unwrap();
                    length = next;
                }
                (command.join().unwrap(), length)
            });
            assert_silent_success(&output);
            let copy = fs::read(directory.path().join("to")).unwrap();
            assert!((begin..=length).contains(&copy.len()), "{} {length}", copy.len());
            assert!(copy == contents[..copy.len()]);
        }
    }
}

#[test]
fn a_file_that_grows_while_a_pipe_is_slow_is_not_pursued() {
    if !has_ring("a_file_that_grows_while_a_pipe_is_slow_is_not_pursued") {
        return;
    }
    const LIMIT: usize = 32 << 20;
    let directory = tempfile::tempdir().unwrap();
    let (from, pipe) = (directory.path().join("from"), directory.path().join("pipe"));
    let contents = bytes(1 << 20);
    fs::write(&from, &contents).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let there = thread::scope(|scope| {
        let command = scope.spawn(|| cp(directory.path(), &[], &["from", "pipe"]));
        let mut pipe = File::open(&pipe).unwrap();
        let file = File::options().append(true).open(&from).unwrap();
        let (mut there, mut part) = (Vec::new(), vec![0; 64 << 10]);
        loop {
            let count = pipe.read(&mut part).unwrap();
            if count == 0 {
                break;
            }
            there.extend_from_slice(&part[..count]);
            // As much more as was taken.
            if there.len() < LIMIT {
                std::io::Write::write_all(&mut &file, &part[..count]).unwrap();
            }
        }
        assert_silent_success(&command.join().unwrap());
        there
    });
    assert!(there == contents, "{} bytes", there.len());
}

#[test]
fn a_file_that_shrinks_is_copied_as_far_as_it_was_seen() {
    if !has_ring("a_file_that_shrinks_is_copied_as_far_as_it_was_seen") {
        return;
    }
    const END: usize = 1 << 20;
    let directory = tempfile::tempdir().unwrap();
    let from = directory.path().join("from");
    let contents = bytes(64 << 20);
    for way in WAYS {
        fs::write(&from, &contents).unwrap();
        let file = File::options().write(true).open(&from).unwrap();
        let output = thread::scope(|scope| {
            let command = scope.spawn(|| cp(directory.path(), way, &["from", "to"]));
            let to = directory.path().join("to");
            while !command.is_finished() && !fs::metadata(&to).is_ok_and(|to| to.len() > 0) {
                thread::yield_now();
            }
            for length in (END..contents.len()).rev().step_by(64 << 10) {
                file.set_len((length - length % 4096) as u64).unwrap();
            }
            command.join().unwrap()
        });
        assert_silent_success(&output);
        let copy = fs::read(directory.path().join("to")).unwrap();
        assert!((END - 4096..=contents.len()).contains(&copy.len()), "{}", copy.len());
        assert!(copy == contents[..copy.len()]);
    }
}

#[test]
fn files_that_do_not_say_how_long_they_are_are_copied_whole() {
    if !has_ring("files_that_do_not_say_how_long_they_are_are_copied_whole") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for way in WAYS {
        // The last one claims to be longer than it is.
        for from in ["/proc/version", "/proc/filesystems", "/sys/devices/system/cpu/possible"] {
            assert_silent_success(&cp(directory.path(), way, &[from, "to"]));
            let contents = fs::read(from).unwrap();
            assert!(!contents.is_empty());
            assert_eq!(fs::read(directory.path().join("to")).unwrap(), contents, "{from}");
            fs::remove_file(directory.path().join("to")).unwrap();
        }
    }
}

#[test]
fn a_full_disk_is_told_and_no_part_is_left() {
    const TEST: &str = "a_full_disk_is_told_and_no_part_is_left";
    if !has_ring(TEST) {
        return;
    }
    let Some(mount) = Mount::new(TEST) else { return };
    let directory = tempfile::tempdir().unwrap();
    write(directory.path().join("from"), &bytes(LENGTH), 0o644);
    write(mount.path().join("old"), b"old", 0o644);
    let to = mount.path().to_str().unwrap();
    for way in WAYS {
        for (name, end) in [("new", "new was removed"), ("old", "old was emptied")] {
            let name = format!("{to}/{name}");
            let output = cp(directory.path(), way, &["from", &name]);
            assert_one_failure(&output, &["No space left on device", &name, end]);
            let errors = text(&output.stderr);
            let (_, rest) = errors.split_once("); ").unwrap();
            let copied: usize = rest.split(' ').next().unwrap().parse().unwrap();
            // Less what the file system needs for itself.
            assert!((800 << 10..=1 << 20).contains(&copied), "{errors}");
            assert!(
                errors.contains(&format!("{copied} of {LENGTH} bytes were copied")),
                "{errors}"
            );
        }
        assert!(!is_there(mount.path(), "new"));
        assert_eq!(fs::metadata(mount.path().join("old")).unwrap().len(), 0);
    }
}

#[test]
fn a_limit_of_the_length_is_told_and_no_part_is_left() {
    if !has_ring("a_limit_of_the_length_is_told_and_no_part_is_left") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    write(directory.path().join("from"), &bytes(LENGTH), 0o644);
    for way in WAYS {
        // The limit is 1 MiB, in units of 512 or 1024 bytes; the signal that would end it is off.
        let arguments = [&["cp"], way, &["from", "to"]].concat();
        let prepare = "trap '' XFSZ && ulimit -f 1024";
        let output = ringbahn_after(prepare, directory.path(), &arguments).output().unwrap();
        assert_one_failure(&output, &["File too large", " to", "bytes were copied", "removed"]);
        assert!(!is_there(directory.path(), "to"));
        assert_one_failure(
            &cp(directory.path(), way, &["from", "/dev/full"]),
            &["cannot write /dev/full: No space left on device", "0 of "],
        );
    }
}

#[test]
fn a_file_is_not_copied_to_itself() {
    if !has_ring("a_file_is_not_copied_to_itself") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    fs::write(path("from"), "contents").unwrap();
    fs::hard_link(path("from"), path("hard")).unwrap();
    symlink("from", path("link")).unwrap();
    for (from, to) in [("from", "from"), ("from", "hard"), ("from", "link"), ("link", "from")] {
        assert_one_failure(&cp(directory.path(), &[], &[from, to]), &["they are the same file"]);
        assert_one_failure(&cp(directory.path(), &[], &[from, "."]), &["the same file"]);
    }
    let link = cp(directory.path(), &["-r"], &["link", "link"]);
    assert_one_failure(&link, &["they are the same file"]);
    assert_eq!(fs::read(path("from")).unwrap(), b"contents");
    assert_eq!(fs::read_link(path("link")).unwrap(), Path::new("from"));
}

#[test]
fn a_directory_takes_several_files_and_none_twice() {
    if !has_ring("a_directory_takes_several_files_and_none_twice") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in ["one", "two", "to"] {
        fs::create_dir(path(name)).unwrap();
    }
    write(path("one/a"), b"first", 0o644);
    write(path("two/a"), b"second", 0o644);
    write(path("two/b"), b"third", 0o644);
    let output = cp(directory.path(), &[], &["one/a", "two/a", "missing", "one", "two/b", "to"]);
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 3), "{errors}");
    for part in ["to/a: this command has just made it", "open missing: No such file", "give -r"] {
        assert!(errors.contains(part), "{errors}");
    }
    // They are copied at the same time, so nobody knows which one comes first.
    assert!([&b"first"[..], b"second"].contains(&&*fs::read(path("to/a")).unwrap()));
    assert_eq!(fs::read(path("to/b")).unwrap(), b"third");

    for nowhere in ["one/a", "missing"] {
        let output = cp(directory.path(), &[], &["one/a", "two/b", nowhere]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("is no directory"));
    }
    assert_eq!(fs::read(path("one/a")).unwrap(), b"first");
    assert_one_failure(&cp(directory.path(), &[], &["one/a", "no/such/to"]), &["no/such/to"]);
    assert_eq!(cp(directory.path(), &[], &["one/a"]).status.code(), Some(2));
}

#[test]
fn a_link_to_nothing_is_neither_read_nor_written() {
    if !has_ring("a_link_to_nothing_is_neither_read_nor_written") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    symlink("nothing", directory.path().join("link")).unwrap();
    write(directory.path().join("from"), b"contents", 0o644);
    let output = cp(directory.path(), &[], &["link", "to"]);
    assert_one_failure(&output, &["cannot open link: No such file"]);
    let output = cp(directory.path(), &[], &["from", "link"]);
    assert_one_failure(&output, &["link", "a symbolic link to nothing", "remove it"]);
    assert!(!is_there(directory.path(), "to") && !is_there(directory.path(), "nothing"));
    // One to something is followed.
    write(directory.path().join("nothing"), b"long before", 0o600);
    assert_silent_success(&cp(directory.path(), &[], &["from", "link"]));
    assert_eq!(fs::read(directory.path().join("nothing")).unwrap(), b"contents");
}

#[test]
fn pipes_and_devices_are_read_and_written() {
    if !has_ring("pipes_and_devices_are_read_and_written") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let contents = bytes(LENGTH);
    write(directory.path().join("from"), &contents, 0o644);
    let made = Command::new("mkfifo").arg(directory.path().join("pipe")).status().unwrap();
    assert!(made.success());
    for way in WAYS {
        let there = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut there = Vec::new();
                File::open(directory.path().join("pipe")).unwrap().read_to_end(&mut there).unwrap();
                there
            });
            assert_silent_success(&cp(directory.path(), way, &["from", "pipe"]));
            reader.join().unwrap()
        });
        assert!(there == contents);
        thread::scope(|scope| {
            scope.spawn(|| fs::write(directory.path().join("pipe"), &contents).unwrap());
            assert_silent_success(&cp(directory.path(), way, &["pipe", "to"]));
        });
        assert!(fs::read(directory.path().join("to")).unwrap() == contents);
        assert_silent_success(&cp(directory.path(), way, &["from", "/dev/null"]));
        assert_silent_success(&cp(directory.path(), way, &["/dev/null", "to"]));
        assert_eq!(fs::metadata(directory.path().join("to")).unwrap().len(), 0);
    }
}

#[test]
fn the_other_end_of_a_fifo_is_waited_for() {
    if !has_ring("the_other_end_of_a_fifo_is_waited_for") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let contents = bytes(LENGTH);
    write(directory.path().join("from"), &contents, 0o644);
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let late = |act: &(dyn Fn() + Sync)| {
        thread::scope(|scope| {
            scope.spawn(|| {
                // sleep: so that the command is first; the outcome is the same where it is not.
                thread::sleep(Duration::from_millis(200));
                act();
            });
            cp(directory.path(), WAYS[0], &["from", "pipe"])
        })
    };
    let copied = late(&|| {
        // Not waited for: where the command has failed there is nobody to wait for.
        let flags = rustix::fs::OFlags::NONBLOCK;
        let opened = rustix::fs::open(&pipe, flags, rustix::fs::Mode::empty()).unwrap();
        rustix::io::ioctl_fionbio(&opened, false).unwrap();
        let mut there = Vec::new();
        File::from(opened).read_to_end(&mut there).unwrap();
        assert!(there.is_empty() || there == contents);
    });
    assert_silent_success(&copied);
}

#[test]
fn what_the_kernel_cannot_copy_goes_by_the_ring() {
    const TEST: &str = "what_the_kernel_cannot_copy_goes_by_the_ring";
    if !has_ring(TEST) {
        return;
    }
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        return skip(TEST, "strace is not installed, or may not trace");
    }
    let directory = tempfile::tempdir().unwrap();
    // Two segments, so that the kernel is asked twice.
    let file = File::create(directory.path().join("from")).unwrap();
    file.set_len(16 << 20).unwrap();
    file.write_all_at(&bytes(LENGTH), 1 << 20).unwrap();
    file.write_all_at(&bytes(LENGTH), 8 << 20).unwrap();
    for answer in [
        "error=EXDEV",
        "error=EOPNOTSUPP",
        "error=EINVAL",
        "error=ENOSYS",
        "error=EPERM",
        "error=EBADF",
        "retval=0",
    ] {
        for when in ["1+", "2+"] {
            let log = directory.path().join("log");
            let output = Command::new("strace")
                .args(["-f", "-qq", "-e", "trace=copy_file_range", "-e"])
                .arg(format!("inject=copy_file_range:{answer}:when={when}"))
                .arg("-o")
                .arg(&log)
                .args([env!("CARGO_BIN_EXE_ringbahn"), "cp", "from", "to"])
                .current_dir(directory.path())
                // A process that is traced cannot be looked through for leaks.
                .env("ASAN_OPTIONS", "detect_leaks=0")
                .output()
                .unwrap();
            assert_silent_success(&output);
            let copies = ["from", "to"].map(|name| fs::read(directory.path().join(name)).unwrap());
            assert!(copies[0] == copies[1], "{answer} {when}");
            let log = fs::read_to_string(log).unwrap();
            assert!(log.contains("INJECTED"), "{answer} {when}: {log}");
            fs::remove_file(directory.path().join("to")).unwrap();
        }
    }
}

#[test]
fn the_progress_is_shown_where_it_is_asked_for() {
    if !has_ring("the_progress_is_shown_where_it_is_asked_for") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    write(directory.path().join("from"), &bytes(1 << 20), 0o644);
    for way in WAYS {
        let output = cp(directory.path(), way, &["--progress", "always", "from", "to"]);
        let shown = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{shown}");
        assert!(shown.contains("1.00 MiB/1.00 MiB"), "{shown}");
        // It is no terminal.
        for when in ["auto", "never"] {
            let output = cp(directory.path(), way, &["--progress", when, "from", "to"]);
            assert_silent_success(&output);
        }
    }
}
