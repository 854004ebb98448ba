//! [`Registry`]: what is registered with a ring; and [`Lease`], by which its users hold on to it.
//!
//! What a ring has registered is used on any thread and let go of on any thread, while a ring that
//! is bound to a thread lets only that one change what is registered. What is let go of elsewhere
//! is left to it: it is called, and does so when it enters the kernel next.
//!
//! A lease does not keep the ring open. With the ring goes all that is registered with it.

use std::io;
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::thread::{self, ThreadId};

use super::rings::{Executor, Rings, no_counterpart};
use crate::fallback::Engine;
use crate::sys::resources::{close_slot, register_buffers, register_files, update_buffers};
use crate::sys::tuning::{unregister_eventfd, unregister_personality};
use crate::sys::uapi::BUFFERS_MAX;

/// Who registers what is registered with a ring: the kernel, or an engine in its place.
#[derive(Clone, Copy)]
pub(crate) enum Clerk<'a> {
    Kernel(BorrowedFd<'a>),
    /// Buffers are memory to it, so of those it keeps nothing.
    Engine(&'a Engine),
}

impl<'a> Clerk<'a> {
    pub(super) fn of(executor: &Executor<'a>) -> Clerk<'a> {
        match executor {
            Executor::Kernel(ring) => Clerk::Kernel(ring.fd()),
            Executor::Engine(engine) => Clerk::Engine(engine),
        }
    }

    /// The descriptor of the kernel's ring, for what only the kernel keeps.
    ///
    /// # Errors
    ///
    /// `Unsupported` of an engine.
    pub(crate) fn kernel(self) -> io::Result<BorrowedFd<'a>> {
        match self {
            Clerk::Kernel(ring) => Ok(ring),
            Clerk::Engine(_) => Err(no_counterpart()),
        }
    }

    fn register_buffers(self, slots: u32) -> io::Result<()> {
        match self {
            Clerk::Kernel(ring) => register_buffers(ring, slots),
            Clerk::Engine(_) => Ok(()),
        }
    }

    /// Puts buffers into the table from `first` on, and yields how many were. An empty one empties
    /// its slot.
    ///
    /// # Errors
    ///
    /// The `errno` of the call for the first of them.
    pub(crate) fn update_buffers(self, first: u32, buffers: &[libc::iovec]) -> io::Result<u32> {
        match self {
            Clerk::Kernel(ring) => update_buffers(ring, first, buffers),
            Clerk::Engine(_) => Ok(buffers.len() as u32),
        }
    }

    fn register_files(self, slots: u32) -> io::Result<()> {
        match self {
            Clerk::Kernel(ring) => register_files(ring, slots),
            Clerk::Engine(engine) => engine.slots().make(slots),
        }
    }

    fn close_slot(self, slot: u32) -> io::Result<()> {
        match self {
            Clerk::Kernel(ring) => close_slot(ring, slot),
            Clerk::Engine(engine) => {
                engine.slots().close(slot);
                Ok(())
            }
        }
    }

    fn descriptor(self) -> io::Result<OwnedFd> {
        match self {
            Clerk::Kernel(ring) => ring.try_clone_to_owned(),
            Clerk::Engine(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the fallback takes no files from other rings: open them on its own, or have \
                 io_uring",
            )),
        }
    }
}

/// What is registered with a ring.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// The thread that a ring is bound to, if it is to one.
    owner: OnceLock<ThreadId>,
    /// Calls that thread.
    call: OnceLock<Waker>,
    /// Whether something is left to be released in `state`. Set under its lock, cleared by whoever
    /// sets out to do it.
    overdue: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The free slots of the table of buffers, in order; `None` before there is a table.
    buffers: Option<Vec<Range<u32>>>,
    files: Option<Files>,
    left: Vec<Release>,
}

/// The table of files.
#[derive(Clone, Copy, Debug)]
struct Files {
    slots: u32,
    /// Whether somebody uses it.
    taken: bool,
}

/// What nobody uses any more.
#[derive(Clone, Debug)]
pub(crate) enum Release {
    /// These slots of the table of buffers.
    Buffers(Range<u32>),
    /// The file in this slot.
    Slot(u32),
    /// The credentials with this number.
    Personality(u16),
    /// The eventfd that is told of completions.
    Eventfd,
}

impl Registry {
    /// The ring is bound to the calling thread.
    pub(super) fn bind(&self) {
        let _ = self.owner.set(thread::current().id());
    }

    /// Has `call` woken where something is left to the thread that the ring is bound to.
    pub(crate) fn call_with(&self, call: Waker) {
        let _ = self.call.set(call);
    }

