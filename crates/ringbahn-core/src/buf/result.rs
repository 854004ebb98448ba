//! [`BufResult`]: a result and the buffer, and how `?` works on it.

use std::error::Error;
use std::{fmt, io};

/// What an operation on an owned buffer yields: its result, and in any case the buffer.
///
/// Where only success is of interest, [`BufResultExt::both`] makes `?` work.
pub type BufResult<T, B> = (io::Result<T>, B);

/// Turns a [`BufResult`] into a [`Result`].
pub trait BufResultExt<T, B> {
    /// Both, the value and the buffer, or an error that carries the buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use ringbahn_core::{BufResult, BufResultExt};
    ///
    /// fn first_byte(read: BufResult<usize, Vec<u8>>) -> io::Result<u8> {
    ///     let (_count, buffer) = read.both()?;
    ///     buffer.first().copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    /// }
    ///
    /// assert_eq!(first_byte((Ok(2), b"hi".to_vec()))?, b'h');
    ///
    /// // A caller that wants the buffer back matches instead:
    /// let failed: BufResult<usize, Vec<u8>> = (Err(io::ErrorKind::NotFound.into()), vec![1]);
    /// let error = failed.both().unwrap_err();
    /// assert_eq!((error.error.kind(), error.buf), (io::ErrorKind::NotFound, vec![1]));
    /// # Ok::<(), io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The operation's error, together with the buffer.
    fn both(self) -> Result<(T, B), BufError<B>>;

    /// Both, the value and the buffer, or the error alone: the buffer is dropped.
    ///
    /// For where `?` makes a `Box<dyn Error + Send + Sync>` of the error. That takes no
    /// [`BufError`] whose buffer must stay on its thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::error::Error;
    /// use std::rc::Rc;
    /// use ringbahn_core::{BufResult, BufResultExt};
    ///
    /// type Failure = Box<dyn Error + Send + Sync>;
    ///
    /// fn length<B: AsRef<[u8]>>(read: BufResult<usize, Rc<B>>) -> Result<usize, Failure> {
    ///     let (_count, buffer) = read.both_or_drop()?;
    ///     Ok((*buffer).as_ref().len())
    /// }
    ///
    /// assert_eq!(length((Ok(2), Rc::new(b"hi")))?, 2);
    /// assert!(length((Err(std::io::ErrorKind::NotFound.into()), Rc::new(b"hi"))).is_err());
    /// # Ok::<(), Failure>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The operation's error.
    fn both_or_drop(self) -> io::Result<(T, B)>
    where
        Self: Sized,
    {
        self.both().map_err(io::Error::from)
    }
}

impl<T, B> BufResultExt<T, B> for BufResult<T, B> {
    fn both(self) -> Result<(T, B), BufError<B>> {
        match self {
            (Ok(value), buf) => Ok((value, buf)),
            (Err(error), buf) => Err(BufError { error, buf }),
        }
    }
}

/// The error of an operation on an owned buffer, and the buffer.
///
/// Becomes an [`io::Error`] under `?`, which drops the buffer.
pub struct BufError<B> {
    /// What went wrong.
    pub error: io::Error,
    /// The buffer that the operation was given.
    pub buf: B,
}

impl<B> From<BufError<B>> for io::Error {
    fn from(error: BufError<B>) -> io::Error {
        error.error
    }
}

// Not derived: a buffer need not be `Debug`, and its contents would drown the error.
impl<B> fmt::Debug for BufError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<B> fmt::Display for BufError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<B> Error for BufError<B> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
