//! What an open file can do besides reading and writing.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::time::{Duration, UNIX_EPOCH};

use futures::AsyncWriteExt;
use ringbahn::fs::{Allocation, FileAdvice, FileTimes, OpenOptions};

use crate::on_each;

fn read_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    options
}

#[test]
fn a_file_gets_its_length_and_its_room() {
    on_each("files::a_file_gets_its_length_and_its_room", async |dir, place| {
        let path = place.join("file");
        let mut file = dir.open_with(&path, &read_write()).await.unwrap();
        file.write_all(b"hello").await.unwrap();
        // What has been accepted is written before the length is set.
        file.set_len(3).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"hel");
        file.set_len(5).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"hel\0\0");
        match file.allocate(0, 8192, Allocation::Allocate).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            allocated => {
                allocated.unwrap();
                assert_eq!(file.metadata().await.unwrap().len(), 8192);
                let nothing = file.allocate(0, 0, Allocation::Allocate).await.unwrap_err();
                assert_eq!(nothing.kind(), ErrorKind::InvalidInput);
            }
        }
        file.advise(0, None, FileAdvice::Sequential).await.unwrap();
        file.advise(4096, NonZeroU64::new(4096), FileAdvice::DontNeed).await.unwrap();
        file.sync_data().await.unwrap();
        file.sync_all().await.unwrap();
        let reading = dir.open_file(&path).await.unwrap();
        let std = fs::File::open(&path).unwrap().set_len(1).unwrap_err();
        assert_eq!(reading.set_len(1).await.unwrap_err().kind(), std.kind());
    });
}

#[test]
fn a_file_gets_its_times_after_what_was_written() {
    on_each("files::a_file_gets_its_times_after_what_was_written", async |dir, place| {
        let path = place.join("file");
        let mut file = dir.open_with(&path, &read_write()).await.unwrap();
        let [modified, accessed] =
            [1_000_000, 2_000_000].map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        file.write_all(b"hello").await.unwrap();
        file.set_times(FileTimes::new().set_accessed(accessed)).await.unwrap();
        file.set_modified(modified).await.unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.modified().unwrap(), modified);
        assert_eq!(metadata.accessed().unwrap(), accessed);
        assert_eq!(metadata.len(), 5);
        assert_eq!(file.metadata().await.unwrap().modified(), Some(modified));
    });
}

#[test]
fn another_handle_is_of_the_same_open_file() {
    on_each("files::another_handle_is_of_the_same_open_file", async |dir, place| {
        let mut file = dir.open_with(place.join("file"), &read_write()).await.unwrap();
        let mut other = file.try_clone().unwrap();
        file.write_all(b"one ").await.unwrap();
        file.flush().await.unwrap();
        other.write_all(b"two").await.unwrap();
        other.flush().await.unwrap();
        drop(file);
        assert_eq!(fs::read(place.join("file")).unwrap(), b"one two");
        assert_eq!(other.metadata().await.unwrap().len(), 7);
    });
}

#[test]
fn options_that_contradict_each_other_are_refused_as_std_refuses_them() {
    let test = "files::options_that_contradict_each_other_are_refused_as_std_refuses_them";
    on_each(test, async |dir, place| {
        for bits in 0..64_u32 {
            let bit = |index: u32| bits & 1 << index != 0;
            let mut std = fs::OpenOptions::new();
            std.read(bit(0)).write(bit(1)).append(bit(2));
            std.truncate(bit(3)).create(bit(4)).create_new(bit(5));
            let mut ours = OpenOptions::new();
            ours.read(bit(0)).write(bit(1)).append(bit(2));
            ours.truncate(bit(3)).create(bit(4)).create_new(bit(5));
            for there in [true, false] {
                let [first, second] = ["std", "ours"].map(|name| place.join(name));
                for path in [&first, &second] {
                    let _ = fs::remove_file(path);
                    if there {
                        fs::write(path, "content").unwrap();
                    }
                }
                let expected = crate::outcome(std.open(&first).map(drop));
                let opened = crate::outcome(dir.open_with(&second, &ours).await.map(drop));
                assert_eq!(opened, expected, "{ours:?}");
                let left = [&first, &second].map(|path| crate::outcome(fs::read(path)));
                assert_eq!(left[0], left[1], "{ours:?}");
            }
        }
    });
}
