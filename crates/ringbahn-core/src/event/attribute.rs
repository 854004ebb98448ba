//! What the events on extended attributes share: names, values, and [`SetAttribute`].
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::buf::IoBufMut;
use crate::event::transfer::received;
use crate::outcome::Outcome;

/// Whether an attribute is to be there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SetAttribute {
    /// It may be there or not.
    #[default]
    Any,
    /// It is to be a new one: else the error is `AlreadyExists`.
    Create,
    /// It is to be there: else the error is `ENODATA`.
    Replace,
}

impl SetAttribute {
    pub(super) fn flags(self) -> u32 {
        match self {
            SetAttribute::Any => 0,
            SetAttribute::Create => libc::XATTR_CREATE.cast_unsigned(),
            SetAttribute::Replace => libc::XATTR_REPLACE.cast_unsigned(),
        }
    }
}

/// `name` as the kernel reads it.
pub(super) fn attribute_name(name: &OsStr) -> io::Result<CString> {
    let message = "the name of an attribute must not contain a zero byte";
    CString::new(name.as_bytes()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// The length of a value, noted in the buffer that it is in. A buffer without room has only been
/// asked for that length, so nothing is in it.
///
/// # Safety
///
/// `outcome` is that of an entry which asked for `buffer`'s target (E3).
pub(super) unsafe fn value_length<E, B: IoBufMut>(
    outcome: Outcome<'_, E>,
    buffer: &mut B,
) -> io::Result<usize> {
    if buffer.target_len() == 0 {
        return outcome.result().map(|length| length as usize);
    }
    // SAFETY: E3, by the contract of this function; a buffer with room has got the value.
    unsafe { received(outcome, buffer) }
}
