//! [`Refusal`]: why a driver accepts no event any more; and [`TooLong`], why it never accepts one.

use std::error::Error;
use std::fmt;
use std::io;

/// Why no event is accepted any more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// What was detached goes on; with `past_deadline`, nothing does.
    ShutDown {
        past_deadline: bool,
    },
    Dead(i32),
}

impl Refusal {
    pub(crate) fn error(self) -> io::Error {
        match self {
            Refusal::ShutDown { .. } => io::Error::new(
                io::ErrorKind::NotConnected,
                "the driver has been shut down, and accepts no operations any more",
            ),
            Refusal::Dead(errno) => {
                let cause = io::Error::from_raw_os_error(errno);
                io::Error::other(format!("the driver's ring is dead: io_uring_enter: {cause}"))
            }
        }
    }
}

/// Why a driver does nothing in a child of the process that built it.
pub(crate) fn forked() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "the driver's ring belongs to the parent process; build a new driver after fork",
    )
}

/// Why a driver never accepts an event, such as a long chain: its entries stand next to each other,
/// and the submission queue has fewer places. Inside of an `io::Error` of the kind `InvalidInput`.
///
/// The event comes back in its output; nothing of it has reached the ring.
///
/// ```
/// use ringbahn_drivers::TooLong;
///
/// fn entries_needed(error: &std::io::Error) -> Option<u32> {
///     Some(error.get_ref()?.downcast_ref::<TooLong>()?.entries())
/// }
/// # assert_eq!(entries_needed(&std::io::ErrorKind::InvalidInput.into()), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    entries: u32,
    capacity: u32,
}

impl TooLong {
    /// How many entries the event needs.
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// How many the driver's submission queue has.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooLong { entries, capacity } = self;
        write!(
            f,
            "the event needs {entries} entries next to each other, and the submission queue has \
             {capacity}; build the driver with more entries"
        )
    }
}

impl Error for TooLong {}

/// Why an event of so many entries will never be accepted.
pub(crate) fn too_long(entries: u32, capacity: u32) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, TooLong { entries, capacity })
}
