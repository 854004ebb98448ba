//! [`SetXattr`]: an extended attribute of the file at a path, set.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr};
use std::io;
use std::path::Path;

use crate::buf::{BufResult, IoBuf, entry_length};
use crate::event::Event;
use crate::event::attribute::{SetAttribute, attribute_name};
use crate::event::open_at::path_string;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Sets an extended attribute of the file at a path to what a buffer holds.
///
/// Yields the buffer.
///
/// # Errors
///
/// Those of `setxattr(2)`: `Unsupported` (`EOPNOTSUPP`) where the file system has none, or not of
/// this kind; `StorageFull` and `ArgumentListTooLong` for a value that is too long for it;
/// `AlreadyExists` and `ENODATA` as [`SetAttribute`] says; `PermissionDenied`, `NotFound`; …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted, and then nothing is set. The buffer
/// comes back in its output.
///
/// # Kernel
///
/// Linux 5.19. The path, the name and the buffer are the event's until completion.
///
/// # References
///
/// [`setxattr(2)`](https://man7.org/linux/man-pages/man2/setxattr.2.html)
#[doc(alias = "IORING_OP_SETXATTR")]
#[derive(Debug)]
pub struct SetXattr<B> {
    path: CString,
    name: CString,
    value: B,
    set: SetAttribute,
}

impl<B: IoBuf> SetXattr<B> {
    /// Sets the attribute `name` of the file at `path`, which is followed where it is a
    /// symbolic link, to `value`. The name begins with its kind, as in
    /// `user.mime_type`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the path or the name contains a zero byte.
    pub fn new(
        path: impl AsRef<Path>,
        name: impl AsRef<OsStr>,
        value: B,
    ) -> io::Result<SetXattr<B>> {
        let name = attribute_name(name.as_ref())?;
        Ok(SetXattr { path: path_string(path.as_ref())?, name, value, set: SetAttribute::Any })
    }

    /// Whether the attribute is to be there already; at first, it may or not.
    #[must_use]
    pub fn set(mut self, set: SetAttribute) -> SetXattr<B> {
        self.set = set;
        self
    }
}

impl<B: IoBuf> Event for SetXattr<B> {
    type Output = BufResult<(), B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let length = entry_length(self.value.bytes_len());
        // SAFETY: S1 by E1 and B1: the path, the name and the value are the
        // event's.
        let entry = unsafe { Sqe::new(opcode::SETXATTR) }.address(self.name.as_ptr());
        let entry = entry.address2(self.value.bytes_ptr()).length(length);
        sqes.push(entry.address3(self.path.as_ptr()).op_flags(self.set.flags()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<(), B> {
        (outcome.result().map(drop), self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::complete;

    #[test]
    fn the_value_comes_back_whatever_becomes_of_it() {
        for result in [0, -libc::ENODATA, -libc::E2BIG, -libc::ECANCELED, -512] {
            let set = SetXattr::new("/", "user.a", "value").unwrap();
            let (ended, value) = complete(set.set(SetAttribute::Replace), result);
            assert_eq!((ended.is_ok(), value), (result == 0, "value"));
        }
        let error = SetXattr::new("/", "user.\0", "value").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
