//! What a copy keeps of its file besides the contents: owner, permissions and times.
//!
//! Not kept are access control lists and extended attributes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use super::place::Place;

/// The bits that make a program run as its owner or group.
const SET_ID: u32 = 0o6000;
/// All the bits that `chmod` knows.
const PERMISSIONS: u32 = 0o7777;

/// What a copy keeps: plain values, so that it can be set on another thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes {
    mode: u32,
    owner: (u32, u32),
    accessed: Timespec,
    modified: Timespec,
}

impl Attributes {
    pub(crate) fn of(stat: &Stat) -> Attributes {
        Attributes {
            mode: stat.st_mode,
            owner: (stat.st_uid, stat.st_gid),
            accessed: Timespec { tv_sec: stat.st_atime, tv_nsec: stat.st_atime_nsec as _ },
            modified: Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as _ },
        }
    }

    /// Sets them on an open file of the owner `present`.
    ///
    /// The owner comes first, since a change of it takes away the bits of [`SET_ID`], and the
    /// times last, since everything else may change them.
    pub(crate) fn set(&self, file: impl AsFd, present: (u32, u32)) -> io::Result<()> {
        let file = file.as_fd();
        let is_theirs = self.set_owner(present, |uid, gid| rustix::fs::fchown(file, uid, gid))?;
        rustix::fs::fchmod(file, self.permissions(is_theirs))?;
        rustix::fs::futimens(file, &self.times())?;
        Ok(())
    }

    /// Sets them on a directory by its name.
    pub(crate) fn set_directory(&self, place: &Place, present: (u32, u32)) -> io::Result<()> {
        let (directory, path) = (place.directory(), place.path());
        let nofollow = AtFlags::SYMLINK_NOFOLLOW;
        let is_theirs = self.set_owner(present, |uid, gid| {
            rustix::fs::chownat(directory, path, uid, gid, nofollow)
        })?;
        rustix::fs::chmodat(directory, path, self.permissions(is_theirs), AtFlags::empty())?;
        rustix::fs::utimensat(directory, path, &self.times(), nofollow)?;
        Ok(())
    }

    /// Sets them on a symbolic link, which has no permissions.
    pub(crate) fn set_link(&self, place: &Place, present: (u32, u32)) -> io::Result<()> {
        let (directory, path): (BorrowedFd<'_>, _) = (place.directory(), place.path());
        let nofollow = AtFlags::SYMLINK_NOFOLLOW;
        self.set_owner(present, |uid, gid| {
            rustix::fs::chownat(directory, path, uid, gid, nofollow)
        })?;
        rustix::fs::utimensat(directory, path, &self.times(), nofollow)?;
        Ok(())
    }

    /// Gives the copy to the owner of its file where that is for this process to do, and says
    /// whether it is theirs now.
    fn set_owner(
        &self,
        present: (u32, u32),
        change: impl FnOnce(Option<Uid>, Option<Gid>) -> rustix::io::Result<()>,
    ) -> io::Result<bool> {
        if present == self.owner {
            return Ok(true);
        }
        if !rustix::process::geteuid().is_root() {
            return Ok(false);
        }
        let (uid, gid) = self.owner;
        match change(Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))) {
            Ok(()) => Ok(true),
            // A root of a namespace that has no such user, or a file system without owners.
            Err(Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The permissions of the copy. It runs as nobody else where it belongs to somebody else.
    fn permissions(&self, is_theirs: bool) -> Mode {
        let dropped = if is_theirs { 0 } else { SET_ID };
        Mode::from_raw_mode(self.mode & PERMISSIONS & !dropped)
    }

    fn times(&self) -> Timestamps {
        Timestamps { last_access: self.accessed, last_modification: self.modified }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_somebody_else_does_not_run_as_them() {
        let time = Timespec { tv_sec: 0, tv_nsec: 0 };
        let attributes =
            Attributes { mode: 0o106_755, owner: (0, 0), accessed: time, modified: time };
        assert_eq!(attributes.permissions(true).as_raw_mode(), 0o6755);
        assert_eq!(attributes.permissions(false).as_raw_mode(), 0o755);
    }
}
