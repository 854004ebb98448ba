//! [`NoHost`]: why a runtime cannot look after a ring.

use std::error::Error;
use std::fmt;
use std::io;

/// Why there is no runtime that could look after a ring.
///
/// As an [`io::Error`] it is of the kind `NotFound` and keeps itself inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoHost {
    /// The thread is not in a runtime.
    NoRuntime,
    /// The runtime was built without its IO driver.
    NoIo,
    /// The runtime is being shut down.
    ShuttingDown,
}

impl NoHost {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            NoHost::NoRuntime => {
                "build the driver in a task of the runtime or in its `block_on`, or enter the \
                 runtime first: let _guard = runtime.enter()"
            }
            NoHost::NoIo => "call `enable_io` or `enable_all` on the builder of the runtime",
            NoHost::ShuttingDown => "build the driver in a runtime that goes on",
        }
    }
}

impl fmt::Display for NoHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self {
            NoHost::NoRuntime => "this thread is in no runtime of tokio",
            NoHost::NoIo => "the runtime of tokio has no IO driver",
            NoHost::ShuttingDown => "the runtime of tokio is being shut down",
        };
        write!(f, "{reason}: {}", self.hint())
    }
}

impl Error for NoHost {}

impl From<NoHost> for io::Error {
    fn from(no_host: NoHost) -> io::Error {
        io::Error::new(io::ErrorKind::NotFound, no_host)
    }
}
