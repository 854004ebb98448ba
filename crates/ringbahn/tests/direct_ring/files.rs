//! Files in slots: at offsets, and where the handle itself is.

use std::fs::File;

use futures::io::{AsyncReadExt, AsyncWriteExt};
use ringbahn::fs::OpenOptions;
use ringbahn::{BufResultExt, Direct, DirectTable, Ring};

use crate::support::descriptors;
use crate::{Slotted, in_slots, on_two_drivers};

on_two_drivers! {
    offsets, a_file_in_a_slot_is_read_and_written_at_offsets,
        a_file_in_a_slot_is_read_and_written_at_offsets_locally;
    moved, a_file_that_has_a_descriptor_is_moved_to_a_slot,
        a_file_that_has_a_descriptor_is_moved_to_a_slot_locally;
    position, a_file_in_a_slot_is_read_and_written_on,
        a_file_in_a_slot_is_read_and_written_on_locally;
}

/// A new file, open to be read and written.
fn create<D: Slotted>(
    driver: &D,
    table: &DirectTable,
    path: &std::path::Path,
) -> Ring<Direct<File>, D> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    driver.run(options.open_into_slot(path, table, driver.clone())).unwrap()
}

fn offsets<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let before = descriptors();
        let file = create(driver, table, &path);
        assert_eq!((table.open(), descriptors()), (1, before));
        driver.run(async {
            file.write_all_at("hello, slot", 0).await.both().unwrap();
            file.write_vectored_at([" and", " more"], 11).await.both().unwrap();
            file.sync_all().await.unwrap();
            match file.set_len(15).await {
                // Before Linux 6.9.
                Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
                    file.install().await.unwrap().set_len(15).unwrap();
                }
                result => result.unwrap(),
            }
            let (count, text) = file.read_to_end_at(b"> ".to_vec(), 7).await.both().unwrap();
            assert_eq!((count, &text[..]), (8, &b"> slot and"[..]));
            let (_, word) = file.read_exact_at([0; 5], 0).await.both().unwrap();
            assert_eq!(&word, b"hello");
            file.close().await.unwrap();
        });
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello, slot and");
    });
}

fn moved<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let before = descriptors();
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"hello, slot").unwrap();
        let mut file = driver.run(Ring::put_into_slot(file, table, driver.clone())).unwrap();
        assert_eq!((table.open(), descriptors()), (1, before));
        driver.run(async {
            // It begins at its start.
            let mut text = String::new();
            file.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "hello, slot");
            file.close().await.unwrap();
        });
        assert_eq!(table.open(), 0);
    });
}

fn position<D: Slotted>(test: &str) {
    in_slots(test, 2, |driver: &D, table| {
        let directory = tempfile::tempdir().unwrap();
        let mut file = create(driver, table, &directory.path().join("file"));
        let text: Vec<u8> = (0..300_000).map(|index: u32| (index / 7) as u8).collect();
        driver.run(async {
            file.write_all(&text).await.unwrap();
            file.flush().await.unwrap();
            let mut part = [0; 8];
            assert_eq!(file.read(&mut part).await.unwrap(), 0, "it is at the end");
            file.write_all(b"more").await.unwrap();
            file.flush().await.unwrap();
        });
        // The slot can be taken for a new object, which is at the start.
        let object = driver.run(file.into_inner()).unwrap();
        let again = Direct::new(object.into_fd());
        let mut file: Ring<Direct<File>, D> = Ring::new_on_driver(again, driver.clone());
        driver.run(async {
            let mut part = [0; 1000];
            file.read_exact(&mut part).await.unwrap();
            assert!(part == text[..1000]);
            // What was read ahead has not been read.
            file.write_all(b"here").await.unwrap();
            file.read_exact(&mut part).await.unwrap();
            assert!(part == text[1004..2004]);
            let mut copy = create_beside(driver, table, directory.path()).await;
            let count = ringbahn::io::copy(&mut file, &mut copy).await.unwrap();
            assert_eq!(count as usize, text.len() - 2004 + 4);
            copy.close().await.unwrap();
        });
        let read = |name: &str| std::fs::read(directory.path().join(name)).unwrap();
        assert!(read("copy") == [&text[2004..], b"more"].concat());
        assert!(read("file") == [&text[..1000], b"here", &text[1004..], b"more"].concat());
    });
}

async fn create_beside<D: Slotted>(
    driver: &D,
    table: &DirectTable,
    directory: &std::path::Path,
) -> Ring<Direct<File>, D> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options.open_into_slot(directory.join("copy"), table, driver.clone()).await.unwrap()
}
