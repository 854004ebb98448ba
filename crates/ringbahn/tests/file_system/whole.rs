//! Whole files: read and written.

use std::fs;

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
