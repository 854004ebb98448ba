//! Files that are copied: by the kernel, and by the driver.

use std::fs::{self, File};
use std::future::Future;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use ringbahn::fs::{CopyError, Dir, FileCopy, OpenOptions};
use ringbahn::{Ring, SharedDriver};

use crate::{on_each, same};

/// More than is left to the driver for being short, and not a multiple of anything.
const LENGTH: usize = 1_000_003;

/// Bytes that differ from place to place.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

/// The files at `from` and `to`, open for a copy.
async fn pair(
    dir: &Dir<SharedDriver>,
    from: &Path,
    to: &Path,
) -> (Ring<File, SharedDriver>, Ring<File, SharedDriver>) {
    (dir.open_file(from).await.unwrap(), dir.create_file(to).await.unwrap())
}

#[test]
fn files_are_copied_as_std_copies_them() {
    on_each("copies::files_are_copied_as_std_copies_them", async |dir, place| {
        for from in ["file", "program", "full", "link", "dangling", "missing", "a\0b", ""] {
            for to in ["new", "file", "empty", "link", "missing/x"] {
                let is_same = ["file", "link"].contains(&from) && ["file", "link"].contains(&to);
                if is_same {
                    continue;
                }
                let _ = same!(
                    dir,
                    |path| fs::copy(path.join(from), path.join(to)),
                    dir.copy(path.join(from), path.join(to)).await
                );
            }
        }
        let device = dir.copy("/dev/null", place.join("copy")).await.unwrap_err();
        assert_eq!(device.kind(), ErrorKind::InvalidInput);
        assert!(!place.join("copy").exists());
    });
}

#[test]
fn a_copy_has_the_contents_and_the_permissions_that_std_gives_it() {
    let test = "copies::a_copy_has_the_contents_and_the_permissions_that_std_gives_it";
    on_each(test, async |dir, place| {
        // Less than what the kernel is asked for, that much, and more.
        for (length, mode) in [(1, 0o777), (64 << 10, 0o444), (LENGTH, 0o4750), (0, 0o600)] {
            let from = place.join("from");
            fs::write(&from, bytes(length)).unwrap();
            fs::set_permissions(&from, fs::Permissions::from_mode(mode)).unwrap();
            // What is there already becomes as long, and gets the permissions too.
            for there in [None, Some(2 * LENGTH)] {
                let [std, ours] = ["std", "ours"].map(|name| place.join(name));
                for path in [&std, &ours] {
                    let _ = fs::remove_file(path);
                    if let Some(length) = there {
                        fs::write(path, vec![1; length]).unwrap();
                    }
                }
                let expected = fs::copy(&from, &std).unwrap();
                assert_eq!(dir.copy(&from, &ours).await.unwrap(), expected);
                assert!(fs::read(&ours).unwrap() == fs::read(&std).unwrap(), "{length}");
                let modes = [&std, &ours].map(|path| fs::metadata(path).unwrap().mode());
                assert_eq!(modes[0], modes[1]);
            }
            fs::remove_file(&from).unwrap();
        }
    });
}

#[test]
fn files_that_report_no_length_or_a_wrong_one_are_copied_whole() {
    let test = "copies::files_that_report_no_length_or_a_wrong_one_are_copied_whole";
    on_each(test, async |dir, place| {
        // The last one claims to be longer than it is.
        for from in ["/proc/version", "/proc/filesystems", "/sys/devices/system/cpu/possible"] {
            let contents = fs::read(from).unwrap();
            assert!(!contents.is_empty());
            let count = dir.copy(from, place.join("copy")).await.unwrap();
            assert_eq!(count, contents.len() as u64, "{from}");
            assert_eq!(fs::read(place.join("copy")).unwrap(), contents, "{from}");
            fs::remove_file(place.join("copy")).unwrap();
        }
    });
}

#[test]
fn what_the_kernel_does_not_copy_between_two_file_systems_the_driver_does() {
    let test = "copies::what_the_kernel_does_not_copy_between_two_file_systems_the_driver_does";
    on_each(test, async |dir, place| {
        // One in memory, where there is such a place.
        let other = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        fs::write(place.join("from"), bytes(LENGTH)).unwrap();
        let there = other.path().join("there");
        let count = dir.copy(place.join("from"), &there).await.unwrap();
        assert_eq!(count, LENGTH as u64);
        assert_eq!(dir.copy(&there, place.join("back")).await.unwrap(), LENGTH as u64);
        assert!(fs::read(place.join("back")).unwrap() == bytes(LENGTH));
    });
}

