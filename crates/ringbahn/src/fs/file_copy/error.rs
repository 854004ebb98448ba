//! [`CopyError`]: which of the two files it was.

use std::error::Error;
use std::fmt;
use std::io;

/// What copying the contents of a file has failed with, and where.
///
/// As an [`io::Error`] it is the one that it holds.
#[derive(Debug)]
#[non_exhaustive]
pub enum CopyError {
    /// Reading the source.
    Read(io::Error),
    /// Writing to the target.
    Write(io::Error),
    /// Done by the kernel alone, which does not say which of both it was.
    Kernel(io::Error),
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CopyError::Read(error) => write!(f, "cannot read the source: {error}"),
            CopyError::Write(error) => write!(f, "cannot write to the target: {error}"),
            CopyError::Kernel(error) => write!(f, "cannot copy: {error}"),
        }
    }
}

impl Error for CopyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            CopyError::Read(error) | CopyError::Write(error) | CopyError::Kernel(error) => {
                Some(error)
            }
        }
    }
}

impl From<CopyError> for io::Error {
    fn from(error: CopyError) -> io::Error {
        match error {
            CopyError::Read(error) | CopyError::Write(error) | CopyError::Kernel(error) => error,
        }
    }
}
