//! Pipes: their end, their breaking, and their being full.

use std::fs::File;
use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write, pipe};
use std::process::{Command, Stdio};
use std::thread;

use futures::executor::block_on;
use futures::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use ringbahn::{Ring, SharedDriver};

#[path = "support/support.rs"]
mod support;
use support::{driver, poll_once};

fn rings(
    driver: &SharedDriver,
) -> (Ring<PipeReader, SharedDriver>, Ring<PipeWriter, SharedDriver>) {
    let (reader, writer) = pipe().unwrap();
    (Ring::new_on_driver(reader, driver.clone()), Ring::new_on_driver(writer, driver.clone()))
}

#[test]
fn more_than_a_pipe_holds_goes_through_and_then_it_ends() {
    let Some(driver) = driver("more_than_a_pipe_holds_goes_through_and_then_it_ends") else {
        return;
    };
    let (mut reader, mut writer) = rings(&driver);
    let bytes: Vec<u8> = (0..250_000_u32).flat_map(u32::to_be_bytes).collect();
    let sent = bytes.clone();
    let write = thread::spawn(move || {
        block_on(async {
            writer.write_all(&sent).await.unwrap();
            writer.close().await.unwrap();
        });
    });
    let mut got = Vec::new();
    block_on(reader.read_to_end(&mut got)).unwrap();
    assert!(got == bytes);
    write.join().unwrap();
    assert_eq!(block_on(reader.read(&mut [0; 8])).unwrap(), 0);
}

#[test]
fn a_broken_pipe_is_an_error_and_no_signal() {
    let Some(driver) = driver("a_broken_pipe_is_an_error_and_no_signal") else { return };
    let (reader, mut writer) = rings(&driver);
    // One write that waits for room when the pipe breaks, and one that finds it broken.
    let full = vec![0; 100_000];
    assert!(poll_once(&mut writer.write(&full)).is_ready());
    drop(reader);
    block_on(async {
        assert_eq!(writer.flush().await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(writer.write(b"hello").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        writer.close().await.unwrap();
    });
}

#[test]
fn a_dropped_read_loses_nothing_and_leaves_the_rest_to_std() {
    let Some(driver) = driver("a_dropped_read_loses_nothing") else { return };
    let (reader, mut writer) = pipe().unwrap();
    let mut reader = Ring::new_on_driver(reader, driver);
    assert!(poll_once(&mut reader.read(&mut [0; 3])).is_pending());
    writer.write_all(b"one\ntwo\n").unwrap();
    let mut line = String::new();
    block_on(reader.read_line(&mut line)).unwrap();
    assert_eq!(line, "one\n");
    let unread = block_on(reader.into_inner()).unwrap_err();
    let mut rest = unread.unread;
    let mut object = unread.object;
    drop(writer);
    object.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"two\n");
}

#[test]
fn a_pipe_in_non_blocking_mode_is_waited_for_and_stays_in_it() {
    let Some(driver) = driver("a_pipe_in_non_blocking_mode_is_waited_for") else { return };
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let (reader, writer) = pipe().unwrap();
    fcntl_setfl(&reader, OFlags::NONBLOCK).unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    let mut reader = Ring::new_on_driver(reader, driver.clone());
    let mut writer = Ring::new_on_driver(writer, driver);
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    block_on(async {
        let mut got = vec![0; bytes.len()];
        assert!(poll_once(&mut reader.read(&mut got[..8])).is_pending());
        let write = async {
            writer.write_all(&bytes).await.unwrap();
            writer.flush().await.unwrap();
        };
        let (read, ()) = futures::join!(reader.read_exact(&mut got), write);
        read.unwrap();
        assert!(got == bytes);
        // Cancelled while it waits, and disturbed by nothing.
        assert!(poll_once(&mut reader.read(&mut got)).is_pending());
    });
    for flags in [fcntl_getfl(reader.get_ref()), fcntl_getfl(writer.get_ref())] {
        assert!(flags.unwrap().contains(OFlags::NONBLOCK));
    }
}

#[test]
fn the_pipes_of_a_child_process_work() {
    let Some(driver) = driver("the_pipes_of_a_child_process_work") else { return };
    let (input, mut to_child) = {
        let (input, writer) = pipe().unwrap();
        (input, Ring::new_on_driver(writer, driver.clone()))
    };
    let (mut from_child, output) = {
        let (reader, output) = pipe().unwrap();
        (Ring::new_on_driver(reader, driver), output)
    };
    let mut child =
        Command::new("cat").stdin(Stdio::from(input)).stdout(Stdio::from(output)).spawn().unwrap();
    block_on(async {
        to_child.write_all(b"through a process").await.unwrap();
        to_child.close().await.unwrap();
        let mut got = String::new();
        from_child.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, "through a process");
    });
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_write_in_flight_keeps_a_dropped_pipe_until_it_is_done() {
    let Some(driver) = driver("a_write_in_flight_keeps_a_dropped_pipe") else { return };
    let (mut reader, writer) = pipe().unwrap();
    let mut writer = Ring::new_on_driver(writer, driver);
    assert!(poll_once(&mut writer.write(&[7; 100_000])).is_ready());
    drop(writer);
    let mut got = Vec::new();
    reader.read_to_end(&mut got).unwrap();
    assert_eq!(got, [7; 100_000]);
}

#[test]
fn a_pipe_of_two_ends_in_one_file_is_read_by_name() {
    let Some(driver) = driver("a_pipe_of_two_ends_in_one_file_is_read_by_name") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
    let both = File::options().read(true).write(true).open(&path).unwrap();
    let mut both = Ring::new_on_driver(both, driver);
    block_on(async {
        both.write_all(b"there and back").await.unwrap();
        let mut got = [0; 14];
        both.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"there and back");
    });
}

#[test]
fn an_inotify_in_non_blocking_mode_is_waited_for() {
    let Some(driver) = driver("an_inotify_in_non_blocking_mode_is_waited_for") else { return };
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let folder = tempfile::tempdir().unwrap();
    let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    add_watch(&watch, folder.path(), WatchFlags::CREATE).unwrap();
    let mut watch = Ring::new_on_driver(File::from(watch), driver);
    let mut report = [0; 512];
    for _ in 0..2 {
        assert!(poll_once(&mut watch.read(&mut report)).is_pending());
    }
    File::create(folder.path().join("novelty")).unwrap();
    let count = block_on(watch.read(&mut report)).unwrap();
    assert!(report[..count].windows(7).any(|part| part == b"novelty"));
    // Stopped while it waits.
    assert!(poll_once(&mut watch.read(&mut report)).is_pending());
    block_on(watch.into_inner()).unwrap();
}
