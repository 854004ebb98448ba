//! The position of a file is where the reader or writer is, whatever was read ahead, dropped or
//! written behind.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use futures::executor::block_on;
use futures::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use ringbahn::{BufResultExt, Ring, SharedDriver};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, poll_once};

/// Bytes that say where they are.
fn numbered(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn position(plain: &File) -> u64 {
    let mut plain = plain;
    plain.stream_position().unwrap()
}

/// A file of numbered bytes on the driver, and another handle to the same open file.
fn numbered_file(driver: &SharedDriver, length: usize) -> (Ring<File, SharedDriver>, File) {
    let plain = file(&numbered(length));
    (Ring::new_on_driver(plain.try_clone().unwrap(), driver.clone()), plain)
}

#[test]
fn a_read_takes_no_more_than_was_asked_for() {
    let Some(driver) = driver("a_read_takes_no_more_than_was_asked_for") else { return };
    let (mut ring, plain) = numbered_file(&driver, 10_000);
    block_on(async {
        let mut at = 0;
        for size in [1, 10, 4096, 3, 0, 2000] {
            let mut buf = vec![0; size];
            ring.read_exact(&mut buf).await.unwrap();
            assert!(buf == numbered(10_000)[at..at + size]);
            at += size;
            assert_eq!(position(&plain), at as u64);
        }
    });
}

#[test]
fn a_seek_counts_from_the_reader_and_not_from_what_is_read_ahead() {
    let Some(driver) = driver("a_seek_counts_from_the_reader") else { return };
    let (mut ring, plain) = numbered_file(&driver, 20_000);
    block_on(async {
        assert!(ring.fill_buf().await.unwrap().len() > 100);
        ring.consume_unpin(100);
        assert!(position(&plain) > 100);
        assert_eq!(ring.seek(SeekFrom::Current(5)).await.unwrap(), 105);
        assert_eq!(position(&plain), 105);
        let mut byte = [0; 1];
        ring.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte[0], numbered(20_000)[105]);
        assert_eq!(ring.seek(SeekFrom::End(-1)).await.unwrap(), 19_999);
        let error = ring.seek(SeekFrom::Current(-20_001)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        ring.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte[0], numbered(20_000)[19_999]);
        assert_eq!(ring.read(&mut byte).await.unwrap(), 0);
    });
}

#[test]
fn reads_that_are_dropped_do_not_move_the_reader() {
    let Some(driver) = driver("reads_that_are_dropped_do_not_move_the_reader") else { return };
    let (mut ring, _) = numbered_file(&driver, 100_000);
    let contents = numbered(100_000);
    block_on(async {
        let mut at = 0;
        for turn in 0..200_usize {
            let mut buf = vec![0; 1 + turn * 37 % 700];
            // Dropped at once, whether or not it has completed by then.
            if let std::task::Poll::Ready(count) = poll_once(&mut ring.read(&mut buf)) {
                let count = count.unwrap();
                assert!(buf[..count] == contents[at..at + count]);
                at += count;
            }
            if turn % 3 == 0 {
                assert_eq!(ring.stream_position().await.unwrap(), at as u64);
            }
            let count = ring.read(&mut buf).await.unwrap();
            assert!(buf[..count] == contents[at..at + count]);
            at += count;
        }
    });
}

#[test]
fn reads_and_writes_in_turn_share_the_position() {
    let Some(driver) = driver("reads_and_writes_in_turn_share_the_position") else { return };
    let (mut ring, plain) = numbered_file(&driver, 50_000);
    let mut expected = numbered(50_000);
    block_on(async {
        let mut at = 0;
        for turn in 0..60_usize {
            let size = 1 + turn * 53 % 300;
            if turn % 2 == 0 {
                // Reads ahead, and takes a part of it.
                let filled = ring.fill_buf().await.unwrap();
                assert!(filled[..size] == expected[at..at + size]);
                ring.consume_unpin(size);
            } else {
                let bytes = vec![turn as u8; size];
                ring.write_all(&bytes).await.unwrap();
                expected[at..at + size].copy_from_slice(&bytes);
            }
            at += size;
        }
        assert_eq!(ring.stream_position().await.unwrap(), at as u64);
        let (_, contents) = ring.read_to_end_at(Vec::new(), 0).await.both().unwrap();
        assert!(contents == expected);
    });
    assert!(position(&plain) < 50_000);
}

#[test]
fn a_write_moves_the_position_though_its_handle_is_dropped() {
    let Some(driver) = driver("a_write_moves_the_position_though_its_handle_is_dropped") else {
        return;
    };
    let (mut ring, plain) = numbered_file(&driver, 10);
    block_on(async {
        assert_eq!(ring.write(b"abc").await.unwrap(), 3);
        drop(ring);
        assert_eq!(position(&plain), 3);
    });
}

#[test]
fn a_write_that_appends_leaves_the_position_at_the_end() {
    let Some(driver) = driver("a_write_that_appends_leaves_the_position_at_the_end") else {
        return;
    };
    let named = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(named.path(), b"hello").unwrap();
    block_on(async {
        let mut options = ringbahn::fs::OpenOptions::new();
        options.read(true).append(true);
        let mut ring = options.open_on_driver(named.path(), driver).await.unwrap();
        let mut buf = [0; 2];
        ring.read_exact(&mut buf).await.unwrap();
        ring.write_all(b", ring").await.unwrap();
        assert_eq!(ring.stream_position().await.unwrap(), 11);
        assert_eq!(ring.read(&mut buf).await.unwrap(), 0);
        ring.seek(SeekFrom::Start(1)).await.unwrap();
        let mut rest = String::new();
        ring.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "ello, ring");
    });
}

#[test]
fn the_halves_of_a_file_wait_for_each_other_and_both_wake() {
    let Some(driver) = driver("the_halves_of_a_file_wait_for_each_other") else { return };
    let (ring, _) = numbered_file(&driver, 64 * 1024);
    let (mut reader, mut writer) = ring.split();
    let read = async {
        let mut total = 0;
        let mut buf = [0; 512];
        for _ in 0..200 {
            total += reader.read(&mut buf).await.unwrap();
        }
        total
    };
    let write = async {
        for _ in 0..200 {
            writer.write_all(&[0; 512]).await.unwrap();
            writer.flush().await.unwrap();
        }
    };
    block_on(async { futures::join!(read, write) });
}

#[test]
fn a_pipe_opened_as_a_file_has_no_position_and_loses_nothing() {
    let Some(driver) = driver("a_pipe_opened_as_a_file") else { return };
    use std::io::Write;
    use std::os::fd::OwnedFd;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut ring = Ring::new_on_driver(File::from(OwnedFd::from(reader)), driver);
    block_on(async {
        writer.write_all(b"hello").unwrap();
        assert_eq!(ring.fill_buf().await.unwrap(), b"hello");
        ring.consume_unpin(1);
        let error = ring.seek(SeekFrom::Start(0)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotSeekable);
        let mut rest = [0; 4];
        ring.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"ello");
        // A read that is pending does not keep a handle from being taken apart.
        assert!(poll_once(&mut ring.read(&mut rest)).is_pending());
        drop(ring.into_inner().await.unwrap());
    });
    assert_eq!(writer.write(b"x").unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
}
