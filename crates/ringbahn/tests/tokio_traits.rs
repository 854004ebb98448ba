//! The traits of tokio, on files and streams, with no runtime of tokio.

use std::fs::File;
use std::io::{IoSlice, Read, SeekFrom, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::executor::block_on;
use ringbahn::{Ring, SharedDriver};
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWriteExt, BufReader, copy, split,
};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, poll_once, stream};

fn open(driver: &SharedDriver, contents: &[u8]) -> Ring<File, SharedDriver> {
    Ring::new_on_driver(file(contents), driver.clone())
}

#[test]
fn a_file_is_read_written_and_sought_in() {
    let Some(driver) = driver("a_file_is_read_written_and_sought_in") else { return };
    let mut file = open(&driver, b"hello world");
    block_on(async {
        let mut buf = [0; 6];
        file.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"hello ");
        file.write_all(b"ring!").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(file.stream_position().await.unwrap(), 11);
        assert_eq!(file.seek(SeekFrom::Current(-5)).await.unwrap(), 6);
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "ring!");
        assert_eq!(file.seek(SeekFrom::End(-1)).await.unwrap(), 10);
        file.seek(SeekFrom::Current(-11)).await.unwrap_err();
        file.rewind().await.unwrap();
        let mut text = Vec::new();
        file.read_buf(&mut text).await.unwrap();
        assert!(b"hello ring!".starts_with(&text) && !text.is_empty());
    });
}

#[test]
fn what_was_read_ahead_counts_as_unread_for_a_seek() {
    let Some(driver) = driver("what_was_read_ahead_counts_as_unread_for_a_seek") else { return };
    let mut file = open(&driver, b"one\ntwo\nthree\n");
    block_on(async {
        let mut line = String::new();
        file.read_line(&mut line).await.unwrap();
        assert_eq!((&line[..], file.stream_position().await.unwrap()), ("one\n", 4));
        assert_eq!(file.seek(SeekFrom::Current(4)).await.unwrap(), 8);
        line.clear();
        file.read_line(&mut line).await.unwrap();
        assert_eq!(line, "three\n");
        let mut rest = Vec::new();
        file.rewind().await.unwrap();
        AsyncBufReadExt::read_until(&mut file, b'w', &mut rest).await.unwrap();
        assert_eq!(rest, b"one\ntw");
    });
}

/// Starts a seek behind a read that is in flight, and leaves it there.
fn start_seek(file: &mut Ring<File, SharedDriver>, position: SeekFrom) {
    Pin::new(file).start_seek(position).unwrap();
}

#[test]
fn a_seek_that_was_started_is_done_before_whatever_comes_next() {
    let name = "a_seek_that_was_started_is_done_before_whatever_comes_next";
    let Some(driver) = driver(name) else { return };
    block_on(async {
        let mut file = open(&driver, b"0123456789");
        let mut buf = [0; 3];
        // Nobody says whether this is in flight afterwards or has ended already.
        let _ = poll_once(&mut Box::pin(file.fill_buf()));
        start_seek(&mut file, SeekFrom::Start(4));
        let again = Pin::new(&mut file).start_seek(SeekFrom::Start(0)).unwrap_err();
        assert_eq!(again.kind(), std::io::ErrorKind::Other);
        file.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"456");

        start_seek(&mut file, SeekFrom::Current(-7));
        file.write_all(b"ab").await.unwrap();
        start_seek(&mut file, SeekFrom::Current(1));
        assert_eq!(file.stream_position().await.unwrap(), 3);

        start_seek(&mut file, SeekFrom::Start(1));
        assert_eq!(futures::AsyncSeekExt::seek(&mut file, SeekFrom::Current(1)).await.unwrap(), 2);

        start_seek(&mut file, SeekFrom::Start(1));
        let mut object = file.into_inner().await.unwrap();
        let mut rest = String::new();
        object.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "b23456789");
    });
}

#[test]
fn a_started_seek_that_cannot_be_done_is_reported_once() {
    let name = "a_started_seek_that_cannot_be_done_is_reported_once";
    let Some(driver) = driver(name) else { return };
    block_on(async {
        let mut file = open(&driver, b"0123456789");
        start_seek(&mut file, SeekFrom::Current(-1));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(result) = Pin::new(&mut file).poll_complete(&mut cx) else {
            panic!("nothing is in flight that could be waited for");
        };
        assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
        assert_eq!(file.read_u8().await.unwrap(), b'0');

        start_seek(&mut file, SeekFrom::Current(-2));
        let error = file.into_inner().await.unwrap_err();
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidInput);
    });
}

