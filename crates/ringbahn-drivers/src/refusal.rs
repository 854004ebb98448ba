//! [`Refusal`]: why a driver accepts no event any more.

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

/// Why an event of so many entries will never be accepted.
pub(crate) fn too_long(count: u32, capacity: u32) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "the event needs {count} entries next to each other, and the submission queue has \
             {capacity}; build the driver with more entries"
        ),
    )
}
