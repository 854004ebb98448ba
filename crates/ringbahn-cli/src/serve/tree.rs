//! [`Tree`]: the directory that is served, and the way to a file in it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fcntl_setfl, fstat, openat, openat2};
use rustix::io::Errno;

/// The directory that is served.
///
/// The kernel sees to it that nothing outside of it is reached: neither by `..`, nor by a symbolic
/// link, nor while somebody renames directories on the way.
#[derive(Debug)]
pub(super) struct Tree {
    root: Arc<OwnedFd>,
}

/// What there is at a path.
#[derive(Debug)]
pub(super) enum Found {
    File(File, Facts),
    Directory,
    /// Something that is not served: a pipe, a device, a socket.
    Other,
}

/// What is known of a file that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// In bytes.
    pub(super) length: u64,
    /// The time of the last change, in full seconds, as HTTP tells it.
    pub(super) modified: SystemTime,
    /// What is another one when the contents are others.
    pub(super) etag: String,
}

impl Tree {
    pub(super) fn open(path: &Path) -> io::Result<Tree> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Tree { root: Arc::new(openat(CWD, path, flags, Mode::empty())?) })
    }

    /// Opens what there is at `path`, below the directory.
    ///
    /// What the kernel has in memory is found at once. Otherwise a thread that may block asks the
    /// disk.
    pub(super) async fn find(&self, path: &Path) -> io::Result<Found> {
        match find(&*self.root, path, ResolveFlags::CACHED) {
            // Not in memory, or a kernel that does not know what was asked for.
            Err(Errno::AGAIN | Errno::INVAL) => {
                let (root, path) = (Arc::clone(&self.root), PathBuf::from(path));
                let find = move || find(&*root, &path, ResolveFlags::empty());
                Ok(blocking::unblock(find).await?)
            }
            found => Ok(found?),
        }
    }
}

fn find(root: impl AsFd, path: &Path, how: ResolveFlags) -> Result<Found, Errno> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    // A pipe is opened without waiting for whoever writes to it, and no terminal becomes ours.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | how;
    let file = match openat2(root, path, flags, Mode::empty(), resolve) {
        Ok(file) => file,
        // Only a socket, or a device that is not there.
        Err(Errno::NXIO) => return Ok(Found::Other),
        Err(error) => return Err(error),
    };
    let status = fstat(&file)?;
    Ok(match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => {
            // Some file systems cannot read without waiting, and in this mode would not be waited
            // for.
            fcntl_setfl(&file, OFlags::empty())?;
            let facts = facts(&status);
            Found::File(File::from(file), facts)
        }
        FileType::Directory => Found::Directory,
        _ => Found::Other,
    })
}

fn facts(status: &rustix::fs::Stat) -> Facts {
    let length = u64::try_from(status.st_size).unwrap_or(0);
    // HTTP has no dates before 1970.
    let seconds = u64::try_from(status.st_mtime).unwrap_or(0);
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let etag = format!(
        "\"{:x}-{:x}.{:x}-{:x}\"",
        status.st_ino, status.st_mtime, status.st_mtime_nsec, length
    );
    Facts { length, modified, etag }
}
