//! [`IntoInnerError`]: what is left of a handle that could not be taken apart without loss.

use std::error::Error;
use std::{fmt, io};

/// What is left of a [`Ring`](crate::Ring) that could not be taken apart without loss.
///
/// Nothing is in flight any more, and everything is here. Becomes an [`io::Error`] under `?`,
/// which closes the object.
#[derive(Debug)]
#[non_exhaustive]
pub struct IntoInnerError<T> {
    /// Why: what a write has failed with, or that there are unread bytes.
    pub error: io::Error,
    /// The object.
    pub object: T,
    /// Bytes that were read and that nobody has taken. Always empty for a file that has a
    /// position, since there they are given back. Of datagrams, one after the other.
    pub unread: Vec<u8>,
}

impl<T> fmt::Display for IntoInnerError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T: fmt::Debug> Error for IntoInnerError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl<T> From<IntoInnerError<T>> for io::Error {
    fn from(error: IntoInnerError<T>) -> io::Error {
        error.error
    }
}