#[test]
fn holes_stay_holes() {
    on_each("copies::holes_stay_holes", async |dir, place| {
        const SIZE: u64 = 64 << 20;
        let data = bytes(100 << 10);
        let [from, to] = ["from", "to"].map(|name| place.join(name));
        let last = SIZE - data.len() as u64;
        for offsets in [&[1 << 20, 40 << 20][..], &[0], &[last], &[]] {
            let file = File::create(&from).unwrap();
            file.set_len(SIZE).unwrap();
            for &offset in offsets {
                file.write_all_at(&data, offset).unwrap();
            }
            for kernel in [true, false] {
                let (source, target) = pair(dir, &from, &to).await;
                let mut copy = FileCopy::new(&source, &target, SIZE);
                if !kernel {
                    copy = copy.without_kernel();
                }
                assert_eq!(copy.run().await.unwrap(), SIZE);
                // Where data begins and ends, a file system may round to its own units.
                let most = (data.len() as u64 + (1 << 20)) * offsets.len() as u64;
                assert!(copy.copied() <= most, "{} {offsets:?}", copy.copied());
                for offset in offsets {
                    let mut part = vec![0; data.len()];
                    File::open(&to).unwrap().read_exact_at(&mut part, *offset).unwrap();
                    assert!(part == data, "{offset} {offsets:?}");
                }
                let blocks = [&from, &to].map(|path| fs::metadata(path).unwrap().blocks());
                let slack = 256 * (offsets.len() as u64 + 1);
                assert!(blocks[1] <= blocks[0] + slack, "{blocks:?} {offsets:?}");
            }
        }
        // All of it is the same, also where it has not been looked at.
        assert_eq!(dir.copy(&from, &to).await.unwrap(), SIZE);
        assert_eq!(fs::metadata(&to).unwrap().len(), SIZE);
    });
}

#[test]
fn a_file_that_grows_is_copied_to_a_length_it_had() {
    on_each("copies::a_file_that_grows_is_copied_to_a_length_it_had", async |dir, place| {
        let contents = bytes(8 << 20);
        let [from, to] = ["from", "to"].map(|name| place.join(name));
        // From nothing too, which could be a file that does not say how long it is.
        for begin in [LENGTH, 0] {
            fs::write(&from, &contents[..begin]).unwrap();
            let is_over = Arc::new(AtomicBool::new(false));
            let writer = thread::spawn({
                let (is_over, rest) = (is_over.clone(), contents[begin..].to_vec());
                let mut file = File::options().append(true).open(&from).unwrap();
                move || {
                    for part in rest.chunks(4 << 10) {
                        // Relaxed: it is only a reason to end sooner.
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                        file.write_all(part).unwrap();
                    }
                }
            });
            let count = dir.copy(&from, &to).await.unwrap();
            is_over.store(true, Ordering::Relaxed);
            writer.join().unwrap();
            let copy = fs::read(&to).unwrap();
            assert_eq!(copy.len() as u64, count);
            assert!(copy.len() >= begin && copy == contents[..copy.len()]);
        }
        // One that is known to have grown is copied as long as it was.
        fs::write(&from, &contents).unwrap();
        for kernel in [true, false] {
            let (source, target) = pair(dir, &from, &to).await;
            let copy = FileCopy::new(&source, &target, LENGTH as u64);
            let mut copy = if kernel { copy } else { copy.without_kernel() };
            assert_eq!(copy.run().await.unwrap(), LENGTH as u64);
            assert!(fs::read(&to).unwrap() == contents[..LENGTH]);
            // And one that has shrunk, as far as it goes.
            let (source, target) = pair(dir, &from, &to).await;
            let length = contents.len() as u64 + LENGTH as u64;
            let copy = FileCopy::new(&source, &target, length);
            let mut copy = if kernel { copy } else { copy.without_kernel() };
            assert_eq!(copy.run().await.unwrap(), contents.len() as u64);
            assert!(fs::read(&to).unwrap() == contents);
        }
    });
}

#[test]
fn a_file_is_not_copied_to_itself() {
    on_each("copies::a_file_is_not_copied_to_itself", async |dir, place| {
        let path = |name: &str| place.join(name);
        fs::write(path("file"), "contents").unwrap();
        fs::hard_link(path("file"), path("hard")).unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        for from in ["file", "hard", "link"] {
            for to in ["file", "hard", "link"] {
                let error = dir.copy(path(from), path(to)).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains("are the same file"), "{error}");
            }
        }
        assert_eq!(fs::read(path("file")).unwrap(), b"contents");
        // What is no file is told of as ever.
        for name in ["empty", "full", "dangling", "loop", "missing", "file/x", "a\0b", ""] {
            let _ = same!(
                dir,
                |path| fs::copy(path.join(name), path.join(name)),
                dir.copy(path.join(name), path.join(name)).await
            );
        }
    });
}

