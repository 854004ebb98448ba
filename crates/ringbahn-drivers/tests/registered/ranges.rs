//! Several ranges of one registered buffer, read and written at once.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;

use ringbahn_core::event::{Position, ReadRanges, WriteRanges};
use ringbahn_core::{Cancelled, Drive, IoBuf, IoBufMut};
use ringbahn_drivers::RegisteredBuffers;

use crate::ring_tables::filled;
use crate::scene::{end, in_child, pipe, run, shared, start, until};
use crate::transfers::{Anywhere, Runs};
use crate::{driver, local_driver};

/// Writes parts of a buffer and reads them into others, with `driver`, the buffers being those of
/// perhaps another one.
fn round_trip<D: Drive + Copy>(driver: D, buffers: &RegisteredBuffers, run: impl Runs) {
    let file = shared(tempfile::tempfile().unwrap());
    let mut buffer = buffers.take().unwrap();
    buffer.fill_from(b"head, rest, and what is behind");
    let ranges = vec![6..10, 4..6, 0..4, 12..12, 12..100];
    let write = WriteRanges::new(file.clone(), buffer, ranges, Position::At(3));
    let (count, buffer) = run.run(driver.submit(write));
    assert_eq!((count.unwrap(), buffer.len()), (28, 30));

    // What the file holds from 9 on is "heada…"; the ranges count from the slice's start.
    let slice = buffer.slice(1..9);
    let read = ReadRanges::new(file.clone(), slice, vec![5..8, 0..2, 3..3], Position::At(9));
    let (count, slice) = run.run(driver.submit(read));
    let buffer = slice.into_inner();
    assert_eq!((count.unwrap(), &buffer[..12]), (5, &b"hdad, heat, "[..]));

    let read = ReadRanges::new(file.clone(), buffer, vec![20..30, 0..10], Position::At(25));
    let (count, buffer) = run.run(driver.submit(read));
    assert_eq!((count.unwrap(), &buffer[20..26]), (6, &b"behind"[..]));
    assert_eq!((&buffer[..4], buffer.len()), (&b"hdad"[..], 30), "what was not read has changed");

    let nothing = ReadRanges::new(file.clone(), buffer, vec![7..7, 30..64], Position::At(0));
    let (count, buffer) = run.run(driver.submit(nothing));
    assert_eq!((count.unwrap(), buffer.len()), (0, 30));
    let nothing = WriteRanges::new(file, buffer, vec![], Position::At(0));
    assert_eq!(run.run(driver.submit(nothing)).0.unwrap(), 0);
}

#[test]
fn ranges_are_moved_by_registered_buffers_on_their_ring_and_on_others() {
    let test = "ranges_are_moved_by_registered_buffers_on_their_ring_and_on_others";
    let Some(one) = driver(test, 4, 8) else { return };
    let Some(other) = driver(test, 4, 8) else { return };
    let Some(local) = local_driver(test, 4, 8) else { return };
    let buffers = one.register_buffers(2, 64).unwrap();
    let of_local = local.register_buffers(2, 64).unwrap();
    for buffers in [&buffers, &of_local] {
        round_trip(&one, buffers, Anywhere);
        round_trip(&other, buffers, Anywhere);
        round_trip(&local, buffers, &local);
        assert_eq!(buffers.available(), 2);
    }
    let Some(at_once) = crate::skip::driver(test, 1, 2) else { return };
    round_trip(&at_once, &buffers, Anywhere);
    assert!(at_once.counters().served_at_once > 0);
    for driver in [&one, &other, &at_once] {
        end(driver);
    }
}

#[test]
fn ranges_of_blocks_go_past_the_page_cache() {
    let test = "ranges_of_blocks_go_past_the_page_cache";
    let Some(driver) = driver(test, 1, 2) else { return };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).custom_flags(libc::O_DIRECT);
    let Ok(file) = options.open(directory.path().join("blocks")) else {
        return crate::skip::skip(test, "no O_DIRECT on this file system");
    };
    let file = shared(file);
    let buffers = driver.register_buffers(1, 4 * 4096).unwrap();
    let mut buffer = buffers.take().unwrap();
    buffer.set_len(4 * 4096);
    buffer.chunks_mut(4096).zip(1..).for_each(|(block, number)| block.fill(number));
    let block = |number: usize| number * 4096..(number + 1) * 4096;
    let ranges = vec![block(3), block(0), block(2)];
    let write = WriteRanges::new(file.clone(), buffer, ranges, Position::At(4096));
    let (count, mut buffer) = run(driver.clone().submit(write));
    assert_eq!(count.unwrap(), 3 * 4096);
    buffer.fill(0);
    let read =
        ReadRanges::new(file, buffer, vec![block(1), block(3), block(0)], Position::At(4096));
    let (count, buffer) = run(driver.clone().submit(read));
    assert_eq!(count.unwrap(), 3 * 4096);
    for (number, fill) in [(0, 3), (1, 4), (2, 0), (3, 1)] {
        assert!(buffer[block(number)].iter().all(|byte| *byte == fill), "block {number}");
    }
    drop(buffer);
    end(&driver);
}

#[test]
fn a_buffer_whose_ranges_are_in_flight_keeps_its_table_and_comes_back() {
    let test = "ranges::a_buffer_whose_ranges_are_in_flight_keeps_its_table_and_comes_back";
    in_child(test, || {
        let driver = driver(test, 1, 2).unwrap();
        let buffers = driver.register_buffers(2, 4096).unwrap();
        let (reader, mut writer) = pipe();
        let new = || {
            let mut buffer = buffers.take().unwrap();
            buffer.fill_from(b"........");
            ReadRanges::new(reader.clone(), buffer, vec![4..8, 0..2], Position::Current)
        };
        let mut read = driver.clone().submit(new());
        start(&mut read);
        assert_eq!(buffers.available(), 1, "the kernel has one of them");
        drop(read);
        until("the buffer is back", || buffers.available() == 2);

        let mut read = driver.clone().submit(new());
        start(&mut read);
        let Cancelled::Cancelled((_, buffer)) = run(read.cancel()) else { panic!("nothing came") };
        assert_eq!(&buffer[..], b"........");
        drop(buffer);

        let mut read = driver.clone().submit(new());
        start(&mut read);
        drop(buffers);
        assert_eq!(filled().buffers, 2, "an operation has one of them");
        writer.write_all(b"later").unwrap();
        let (count, buffer) = run(read);
        assert_eq!((count.unwrap(), &buffer[..]), (5, &b"r...late"[..]));
        assert_eq!(filled().buffers, 2, "somebody has one of them");
        drop(buffer);
        assert_eq!(filled().buffers, 0);
        end(&driver);
    });
}
