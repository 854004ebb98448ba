//! A directory, removed with all that is in it.
//!
//! Each directory is opened from the one that it is in, and never through a symbolic link; so
//! somebody who exchanges one for the other meanwhile cannot have anything removed elsewhere.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use ringbahn_core::Drive;

use super::Dir;
use super::read_dir::ReadDir;

/// A directory that is being emptied.
struct Level<D> {
    name: OsString,
    entries: ReadDir<D>,
}

/// Removes the directory at `path` with all that is in it; a symbolic link, itself only.
pub(super) async fn all<D: Drive + Clone + Unpin>(from: &Dir<D>, path: &Path) -> io::Result<()> {
    let top = match open(from, path).await {
        Err(error) if is_no_directory(&error) => {
            if from.symlink_metadata(path).await?.is_symlink() {
                return from.remove_file(path).await;
            }
            return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
        }
        top => top?,
    };
    let mut levels: Vec<Level<D>> = Vec::new();
    let mut current = Level { name: path.as_os_str().to_owned(), entries: top.entries() };
    loop {
        while let Some(entry) = current.entries.next_entry().await? {
            let here = current.entries.directory();
            let name = entry.name();
            let inner = if entry.file_type().await.is_ok_and(|kind| !kind.is_dir()) {
                None
            } else {
                match open(here, Path::new(name)).await {
                    Ok(inner) => Some(inner),
                    Err(error) if is_no_directory(&error) => None,
                    Err(error) if is_gone(&error) => continue,
                    Err(error) => return Err(error),
                }
            };
            match inner {
                None => or_gone(here.remove_file(name).await)?,
                Some(inner) => {
                    let next = Level { name: name.to_owned(), entries: inner.entries() };
                    levels.push(std::mem::replace(&mut current, next));
                }
            }
        }
        let Some(outer) = levels.pop() else {
            return from.remove_dir(path).await;
        };
        let emptied = std::mem::replace(&mut current, outer);
        or_gone(current.entries.directory().remove_dir(&emptied.name).await)?;
    }
}

/// Opens a directory, and no symbolic link to one.
async fn open<D: Drive + Clone + Unpin>(from: &Dir<D>, path: &Path) -> io::Result<Dir<D>> {
    from.open_dir_with(path, libc::O_NOFOLLOW).await
}

fn is_no_directory(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOTDIR | libc::ELOOP))
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// That somebody else was faster is as good.
fn or_gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })
}
