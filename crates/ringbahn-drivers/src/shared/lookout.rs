//! [`Lookout`]: what looks after the ring of a shared driver when nobody else does.
//!
//! | lookout | from | until |
//! |---|---|---|
//! | a [`Host`], such as a task of the program's runtime | the driver is built | the host goes, or the driver's end begins |
//! | the helper thread | the first operation, where there is no host, and otherwise when the host goes | the driver's end |
//!
//! A host goes when it suits it, and may stop without going: a runtime need not be run any more.
//! So the helper is always in reserve, and the end of a driver, which somebody may be waiting for,
//! is never left to a host.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::core::Core;
use super::helper::Helper;

/// How many turns are taken at once to bring a driver to its end, before the helper is started.
const TURNS_AT_ONCE_MAX: u32 = 4;

/// What may look after a ring in place of the helper thread.
///
/// It watches the ring all the time, and does the turns of [`Duty`](super::duty::Duty). A host that
/// goes first says so, and then calls [`Lookout::watch`] where something is in flight.
pub(crate) trait Host: fmt::Debug + Send + Sync {
    /// Whether it is there.
    ///
    /// SeqCst: a submitter first counts its operation in, then asks this; the host first says that
    /// it goes, then reads how many operations there are. So one of the two sees the other.
    fn is_attending(&self) -> bool;

    /// There is something to do besides reaping.
    fn call(&self);
}

/// What looks after the ring of a shared driver when nobody else does.
#[derive(Debug)]
pub(crate) struct Lookout {
    pub(super) helper: Helper,
    host: Option<Arc<dyn Host>>,
}

impl Lookout {
    pub(super) fn new(host: Option<Arc<dyn Host>>) -> io::Result<Lookout> {
        Ok(Lookout { helper: Helper::new()?, host })
    }

    /// The host, if it is there.
    fn host(&self) -> Option<&dyn Host> {
        self.host.as_deref().filter(|host| host.is_attending())
    }

    /// Whether the helper has been started: then a host is not needed any more.
    pub(crate) fn is_relieved(&self) -> bool {
        self.helper.is_started()
    }

    /// Whether anything looks after the ring.
    pub(super) fn is_there(&self) -> bool {
        self.is_relieved() || self.host().is_some()
    }

    /// The same at the end of the driver. A thread that is being started may have looked before
    /// the end began, and sleep until it is called; one that is started later will see the end.
    pub(super) fn is_there_by_now(&self) -> bool {
        self.helper.is_started_by_now() || self.host().is_some()
    }

    /// Sees to it that something looks after the ring: an operation is about to come.
    ///
    /// # Errors
    ///
    /// Where a thread is needed and cannot be started.
    pub(super) fn start(&self, core: &Arc<Core>) -> io::Result<()> {
        if self.is_there() { Ok(()) } else { self.helper.start(core) }
    }

    /// Something is in flight: the ring is to be watched.
    pub(crate) fn watch(&self, core: &Arc<Core>) {
        if self.is_relieved() {
            self.helper.watch();
        } else if self.host().is_none() {
            // Without a thread the next operation tries again, and fails if it must.
            self.take_over(core);
        }
    }

    /// There is something else to do.
    pub(crate) fn wake(&self) {
        if self.is_relieved() {
            self.helper.wake();
        }
        if let Some(host) = self.host() {
            host.call();
        }
    }

    /// The end has begun.
    pub(super) fn see_to_end(&self, core: &Arc<Core>) {
        if !self.is_relieved() {
            // Most operations end when they are told to, and then no thread is needed.
            for _ in 0..TURNS_AT_ONCE_MAX {
                core.turn();
                if core.is_done() {
                    core.finish();
                    break;
                }
            }
            if !core.is_done() {
                // Where there can be no thread it stays the host's.
                self.take_over(core);
            }
        }
        self.wake();
    }

    /// The helper takes the place of the host.
    fn take_over(&self, core: &Arc<Core>) {
        if self.helper.start(core).is_ok() {
            self.helper.watch();
        }
    }
}
