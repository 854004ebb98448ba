//! Directories that are read.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;

use futures::StreamExt;

use crate::{NAMES, on_each, tree};

/// A name, its path, its number, and whether it is a file, a directory or a link.
type Seen = BTreeMap<String, (String, u64, [bool; 3])>;

fn seen_by_std(path: &Path) -> std::io::Result<Seen> {
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let kind = entry.file_type()?;
        let kinds = [kind.is_file(), kind.is_dir(), kind.is_symlink()];
        let name = name.into_string().unwrap();
        Ok((name, (path.display().to_string(), entry.ino(), kinds)))
    };
    fs::read_dir(path)?.map(entry).collect()
}

#[test]
fn directories_are_read_as_std_reads_them() {
    on_each("directories::directories_are_read_as_std_reads_them", async |dir, _| {
        let tree = tree();
        for name in NAMES {
            let path = tree.path().join(name);
            let expected = crate::outcome(seen_by_std(&path));
            let mut entries = match dir.read_dir(&path).await {
                Ok(entries) => entries,
                Err(error) => {
                    assert_eq!(Err(error.kind()), expected, "{name}");
                    continue;
                }
            };
            let mut seen = Seen::new();
            while let Some(entry) = entries.next_entry().await.unwrap() {
                let kind = entry.file_type().await.unwrap();
                assert_eq!(kind, entry.metadata().await.unwrap().file_type());
                let kinds = [kind.is_file(), kind.is_dir(), kind.is_symlink()];
                let name = entry.file_name().into_string().unwrap();
                let path = entry.path().display().to_string();
                assert_eq!(seen.insert(name, (path, entry.ino(), kinds)), None);
            }
            assert_eq!(Ok(seen), expected, "{name}");
            assert!(entries.next_entry().await.unwrap().is_none());
        }
    });
}

#[test]
fn a_directory_of_many_is_read_whole_though_the_reading_is_dropped_now_and_then() {
    let test =
        "directories::a_directory_of_many_is_read_whole_though_the_reading_is_dropped_now_and_then";
    on_each(test, async |dir, place| {
        let long = "x".repeat(100);
        for number in 0..1000 {
            fs::write(place.join(format!("{number} {long}")), "").unwrap();
        }
        let mut names = Vec::new();
        let mut entries = dir.read_dir(place).await.unwrap();
        loop {
            // Polled once, for nobody, and dropped: what it has begun goes on.
            let mut once = Box::pin(entries.next_entry());
            if let std::task::Poll::Ready(entry) = futures::poll!(once.as_mut()) {
                match entry.unwrap() {
                    Some(entry) => names.push(entry.file_name()),
                    None => break,
                }
                continue;
            }
            drop(once);
            match entries.next().await {
                Some(entry) => names.push(entry.unwrap().file_name()),
                None => break,
            }
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 1000);
    });
}
