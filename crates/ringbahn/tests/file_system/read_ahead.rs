//! Files read from front to back, with several reads in flight.

use std::fs;
use std::io::ErrorKind;

use futures::StreamExt;
use ringbahn::fs::{OpenOptions, ReadAhead};

use crate::{on_each, skip};

#[test]
fn a_file_comes_whole_and_in_order_with_and_without_direct_io() {
    let test = "read_ahead::a_file_comes_whole_and_in_order_with_and_without_direct_io";
    on_each(test, async |dir, place| {
        let path = place.join("file");
        for length in [0, 1, 4096, 65_536, 65_537, 300_001] {
            let content: Vec<u8> = (0..length).map(|byte: u32| (byte / 7) as u8).collect();
            fs::write(&path, &content).unwrap();
            for (piece, depth, flags) in [
                (1, 1, 0),
                (16_384, 3, 0),
                (20_000, 4, libc::O_DIRECT),
                (1 << 20, 2, libc::O_DIRECT),
            ] {
                let mut options = OpenOptions::new();
                options.read(true).custom_flags(flags);
                let file = match dir.open_with(&path, &options).await {
                    Err(error) if error.kind() == ErrorKind::InvalidInput && flags != 0 => {
                        skip::skip(test, "no O_DIRECT here");
                        continue;
                    }
                    file => file.unwrap(),
                };
                let mut pieces = ReadAhead::new(file, piece, depth).await.unwrap();
                let mut read = Vec::new();
                while let Some(piece) = pieces.next_piece().await.unwrap() {
                    assert!(!piece.is_empty());
                    read.extend_from_slice(&piece);
                }
                assert!(read == content, "{length} bytes in pieces of {piece}");
                assert!(pieces.next().await.is_none());
            }
        }
    });
}

#[test]
fn short_reads_leave_no_gap() {
    on_each("read_ahead::short_reads_leave_no_gap", async |dir, _| {
        // A file of the kernel gives less than it is asked for, and tells no length.
        let file = dir.open_file("/proc/self/mountinfo").await.unwrap();
        let mut pieces = ReadAhead::new(file, 64, 4).await.unwrap();
        let mut read = Vec::new();
        while let Some(piece) = pieces.next_piece().await.unwrap() {
            read.extend_from_slice(&piece);
        }
        assert_eq!(read, fs::read("/proc/self/mountinfo").unwrap());
    });
}

#[test]
fn an_error_is_told_once_and_ends_it() {
    on_each("read_ahead::an_error_is_told_once_and_ends_it", async |dir, place| {
        let directory = dir.open_file(place).await.unwrap();
        let mut pieces = ReadAhead::new(directory, 4096, 4).await.unwrap();
        assert_eq!(pieces.next_piece().await.unwrap_err().kind(), ErrorKind::IsADirectory);
        assert!(pieces.next_piece().await.unwrap().is_none());
        assert!(pieces.into_file().metadata().await.unwrap().is_dir());
    });
}
