//! Reads and writes of a file that is open for direct IO.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use ringbahn_core::event::{Position, Read, Write};
use ringbahn_core::{Cancelled, SharedFd, Submission};
use ringbahn_drivers::{IopollDriver, NotPolled};

use crate::canary::{Canary, SIZE, inspect};
use crate::driven::{end, until_idle};
use crate::driver;
use crate::scene::{pipe, poll_once, run, shared, until};
use crate::skip::skip;
use crate::watched::Watched;

/// A file of one block, open so that its device could be polled for it; `None` and a line in the
/// log where the file system has no direct IO.
fn direct_file(test: &str) -> Option<(tempfile::NamedTempFile, File)> {
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::write(file.path(), [7; SIZE]).unwrap();
    let mut options = OpenOptions::new();
    match options.read(true).write(true).custom_flags(libc::O_DIRECT).open(file.path()) {
        Ok(direct) => Some((file, direct)),
        Err(error) => {
            skip(test, &format!("no O_DIRECT: {error}"));
            None
        }
    }
}

#[test]
fn a_block_is_read_or_the_device_said_to_be_one_that_cannot_be_polled() {
    let test = "a_block_is_read_or_the_device_said_to_be_one_that_cannot_be_polled";
    let Some(driver) = driver(test, 1, 2) else { return };
    let Some((_named, file)) = direct_file(test) else { return };
    let file = shared(file);
    let probed = run(driver.probe(&file));
    for _ in 0..20 {
        let read = Read::new(file.clone(), Canary::new(), Position::At(0));
        let (read, block) = run(driver.clone().submit(read));
        match &probed {
            Ok(()) => {
                assert_eq!(read.unwrap(), SIZE);
                assert!(block.filled().iter().all(|byte| *byte == 7));
            }
            Err(_) => assert_not_polled(&read.unwrap_err()),
        }
    }
    if let Err(error) = probed {
        assert_told(&error);
    }
    end(&driver);
}

/// Submits a write of the block with this number, which makes the file longer. That is done also
/// on disks that cannot be polled, and the kernel tells of its end to those who poll only.
fn extend(driver: &IopollDriver, file: &SharedFd, ends: &Ends, number: u64) -> Extending {
    let at = Position::At(number * SIZE as u64);
    driver.clone().submit(Write::new(file.clone(), Watched::new(ends), at))
}

type Ends = Arc<AtomicUsize>;
type Extending = Submission<Write<Watched>, IopollDriver>;

#[test]
fn what_takes_its_time_is_polled_for_by_the_helper() {
    let test = "what_takes_its_time_is_polled_for_by_the_helper";
    for (entries, completions) in [(1, 2), (8, 8)] {
        let Some(driver) = driver(test, entries, completions) else { return };
        let Some((named, file)) = direct_file(test) else { return };
        let (file, ends) = (shared(file), Ends::default());
        let writes = join_all((1..=40).map(|number| extend(&driver, &file, &ends, number)));
        let written = run(writes).into_iter().filter(|(result, _)| match result {
            Ok(count) => *count == SIZE,
            Err(error) => {
                assert_not_polled(error);
                false
            }
        });
        let written = written.count() as u64;
        assert_eq!(ends.load(Ordering::SeqCst), 40);
        let length = named.path().metadata().unwrap().len();
        assert!(written == 0 || length > SIZE as u64, "{written} blocks, {length} bytes");
        end(&driver);
    }
}

#[test]
fn what_is_dropped_or_cancelled_on_its_way_is_written_all_the_same() {
    let test = "what_is_dropped_or_cancelled_on_its_way_is_written_all_the_same";
    let Some(driver) = driver(test, 8, 16) else { return };
    let Some((named, file)) = direct_file(test) else { return };
    let (file, ends) = (shared(file), Ends::default());
    for number in 1..=20 {
        let mut dropped = extend(&driver, &file, &ends, 2 * number);
        let mut cancelled = extend(&driver, &file, &ends, 2 * number + 1);
        let _ = poll_once(Pin::new(&mut dropped));
        if poll_once(Pin::new(&mut cancelled)).is_ready() {
            continue;
        }
        drop(dropped);
        let Cancelled::Completed((result, _)) = run(cancelled.cancel()) else {
            panic!("the kernel takes no cancels here");
        };
        if let Ok(count) = result {
            assert_eq!(count, SIZE);
            let length = named.path().metadata().unwrap().len();
            assert!(length >= (2 * number + 2) * SIZE as u64, "it was not written");
        }
    }
    until_idle(&driver);
    until("all buffers are given back", || ends.load(Ordering::SeqCst) == 40);
    let _ = inspect();
    end(&driver);
}

#[test]
fn a_shutdown_waits_for_what_is_on_its_way() {
    let test = "a_shutdown_waits_for_what_is_on_its_way";
    let Some(driver) = driver(test, 8, 16) else { return };
    let Some((_named, file)) = direct_file(test) else { return };
    let (file, ends) = (shared(file), Ends::default());
    let mut writes: Vec<_> = (1..=8).map(|number| extend(&driver, &file, &ends, number)).collect();
    writes.iter_mut().for_each(|write| drop(poll_once(Pin::new(write))));
    let report = end(&driver);
    assert_eq!((report.cancelled, report.leaked), (0, 0));
    drop(writes);
    assert_eq!(ends.load(Ordering::SeqCst), 8);
}

/// What the kernel says of an operation is the event's own error, and can be asked about.
#[track_caller]
fn assert_not_polled(error: &io::Error) {
    assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP));
    let hint = NotPolled::of(error).unwrap().hint();
    assert!(hint.contains("O_DIRECT") && hint.contains("poll_queues"), "{hint}");
}

/// What a probe says tells what to do.
#[track_caller]
fn assert_told(error: &io::Error) {
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.get_ref().unwrap().is::<NotPolled>());
    assert!(error.to_string().contains("poll_queues"), "{error}");
}

#[test]
fn a_file_that_is_not_open_for_direct_io_cannot_be_polled() {
    let test = "a_file_that_is_not_open_for_direct_io_cannot_be_polled";
    let Some(driver) = driver(test, 1, 2) else { return };
    let file = tempfile::tempfile().unwrap();
    file.set_len(SIZE as u64).unwrap();
    assert_told(&run(driver.probe(&shared(file))).unwrap_err());
    let (reader, _writer) = pipe();
    assert_told(&probe(&driver, &reader));
    end(&driver);
}

fn probe(driver: &IopollDriver, file: &SharedFd) -> io::Error {
    run(driver.probe(file)).unwrap_err()
}

#[test]
fn an_error_of_another_kind_is_not_taken_for_this_one() {
    for errno in [libc::EINVAL, libc::EIO, libc::ENOSYS] {
        assert_eq!(NotPolled::of(&io::Error::from_raw_os_error(errno)), None);
    }
    assert_eq!(NotPolled::of(&io::ErrorKind::Unsupported.into()), None);
}