#[test]
fn the_buffered_reader_of_tokio_seeks_in_a_file() {
    let Some(driver) = driver("the_buffered_reader_of_tokio_seeks_in_a_file") else { return };
    let text: String = (0..1000).map(|number| format!("{number:04}\n")).collect();
    let mut reader = BufReader::with_capacity(64, open(&driver, text.as_bytes()));
    block_on(async {
        let mut position = 0_usize;
        for turn in 0..300_usize {
            let line = turn * 7919 % 1000;
            let distance = line as i64 * 5 - position as i64;
            let way = if turn % 2 == 0 {
                SeekFrom::Current(distance)
            } else {
                SeekFrom::Start(line as u64 * 5)
            };
            assert_eq!(reader.seek(way).await.unwrap(), line as u64 * 5);
            let mut got = String::new();
            reader.read_line(&mut got).await.unwrap();
            assert_eq!(got, format!("{line:04}\n"));
            position = line * 5 + 5;
        }
    });
}

#[test]
fn buffers_are_written_together() {
    let Some(driver) = driver("buffers_are_written_together") else { return };
    let (mut near, mut far) = stream(&driver);
    block_on(async {
        assert!(tokio::io::AsyncWrite::is_write_vectored(&near));
        let parts = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(near.write_vectored(&parts).await.unwrap(), 7);
        AsyncWriteExt::shutdown(&mut near).await.unwrap();
    });
    let mut text = String::new();
    far.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one two");
}

#[test]
fn an_empty_read_waits_for_nothing() {
    let Some(driver) = driver("an_empty_read_waits_for_nothing") else { return };
    let (mut near, _far) = stream(&driver);
    assert_eq!(block_on(near.read(&mut [])).unwrap(), 0);
}

#[test]
fn a_read_that_was_dropped_loses_nothing() {
    let Some(driver) = driver("a_read_that_was_dropped_loses_nothing") else { return };
    let (mut near, mut far) = stream(&driver);
    for _ in 0..3 {
        assert!(poll_once(&mut Box::pin(near.read_u8())).is_pending());
    }
    far.write_all(b"abc").unwrap();
    block_on(async {
        let mut buf = [0; 3];
        near.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"abc");
    });
}

#[test]
fn two_halves_copy_both_ways_at_once() {
    let Some(driver) = driver("two_halves_copy_both_ways_at_once") else { return };
    let (near, far) = stream(&driver);
    let far = Ring::new_on_driver(far, driver.clone());
    let data: Vec<u8> = (0..500_000_u32).flat_map(u32::to_ne_bytes).collect();
    block_on(async {
        let (mut reader, mut writer) = split(near);
        let echo = async {
            let (mut reader, mut writer) = split(far);
            copy(&mut reader, &mut writer).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let send = async {
            writer.write_all(&data).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let (_, _, count) = futures::join!(echo, send, reader.read_to_end(&mut got));
        assert_eq!(count.unwrap(), data.len());
        assert!(got == data);
    });
}

#[test]
fn the_halves_of_a_handle_copy_both_ways_at_once() {
    let Some(driver) = driver("the_halves_of_a_handle_copy_both_ways_at_once") else { return };
    let (mut near, far) = stream(&driver);
    let (reader, mut far_writer) = Ring::new_on_driver(far, driver.clone()).into_split();
    let mut far_reader = BufReader::new(reader);
    let data: Vec<u8> = (0..500_000_u32).flat_map(u32::to_ne_bytes).collect();
    block_on(async {
        let (mut reader, mut writer) = Ring::split(&mut near);
        let echo = async {
            copy(&mut far_reader, &mut far_writer).await.unwrap();
            far_writer.shutdown().await.unwrap();
        };
        let send = async {
            writer.write_all(&data).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let (_, _, count) = futures::join!(echo, send, reader.read_to_end(&mut got));
        assert_eq!(count.unwrap(), data.len());
        assert!(got == data);
    });
}

#[test]
fn the_traits_of_both_crates_can_be_mixed_on_one_handle() {
    let Some(driver) = driver("the_traits_of_both_crates_can_be_mixed_on_one_handle") else {
        return;
    };
    let (mut near, mut far) = stream(&driver);
    far.write_all(b"abcdef").unwrap();
    block_on(async {
        assert_eq!(futures::AsyncBufReadExt::fill_buf(&mut near).await.unwrap()[0], b'a');
        assert_eq!(near.read_u8().await.unwrap(), b'a');
        let mut buf = [0; 2];
        futures::AsyncReadExt::read_exact(&mut near, &mut buf).await.unwrap();
        assert_eq!(&buf, b"bc");
        let mut rest = [0; 3];
        near.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"def");
    });
}
