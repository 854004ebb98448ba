//! [`NotPolled`]: why a read or write of a file fails on a ring that polls.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a read or write of a file fails on a ring that polls its devices: the file, or the device
/// behind it, cannot be polled.
///
/// ```
/// use std::io;
/// use ringbahn_drivers::NotPolled;
///
/// let error = io::Error::from_raw_os_error(95); // EOPNOTSUPP, as a read has failed with it.
/// if let Some(why) = NotPolled::of(&error) {
///     eprintln!("{why}");
/// }
/// # assert!(NotPolled::of(&error).is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotPolled;

impl NotPolled {
    /// What the `error` of an operation on an [`IopollDriver`](crate::IopollDriver) means, if it
    /// means this.
    pub fn of(error: &io::Error) -> Option<NotPolled> {
        (error.raw_os_error() == Some(libc::EOPNOTSUPP)).then_some(NotPolled)
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "open the file with O_DIRECT, on a file system that can poll and a disk with queues for it \
         (NVMe: the kernel parameter nvme.poll_queues=<count>; /sys/block/<disk>/queue/io_poll is \
         then 1), or use another driver for it"
    }
}

impl fmt::Display for NotPolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file, or the device behind it, cannot be polled: {}", self.hint())
    }
}

impl Error for NotPolled {}

impl From<NotPolled> for io::Error {
    fn from(not_polled: NotPolled) -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, not_polled)
    }
}