    /// Whether the calling thread is the one that the ring is bound to, if it is to one.
    pub(super) fn is_mine(&self) -> bool {
        self.owner.get().is_none_or(|owner| *owner == thread::current().id())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic half-way runs under this lock, so poison says nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `count` slots of the table of buffers, next to each other, and yields the first.
    ///
    /// # Errors
    ///
    /// Those of the registration; `QuotaExceeded` where there are not so many.
    pub(crate) fn take_buffers(&self, ring: Clerk<'_>, count: u32) -> io::Result<u16> {
        self.settle(ring);
        let mut state = self.state();
        if state.buffers.is_none() {
            ring.register_buffers(BUFFERS_MAX)?;
        }
        #[allow(clippy::single_range_in_vec_init, reason = "one range, to be split")]
        let free = state.buffers.get_or_insert_with(|| vec![0..BUFFERS_MAX]);
        let Some(range) = free.iter_mut().find(|range| range.len() >= count as usize) else {
            let left: usize = free.iter().map(|range| range.len()).max().unwrap_or_default();
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!(
                    "a ring has {BUFFERS_MAX} registered buffers at most, and of this one {left} \
                     next to each other are left: ask for fewer and larger ones, or drop some"
                ),
            ));
        };
        let first = range.start;
        range.start += count;
        // Below `BUFFERS_MAX`.
        Ok(first as u16)
    }

    /// Takes the table of files, of at least `slots` slots, and yields how many it has.
    ///
    /// # Errors
    ///
    /// Those of the registration; `AlreadyExists` where somebody has it; `InvalidInput` where there
    /// is a smaller one, which cannot grow.
    pub(crate) fn take_files(&self, ring: Clerk<'_>, slots: u32) -> io::Result<u32> {
        let mut state = self.state();
        let files = match state.files {
            Some(Files { taken: true, slots: there }) => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("the ring has a table of {there} direct descriptors: clone that one"),
                ));
            }
            Some(files) if files.slots < slots => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "the ring once had a table of {} direct descriptors, which does not grow: \
                         ask for as many, or build another driver",
                        files.slots
                    ),
                ));
            }
            Some(files) => files,
            None => {
                ring.register_files(slots)?;
                Files { slots, taken: false }
            }
        };
        state.files = Some(Files { taken: true, ..files });
        Ok(files.slots)
    }

    /// Nobody uses the table of files any more.
    pub(crate) fn give_back_files(&self) {
        if let Some(files) = &mut self.state().files {
            files.taken = false;
        }
    }

    /// Releases what others have left to this thread.
    pub(crate) fn settle(&self, ring: Clerk<'_>) {
        // Acquire: pairs with the Release in `leave`. The look before spares the exchange.
        if !self.overdue.load(Ordering::Relaxed) || !self.overdue.swap(false, Ordering::Acquire) {
            return;
        }
        let left = std::mem::take(&mut self.state().left);
        for release in left {
            if self.run(ring, &release).is_err() {
                self.leave(release);
            }
        }
    }

    fn leave(&self, release: Release) {
        let mut state = self.state();
        state.left.push(release);
        self.overdue.store(true, Ordering::Release); // Acquire in `settle`.
    }

    fn run(&self, ring: Clerk<'_>, release: &Release) -> io::Result<()> {
        match release {
            Release::Slot(slot) => ring.close_slot(*slot),
            Release::Personality(number) => unregister_personality(ring.kernel()?, *number),
            Release::Eventfd => unregister_eventfd(ring.kernel()?),
            Release::Buffers(range) => {
                const NONE: libc::iovec =
                    libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
                ring.update_buffers(range.start, &vec![NONE; range.len()])?;
                self.give_back_buffers(range.clone());
                Ok(())
            }
        }
    }

    fn give_back_buffers(&self, range: Range<u32>) {
        if let Some(free) = &mut self.state().buffers {
            let at = free.partition_point(|other| other.start < range.start);
            free.insert(at, range);
            free.dedup_by(|next, range| {
                let touch = range.end == next.start;
                if touch {
                    range.end = next.end;
                }
                touch
            });
        }
    }
}

/// Holds on to what is registered with a ring, and not to the ring.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    rings: Weak<Rings>,
    registry: Arc<Registry>,
}

impl Lease {
    /// # Errors
    ///
    /// As [`Rings::registry`].
    pub(crate) fn new(rings: &Arc<Rings>) -> io::Result<Lease> {
        let registry = rings.registry()?.0.clone();
        Ok(Lease { rings: Arc::downgrade(rings), registry })
    }

    /// Lets go of something, on any thread. Nothing is left to be done where the ring has gone, and
    /// in a forked child, whose parent the ring is, nothing may be.
    pub(crate) fn release(&self, release: Release) {
        if !self.registry.is_mine() {
            if self.rings.strong_count() > 0 {
                self.registry.leave(release);
                if let Some(call) = self.registry.call.get() {
                    call.wake_by_ref();
                }
            }
            return;
        }
        let Some(rings) = self.rings.upgrade() else { return };
        let Ok((registry, ring)) = rings.registry() else { return };
        registry.settle(ring);
        if registry.run(ring, &release).is_err() {
            registry.leave(release);
        }
    }

    /// Nobody uses the table of files any more.
    pub(crate) fn give_back_files(&self) {
        self.registry.give_back_files();
    }

    /// A descriptor of the ring of its own, for another ring to name it by.
    ///
    /// # Errors
    ///
    /// `NotConnected` where the ring has gone; those of `dup(2)`, and of [`Rings::registry`].
    pub(crate) fn ring_file(&self) -> io::Result<OwnedFd> {
        let Some(rings) = self.rings.upgrade() else {
            let message = "the ring has gone, and with it its slots";
            return Err(io::Error::new(io::ErrorKind::NotConnected, message));
        };
        let (_, ring) = rings.registry()?;
        ring.descriptor()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
    fn slots_that_come_back_join_those_next_to_them() {
        let registry = Registry::default();
        registry.state().buffers = Some(vec![]);
        for range in [4..6, 0..2, 8..9, 2..4] {
            registry.give_back_buffers(range);
        }
        assert_eq!(registry.state().buffers, Some(vec![0..6, 8..9]));
        registry.give_back_buffers(6..8);
        assert_eq!(registry.state().buffers, Some(vec![0..9]));
    }
}
