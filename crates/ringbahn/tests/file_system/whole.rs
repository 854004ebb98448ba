//! Whole files: read, written and copied.

use std::fs;
use std::io::ErrorKind;

use crate::{NAMES, on_each, same};

#[test]
fn files_are_read_as_std_reads_them() {
    on_each("whole::files_are_read_as_std_reads_them", async |dir, _| {
        for name in NAMES.into_iter().chain(["full/inner/two"]) {
            let _ = same!(dir, |path| fs::read(path.join(name)), dir.read(path.join(name)).await);
            let _ = same!(
                dir,
                |path| fs::read_to_string(path.join(name)),
                dir.read_to_string(path.join(name)).await
            );
        }
        // Of no length that one could know, and of more than one piece.
        let version = dir.read("/proc/version").await.unwrap();
        assert_eq!(version, fs::read("/proc/version").unwrap());
        let long: Vec<u8> = (0..300_000_u32).map(|byte| byte as u8).collect();
        let _ = same!(
            dir,
            |path| {
                fs::write(path.join("long"), &long)?;
                fs::read(path.join("long"))
            },
            {
                dir.write(path.join("long"), long.clone()).await?;
                dir.read(path.join("long")).await
            }
        );
    });
}

#[test]
fn files_are_written_as_std_writes_them() {
    on_each("whole::files_are_written_as_std_writes_them", async |dir, _| {
        for name in NAMES.into_iter().filter(|name| !name.is_empty()).chain(["new"]) {
            for contents in ["", "longer than what was there before"] {
                let _ = same!(
                    dir,
                    |path| fs::write(path.join(name), contents),
                    dir.write(path.join(name), contents).await
                );
            }
        }
    });
}

#[test]
fn files_are_copied_as_std_copies_them() {
    on_each("whole::files_are_copied_as_std_copies_them", async |dir, place| {
        for from in ["file", "program", "full", "link", "dangling", "missing", "a\0b", ""] {
            for to in ["new", "file", "empty", "link", "missing/x"] {
                // Onto itself it is emptied first, by both.
                let _ = same!(
                    dir,
                    |path| fs::copy(path.join(from), path.join(to)),
                    dir.copy(path.join(from), path.join(to)).await
                );
            }
        }
        let long: Vec<u8> = (0..1_000_003_u32).map(|byte| (byte / 251) as u8).collect();
        fs::write(place.join("long"), &long).unwrap();
        let count = dir.copy(place.join("long"), place.join("copy")).await.unwrap();
        assert_eq!(count, 1_000_003);
        assert!(fs::read(place.join("copy")).unwrap() == long);
        let device = dir.copy("/dev/null", place.join("copy")).await.unwrap_err();
        assert_eq!(device.kind(), ErrorKind::InvalidInput);
        assert!(fs::read(place.join("copy")).unwrap() == long);
    });
}
