//! [`Start`]: where a relative path starts, for the events on names.

use crate::fd::{Place, SharedFd};
use crate::sqe::Sqe;

/// Where a relative path starts: at an open directory, or at the current one.
#[derive(Clone, Debug, Default)]
pub(super) struct Start(Option<SharedFd>);

impl Start {
    pub(super) fn at(directory: impl Into<SharedFd>) -> Start {
        Start(Some(directory.into()))
    }

    /// Names it in the descriptor word.
    pub(super) fn of(&self, entry: Sqe) -> Sqe {
        match &self.0 {
            Some(directory) => entry.file(directory),
            None => entry.fd_number(libc::AT_FDCWD),
        }
    }

    /// The word for the directory of a second path. A direct descriptor has no number that the
    /// kernel would take there; for it this is one that no file has, so a relative path is an
    /// error.
    pub(super) fn second(&self) -> u32 {
        let number = match self.0.as_ref().map(SharedFd::place) {
            Some(Place::Descriptor(number)) => number,
            Some(Place::Direct(..)) => -1,
            None => libc::AT_FDCWD,
        };
        number.cast_unsigned()
    }
}
