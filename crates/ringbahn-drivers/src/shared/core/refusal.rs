//! [`Refusal`]: why a shared driver accepts no event any more.

use std::io;

/// Why no event is accepted any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// What was detached goes on; with `past_deadline`, nothing does.
    ShutDown {
        past_deadline: bool,
    },
    Dead(i32),
}

impl Refusal {
    pub(super) fn error(self) -> io::Error {
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
