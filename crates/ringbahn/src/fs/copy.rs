//! A file, copied.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ringbahn_core::Drive;
use ringbahn_core::event::Metadata;

use super::{Dir, FileCopy, OpenOptions};
use crate::ring::Ring;

/// Copies the file at `from` to `to`, with its permissions.
pub(super) async fn copy<D: Drive + Clone + Unpin>(
    directory: &Dir<D>,
    from: &Path,
    to: &Path,
) -> io::Result<u64> {
    let source = directory.open_file(from).await?;
    let metadata = source.metadata().await?;
    if !metadata.is_file() {
        let message = "the source path is neither a regular file nor a symlink to a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let permissions = metadata.permissions();
    let mut options = OpenOptions::new();
    // Not emptied by opening it, for it may be the source.
    options.write(true).create(true).truncate(false).mode(permissions.mode());
    let target = directory.open_with(to, &options).await?;
    let found = target.metadata().await?;
    if is_same(&metadata, &found) {
        return Err(same_file(from, to));
    }
    let mut copy = if found.is_file() {
        empty(&target, &found).await?;
        target.set_permissions(permissions).await?;
        FileCopy::new(&source, &target, metadata.len())
    } else {
        FileCopy::stream(&source, &target)
    };
    Ok(copy.run().await?)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.device(), one.ino()) == (other.device(), other.ino())
}

fn same_file(from: &Path, to: &Path) -> io::Error {
    let (from, to) = (from.display(), to.display());
    let message = format!("{from} and {to} are the same file: copied to itself it would be empty");
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// Empties a regular file, where it is not empty anyway.
async fn empty<D: Drive + Clone + Unpin>(
    target: &Ring<File, D>,
    found: &Metadata,
) -> io::Result<()> {
    if found.len() > 0 { target.set_len(0).await } else { Ok(()) }
}
