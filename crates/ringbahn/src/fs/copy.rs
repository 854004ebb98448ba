//! A file, copied.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ringbahn_core::Drive;

use super::{Dir, OpenOptions};

/// Copies the file at `from` to `to`, with its permissions.
pub(super) async fn copy<D: Drive + Clone + Unpin>(
    directory: &Dir<D>,
    from: &Path,
    to: &Path,
) -> io::Result<u64> {
    let mut source = directory.open_file(from).await?;
    let metadata = source.metadata().await?;
    if !metadata.is_file() {
        let message = "the source path is neither a regular file nor a symlink to a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let permissions = metadata.permissions();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(permissions.mode());
    let mut target = directory.open_with(to, &options).await?;
    if target.metadata().await?.is_file() {
        target.set_permissions(permissions).await?;
    }
    crate::io::copy(&mut source, &mut target).await
}
