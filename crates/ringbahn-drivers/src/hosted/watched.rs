//! [`Watched`]: a descriptor that a reactor tells the readiness of.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};

/// A descriptor that a reactor tells the readiness of.
#[derive(Debug)]
pub(super) enum Watched {
    #[cfg(feature = "tokio")]
    Tokio(tokio::io::unix::AsyncFd<OwnedFd>),
    #[cfg(feature = "async-io")]
    AsyncIo(async_io::Async<OwnedFd>),
}

impl Watched {
    /// Whether the descriptor has become readable. It is known no more afterwards, so whoever asks
    /// looks what there is, and then asks again, until it is `Pending`.
    ///
    /// tokio's reactor tells of changes only. To forget the readiness first and then look is what
    /// keeps one that comes meanwhile.
    ///
    /// # Errors
    ///
    /// Where the reactor has gone.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            #[cfg(feature = "tokio")]
            Watched::Tokio(fd) => {
                fd.poll_read_ready(cx).map_ok(|mut readiness| readiness.clear_ready())
            }
            #[cfg(feature = "async-io")]
            Watched::AsyncIo(fd) => fd.poll_readable(cx),
        }
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            #[cfg(feature = "tokio")]
            Watched::Tokio(fd) => fd.get_ref().as_fd(),
            #[cfg(feature = "async-io")]
            Watched::AsyncIo(fd) => fd.as_fd(),
        }
    }
}
