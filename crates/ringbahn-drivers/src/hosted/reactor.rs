//! [`Reactor`]: whose reactor watches a hosted ring.

use std::io;
use std::os::fd::OwnedFd;

#[cfg(feature = "tokio")]
use super::no_host::NoHost;
use super::watched::Watched;

/// Whose reactor watches a hosted ring.
#[derive(Clone, Debug)]
pub(super) enum Reactor {
    /// That of a runtime of tokio.
    #[cfg(feature = "tokio")]
    Tokio(tokio::runtime::Handle),
    /// The one that a process has with async-io.
    #[cfg(feature = "async-io")]
    AsyncIo,
}

impl Reactor {
    /// Has the reactor watch `fd`.
    ///
    /// # Errors
    ///
    /// [`NoHost`], where the runtime has no reactor; those of `epoll_ctl(2)`.
    pub(super) fn watch(&self, fd: OwnedFd) -> io::Result<Watched> {
        match self {
            #[cfg(feature = "tokio")]
            Reactor::Tokio(handle) => watch_on_tokio(handle, fd).map(Watched::Tokio),
            #[cfg(feature = "async-io")]
            Reactor::AsyncIo => async_io::Async::new_nonblocking(fd).map(Watched::AsyncIo),
        }
    }

    /// How many threads run tasks side by side, as far as that is known.
    pub(super) fn threads(&self) -> usize {
        match self {
            #[cfg(feature = "tokio")]
            Reactor::Tokio(handle) => handle.metrics().num_workers(),
            // Of whoever runs the task nothing is known.
            #[cfg(feature = "async-io")]
            Reactor::AsyncIo => 1,
        }
    }

    /// Whether a task that is woken may run before those that were woken earlier.
    pub(super) fn jumps_the_queue(&self) -> bool {
        match self {
            // A worker runs next what was woken last.
            #[cfg(feature = "tokio")]
            Reactor::Tokio(handle) => {
                handle.runtime_flavor() != tokio::runtime::RuntimeFlavor::CurrentThread
            }
            #[cfg(feature = "async-io")]
            Reactor::AsyncIo => false,
        }
    }
}

/// The runtime that the calling thread is in.
///
/// # Errors
///
/// [`NoHost`], where it is in none.
#[cfg(feature = "tokio")]
pub(super) fn runtime_of_tokio() -> io::Result<tokio::runtime::Handle> {
    Ok(tokio::runtime::Handle::try_current().map_err(|_| NoHost::NoRuntime)?)
}

#[cfg(feature = "tokio")]
fn watch_on_tokio(
    handle: &tokio::runtime::Handle,
    fd: OwnedFd,
) -> io::Result<tokio::io::unix::AsyncFd<OwnedFd>> {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let _inside = handle.enter();
    // Deprecated because a type may lie about the descriptor that it holds; an `OwnedFd` does not.
    // The replacement is unsafe to call, and newer than the versions asked for.
    #[allow(deprecated)]
    let register = || tokio::io::unix::AsyncFd::with_interest(fd, tokio::io::Interest::READABLE);
    // That there is no IO driver is told by a panic and in no other way. Nothing has been
    // registered then, and nothing is left behind.
    let watched = catch_unwind(AssertUnwindSafe(register));
    watched.map_err(|_| NoHost::NoIo)?.map_err(|error| match error.raw_os_error() {
        Some(_) => error,
        None => NoHost::ShuttingDown.into(),
    })
}
