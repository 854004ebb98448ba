//! Whole files at a time.

use std::io;
use std::path::Path;

use ringbahn_core::{BufResultExt, Drive, IoBuf};

use super::OpenOptions;
use crate::driver::DefaultDriver;

/// Reads a whole file, as [`std::fs::read`].
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// # futures::executor::block_on(async {
/// let manifest = ringbahn::fs::read("Cargo.toml").await?;
/// assert!(!manifest.is_empty());
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Errors
///
/// Those of `open(2)` and `read(2)`: `NotFound`, `PermissionDenied`, `IsADirectory`, …;
/// `OutOfMemory` where the file is larger than that.
///
/// # Cancel safety
///
/// It is cancel safe: reading changes nothing.
pub async fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    read_on_driver(path, DefaultDriver).await
}

/// As [`read`], on `driver`.
///
/// # Errors
///
/// Those of [`read`].
///
/// # Cancel safety
///
/// It is cancel safe: reading changes nothing.
pub async fn read_on_driver<D: Drive + Clone + Unpin>(
    path: impl AsRef<Path>,
    driver: D,
) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).open_on_driver(path, driver).await?;
    let (_, contents) = file.read_to_end_at(Vec::new(), 0).await.both()?;
    Ok(contents)
}

/// Reads a whole file of UTF-8, as [`std::fs::read_to_string`].
///
/// # Errors
///
/// Those of [`read`], and `InvalidData` where the file is not UTF-8.
///
/// # Cancel safety
///
/// It is cancel safe: reading changes nothing.
pub async fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    text(read(path).await?)
}

/// Contents as text.
pub(super) fn text(contents: Vec<u8>) -> io::Result<String> {
    String::from_utf8(contents)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// Writes a whole file, as [`std::fs::write`]: creates it, or empties it first.
///
/// The bytes are given to the kernel, not yet to the disk; see
/// [`Ring::sync_all`](crate::Ring::sync_all).
///
/// # Errors
///
/// Those of `open(2)` and `write(2)`: `PermissionDenied`, `StorageFull`, …
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped the file may be
/// empty, or written in part.
pub async fn write(path: impl AsRef<Path>, contents: impl IoBuf) -> io::Result<()> {
    write_on_driver(path, contents, DefaultDriver).await
}

/// As [`write()`], on `driver`.
///
/// # Errors
///
/// Those of [`write()`].
///
/// # Cancel safety
///
/// It is not cancel safe, use it where it runs to its end: where it is dropped the file may be
/// empty, or written in part.
pub async fn write_on_driver<D: Drive + Clone + Unpin>(
    path: impl AsRef<Path>,
    contents: impl IoBuf,
    driver: D,
) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let file = options.open_on_driver(path, driver).await?;
    let ((), _) = file.write_all_at(contents, 0).await.both()?;
    Ok(())
}
