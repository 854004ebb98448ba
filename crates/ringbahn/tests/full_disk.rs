//! Writes to a file system that becomes full.
//!
//! Goal: what fits is written, the error comes once, and what fits again is written again. Method:
//! a file system of 64 KiB in memory, which only root may mount.

use std::io::ErrorKind;

use futures::executor::block_on;
use futures::{AsyncSeekExt, AsyncWriteExt};
use ringbahn::{BufResultExt, Ring};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

#[path = "support/support.rs"]
mod support;
use support::{driver, skip};

/// A file system that is gone with this value.
struct Mount(tempfile::TempDir);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

fn small_file_system(test: &str) -> Option<Mount> {
    if !rustix::process::geteuid().is_root() {
        skip(test, "not root");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = c"size=64k";
    match mount("none", folder.path(), "tmpfs", MountFlags::empty(), options) {
        Ok(()) => Some(Mount(folder)),
        Err(error) => {
            skip(test, &format!("not root: a file system cannot be mounted: {error}"));
            None
        }
    }
}

#[test]
fn a_full_disk_is_reported_once_and_what_fits_is_written() {
    const TEST: &str = "a_full_disk_is_reported_once_and_what_fits_is_written";
    let Some(driver) = driver(TEST) else { return };
    let Some(mount) = small_file_system(TEST) else { return };
    let path = mount.0.path().join("file");
    block_on(async {
        let mut ring = Ring::create_on_driver(&path, driver.clone()).await.unwrap();
        // One write that is short, and whose rest fails.
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        let error = match ring.write_all(&bytes).await {
            Ok(()) => ring.flush().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        ring.flush().await.unwrap();
        assert_eq!(ring.stream_position().await.unwrap(), 0);
        let written = std::fs::read(&path).unwrap();
        assert!(!written.is_empty() && written.len() <= 65_536);
        assert!(written == bytes[..written.len()]);

        let (result, back) = ring.write_all_at(bytes, 0).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::StorageFull);
        ring.set_len(0).await.unwrap();
        ring.write_all_at(back.clone()[..4096].to_vec(), 0).await.both().unwrap();
        ring.sync_all().await.unwrap();
        assert!(std::fs::read(&path).unwrap() == back[..4096]);
    });
}
