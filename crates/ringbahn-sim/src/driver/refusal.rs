//! [`Refusal`]: why a driver accepts no event any more.

use std::io;

/// Why no event is accepted any more: the driver has been shut down. What was detached goes on, and
/// past the deadline nothing does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) past_deadline: bool,
}

impl Refusal {
    pub(super) fn error(self) -> io::Error {
        io::Error::new(
            io::ErrorKind::NotConnected,
            "the driver has been shut down, and accepts no operations any more",
        )
    }
}

/// Why an event of so many entries will never be accepted.
pub(super) fn too_long(count: u32, capacity: u32) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "the event needs {count} entries next to each other, and the submission queue has \
             {capacity}; build the simulation with more entries"
        ),
    )
}
