//! [`FgetXattr`]: an extended attribute of an open file.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr};
use std::io;

use crate::buf::{BufResult, IoBufMut, entry_length};
use crate::event::Event;
use crate::event::attribute::{attribute_name, value_length};
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Reads an extended attribute of an open file into a buffer.
///
/// Yields how long the value is, in bytes, and the buffer. A buffer without room is left as it is,
/// and the length is that of the room that the value takes.
///
/// # Errors
///
/// Those of `getxattr(2)`: `ENODATA` where there is no such attribute, `ERANGE` where the buffer
/// has too little room, `Unsupported` (`EOPNOTSUPP`) where the file system has none, or not of this
/// kind, …
///
/// # Cancellation
///
/// Stops it where the file system lets itself be interrupted. The buffer comes back in its output.
///
/// # Kernel
///
/// Linux 5.19. The file, the name and the buffer are the event's until completion.
///
/// # References
///
/// [`getxattr(2)`](https://man7.org/linux/man-pages/man2/getxattr.2.html)
#[doc(alias = "IORING_OP_FGETXATTR")]
#[derive(Debug)]
pub struct FgetXattr<B> {
    file: SharedFd,
    name: CString,
    buffer: B,
}

impl<B: IoBufMut> FgetXattr<B> {
    /// Reads the attribute `name` of `file` into `buffer`. The name begins with its kind, as in
    /// `user.mime_type`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the name contains a zero byte.
    pub fn new(
        file: impl Into<SharedFd>,
        name: impl AsRef<OsStr>,
        buffer: B,
    ) -> io::Result<FgetXattr<B>> {
        let name = attribute_name(name.as_ref())?;
        Ok(FgetXattr { file: file.into(), name, buffer })
    }
}

impl<B: IoBufMut> Event for FgetXattr<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let length = entry_length(self.buffer.target_len());
        let target = self.buffer.target_ptr();
        // SAFETY: S1 by E1 and B1: the name and the buffer are the event's, and the
        // buffer has room for `length`; E2.
        let entry = unsafe { Sqe::new(opcode::FGETXATTR) }.address(self.name.as_ptr());
        sqes.push(entry.address2(target).length(length).file(&self.file));
    }

    fn complete(mut self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        // SAFETY: E3: the entry asked for the buffer's target.
        let result = unsafe { value_length(outcome, &mut self.buffer) };
        (result, self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn the_value_is_in_the_buffer() {
        let mut get = FgetXattr::new(shared_null(), "user.a", Vec::with_capacity(8)).unwrap();
        let target: *mut u8 = entry(&mut get).get_address2().cast();
        // SAFETY: E1: the entry's target has room, and its event is still in place.
        unsafe { target.copy_from_nonoverlapping(b"value".as_ptr(), 5) };
        let (length, value) = complete(get, 5);
        assert_eq!((length.unwrap(), &value[..]), (5, &b"value"[..]));
    }

    #[test]
    fn a_buffer_without_room_is_told_how_much_it_takes() {
        let get = FgetXattr::new(shared_null(), "user.a", Vec::new()).unwrap();
        let (length, value) = complete(get, 5);
        assert_eq!((length.unwrap(), value), (5, vec![]));
    }

    #[test]
    fn an_error_leaves_the_buffer_as_it_was() {
        for errno in [libc::ENODATA, libc::ERANGE, libc::ECANCELED, 512] {
            let get = FgetXattr::new(shared_null(), "user.a", b"old".to_vec()).unwrap();
            let (result, value) = complete(get, -errno);
            assert_eq!((result.is_err(), &value[..]), (true, &b"old"[..]));
        }
        let error = FgetXattr::new(shared_null(), "user.\0", [0; 4]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