#[test]
fn a_copy_whose_steps_are_dropped_goes_on_where_it_was() {
    on_each("copies::a_copy_whose_steps_are_dropped_goes_on_where_it_was", async |dir, place| {
        let [from, to] = ["from", "to"].map(|name| place.join(name));
        // More than one turn of the kernel's way.
        let contents = bytes((16 << 20) + LENGTH);
        fs::write(&from, &contents).unwrap();
        for kernel in [true, false] {
            let (source, target) = pair(dir, &from, &to).await;
            let copy = FileCopy::new(&source, &target, contents.len() as u64);
            let mut copy = if kernel { copy } else { copy.without_kernel() };
            let mut counted = 0;
            loop {
                // Polled once, and dropped.
                let polled = pin!(copy.step()).poll(&mut Context::from_waker(Waker::noop()));
                assert!(!matches!(polled, std::task::Poll::Ready(Err(_))), "{polled:?}");
                if let std::task::Poll::Ready(Ok(Some(count))) = polled {
                    counted += count;
                }
                match copy.step().await.unwrap() {
                    Some(count) => counted += count,
                    None => break,
                }
                assert_eq!(counted, copy.copied());
            }
            assert_eq!((counted, copy.copied()), (contents.len() as u64, contents.len() as u64));
            assert_eq!(copy.run().await.unwrap(), contents.len() as u64);
            assert!(fs::read(&to).unwrap() == contents);
        }
    });
}

/// Waits until no descriptor of this process is of the file at `path` any more.
fn wait_until_closed(path: &Path) {
    let path = fs::canonicalize(path).unwrap();
    let is_open = || {
        fs::read_dir("/proc/self/fd")
            .unwrap()
            .flatten()
            .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path))
    };
    let begin = Instant::now();
    while is_open() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{path:?} is still open");
        thread::yield_now();
    }
}

#[test]
fn a_copy_that_is_dropped_soon_comes_to_its_end() {
    on_each("copies::a_copy_that_is_dropped_soon_comes_to_its_end", async |dir, place| {
        let [from, to] = ["from", "to"].map(|name| place.join(name));
        const LONG: u64 = 80 << 20;
        // What a thread of the pool may have begun, and what may be in flight.
        const TURN: u64 = 16 << 20;
        const FLIGHT: u64 = 2 << 20;
        fs::write(&from, vec![7; LONG as usize]).unwrap();
        for kernel in [true, false] {
            let (source, target) = pair(dir, &from, &to).await;
            let copy = FileCopy::new(&source, &target, LONG);
            let mut copy = if kernel { copy } else { copy.without_kernel() };
            let _ = pin!(copy.step()).poll(&mut Context::from_waker(Waker::noop()));
            let copied = copy.copied();
            drop(copy);
            drop((source, target));
            wait_until_closed(&to);
            let more = fs::metadata(&to).unwrap().len() - copied;
            assert!(more <= if kernel { TURN + FLIGHT } else { FLIGHT }, "{more} after {copied}");
        }
    });
}

#[test]
fn an_error_says_which_of_the_files_it_was() {
    on_each("copies::an_error_says_which_of_the_files_it_was", async |dir, place| {
        let [from, to] = ["from", "to"].map(|name| place.join(name));
        fs::write(&from, bytes(LENGTH)).unwrap();
        fs::write(&to, "").unwrap();
        let mut append = OpenOptions::new();
        append.append(true);
        let mut only_write = OpenOptions::new();
        only_write.write(true);
        let length = LENGTH as u64;
        for kernel in [true, false] {
            let copy = |source, target| {
                let copy = FileCopy::new(source, target, length);
                if kernel { copy } else { copy.without_kernel() }
            };
            let source = dir.open_file(&from).await.unwrap();
            let appending = dir.open_with(&to, &append).await.unwrap();
            let error = copy(&source, &appending).run().await.unwrap_err();
            assert!(
                matches!(&error, CopyError::Write(error)
                if error.kind() == ErrorKind::InvalidInput),
                "{error}"
            );
            assert!(error.to_string().contains("open for appending"), "{error}");

            // Not for the kernel to say which it was: the driver finds out.
            let unreadable = dir.open_with(&from, &only_write).await.unwrap();
            let writing = dir.open_with(&to, &only_write).await.unwrap();
            let mut unreadable = copy(&unreadable, &writing);
            let error = unreadable.run().await.unwrap_err();
            assert!(matches!(error, CopyError::Read(_)), "{error}");
            assert_eq!((unreadable.step().await.unwrap(), unreadable.copied()), (None, 0));
            let error = copy(&source, &source).run().await.unwrap_err();
            assert!(matches!(error, CopyError::Write(_)), "{error}");
            assert!(error.to_string().starts_with("cannot write to the target: "), "{error}");
            assert!(std::error::Error::source(&error).is_some());
        }
        assert_eq!(fs::metadata(&to).unwrap().len(), 0);
        let full = dir.copy(&from, "/dev/full").await.unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        let _ = dir.copy(&from, "/dev/null").await.unwrap();
    });
}
