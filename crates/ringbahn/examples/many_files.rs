//! Reads many files at once, but not all of them, and sums up their contents.
//!
//! ```sh
//! cargo run --release --example many_files -- /usr/include # or files of its own, if none is named
//! ```

#![forbid(unsafe_code)]

use std::io;
use std::path::{Path, PathBuf};

use futures::stream::{self, StreamExt, TryStreamExt};
use ringbahn::{DefaultDriver, fs};

/// How many files are being read at a time. Each takes a descriptor and a buffer of its length, so
/// there must be a bound; more than the disk can do at once gain nothing.
const AT_ONCE: usize = 32;

/// The sums of the files that can be read, and how many cannot.
async fn sums(paths: Vec<PathBuf>) -> (Vec<(PathBuf, u64)>, usize) {
    let results: Vec<io::Result<_>> = stream::iter(paths)
        .map(async |path| {
            let contents = fs::read(&path).await?;
            Ok((path, checksum(&contents)))
        })
        .buffer_unordered(AT_ONCE) // In the order in which they are done; `buffered` keeps theirs.
        .collect()
        .await;
    let count = results.len();
    let sums: Vec<_> = results.into_iter().flatten().collect();
    let failed = count - sums.len();
    (sums, failed)
}

/// FNV-1a, of 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    let mix = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

fn main() -> io::Result<()> {
    DefaultDriver::shared().unwrap_or_else(unavailable);
    futures::executor::block_on(async {
        let folder = tempfile::tempdir()?;
        let root = match std::env::args_os().nth(1) {
            Some(root) => PathBuf::from(root),
            None => {
                write_files(folder.path()).await?;
                folder.path().to_path_buf()
            }
        };
        let paths = files_in(&root)?;
        let (sums, failed) = sums(paths).await;
        let total = sums.iter().fold(0_u64, |total, (_, sum)| total.wrapping_add(*sum));
        println!("{} files, {failed} not read, sum {total:016x}", sums.len());
        Ok(())
    })
}

/// Writes some hundred files, as many at once.
async fn write_files(folder: &Path) -> io::Result<()> {
    stream::iter(0..300_usize)
        .map(|number| fs::write(folder.join(number.to_string()), vec![number as u8; 37 * number]))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// The files directly in `folder`.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
