//! [`Groups`]: which groups and queues of buffers a ring has, and their end.
//!
//! # Safety
//!
//! GR1. An id is given out once until its group has been unregistered. A group is unregistered
//!      when the last share of it has gone, so no operation that chooses from it is in flight then;
//!      where that cannot be done, its id is not given out again while the ring lives, and the
//!      kernel never takes a buffer of it again.
#![allow(unsafe_code)]

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};

use ringbahn_core::{BufferGroup, BufferQueue, GroupMemory, RingId, SendQueue, Sharing};

use super::handle::RingHandle;
use super::rings::{Executor, Rings};
use crate::sys::buffer_ring::{register_buffers, unregister_buffers};
use crate::sys::uapi::{BUFFER_RING_INCREMENTAL, REGISTER_BUFFER_RING, SETUP_SINGLE_ISSUER};

/// The ids of the groups of one ring.
#[derive(Debug, Default)]
pub(super) struct Groups {
    ids: Mutex<Ids>,
}

#[derive(Debug, Default)]
struct Ids {
    /// All from here on have never been given out; `None` where there are no more.
    next: Next,
    free: Vec<u16>,
    /// Those of groups that have gone on another thread than the ring's.
    gone: Vec<u16>,
}

#[derive(Debug)]
struct Next(Option<u16>);

impl Default for Next {
    fn default() -> Next {
        Next(Some(0))
    }
}

/// Unregisters a group when it is dropped.
struct Registration {
    /// The group does not keep its ring open: closed, it takes no buffers any more.
    rings: Weak<Rings>,
    groups: Arc<Groups>,
    id: u16,
    /// The one thread that may do so, where there is only one.
    owner: Option<ThreadId>,
}

impl<S: Sharing> RingHandle<S> {
    /// Makes a group of `count` buffers of `size` bytes each, for operations on this ring.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no buffers, more than 32 768, or empty ones; `OutOfMemory` beyond
    /// `RLIMIT_MEMLOCK`; `Unsupported` where the kernel has no such groups, and in a forked child.
    ///
    /// # Kernel
    ///
    /// 5.19.
    pub fn buffer_group(&self, count: u16, size: u32) -> io::Result<BufferGroup> {
        Groups::make(self.rings(), self.table().ring(), count, size)
    }

    /// Makes a queue of `count` buffers of `size` bytes each to receive into, which the kernel uses
    /// up bit by bit, for one operation on this ring at a time.
    ///
    /// # Errors
    ///
    /// As [`buffer_group`](Self::buffer_group).
    ///
    /// # Kernel
    ///
    /// 6.12.
    pub fn buffer_queue(&self, count: u16, size: u32) -> io::Result<BufferQueue> {
        Groups::make_queue(self.rings(), self.table().ring(), count, size)
    }

    /// Makes an empty queue of `count` buffers of `size` bytes each to send from, for one operation
    /// on this ring at a time.
    ///
    /// # Errors
    ///
    /// As [`buffer_group`](Self::buffer_group).
    ///
    /// # Kernel
    ///
    /// 6.10.
    pub fn send_queue(&self, count: u16, size: u32) -> io::Result<SendQueue> {
        Groups::make_send_queue(self.rings(), self.table().ring(), count, size)
    }
}

impl Groups {
    /// Makes a group of `count` buffers of `size` bytes, registered with `rings`.
    pub(super) fn make(
        rings: &Arc<Rings>,
        ring: RingId,
        count: u16,
        size: u32,
    ) -> io::Result<BufferGroup> {
        let (memory, id, registration) = Groups::register(rings, count, size, 0)?;
        // SAFETY: GR1: it has just been registered under this id, with this ring.
        Ok(unsafe { BufferGroup::new(memory, ring, id, registration) })
    }

    /// Makes a queue of as many buffers to receive into.
    pub(super) fn make_queue(
        rings: &Arc<Rings>,
        ring: RingId,
        count: u16,
        size: u32,
    ) -> io::Result<BufferQueue> {
        rings.kernel().map_err(unsupported)?;
        let (memory, id, registration) =
            Groups::register(rings, count, size, BUFFER_RING_INCREMENTAL)?;
        // SAFETY: GR1: it has just been registered under this id, with this ring, and as one whose
        // buffers are used up bit by bit.
        Ok(unsafe { BufferQueue::new(memory, ring, id, registration) })
    }

    /// Makes a queue of as many buffers to send from.
    pub(super) fn make_send_queue(
        rings: &Arc<Rings>,
        ring: RingId,
        count: u16,
        size: u32,
    ) -> io::Result<SendQueue> {
        rings.kernel().map_err(unsupported)?;
        let (memory, id, registration) = Groups::register(rings, count, size, 0)?;
        // SAFETY: GR1: it has just been registered under this id, with this ring.
        Ok(unsafe { SendQueue::new(memory, ring, id, registration) })
    }

    fn register(
        rings: &Arc<Rings>,
        count: u16,
        size: u32,
        flags: u16,
    ) -> io::Result<(GroupMemory, u16, Box<Registration>)> {
        let executor = rings.executor()?;
        rings.check_known(REGISTER_BUFFER_RING)?;
        let groups = &rings.groups;
        let memory = GroupMemory::new(count, size, rustix::param::page_size())?;
        let gone = std::mem::take(&mut groups.lock().gone);
        for id in gone {
            groups.unregister(rings, id);
        }
        let id = groups.reserve()?;
        let (address, entries) = (memory.ring_address(), memory.ring_entries());
        let mut single = false;
        match executor {
            Executor::Kernel(kernel) => {
                // SAFETY: BR1; GR1: the memory is a group's from here on, which lives as long as
                // its operations, or is freed unregistered.
                let registered =
                    unsafe { register_buffers(kernel.fd(), address, entries, id, flags) };
                if let Err(error) = registered {
                    groups.lock().free.push(id);
                    return Err(explain(error, flags));
                }
                single = kernel.flags & SETUP_SINGLE_ISSUER != 0;
            }
            // SAFETY: GR1, as for the kernel.
            Executor::Engine(engine) => unsafe { engine.groups().register(id, address, entries) },
        }
        let registration = Registration {
            rings: Arc::downgrade(rings),
            groups: groups.clone(),
            id,
            owner: single.then(|| thread::current().id()),
        };
        Ok((memory, id, Box::new(registration)))
    }

    fn reserve(&self) -> io::Result<u16> {
        let mut ids = self.lock();
        if let Some(id) = ids.free.pop() {
            return Ok(id);
        }
        let Some(id) = ids.next.0 else {
            return Err(io::Error::other("a ring has at most 65536 groups of buffers"));
        };
        ids.next.0 = id.checked_add(1);
        Ok(id)
    }

    fn unregister(&self, rings: &Rings, id: u16) {
        let unregistered = rings.executor().and_then(|executor| match executor {
            Executor::Kernel(kernel) => unregister_buffers(kernel.fd(), id),
            Executor::Engine(engine) => {
                engine.groups().unregister(id);
                Ok(())
            }
        });
        // Where that has failed the ring is about to go, or another process's.
        if unregistered.is_ok() {
            self.lock().free.push(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ids> {
        // No code that can panic half-way runs under the lock, so poison says nothing.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if self.owner.is_some_and(|owner| owner != thread::current().id()) {
            // The owner does it when it makes its next group; the ring must not end here.
            self.groups.lock().gone.push(self.id);
        } else if let Some(rings) = self.rings.upgrade() {
            self.groups.unregister(&rings, self.id);
        }
    }
}

/// What a person is to do about it, where there are no queues.
fn unsupported(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::Unsupported {
        return error;
    }
    let hint = "use owned buffers, or a group of them";
    io::Error::new(error.kind(), format!("a queue of buffers: {error}; {hint}"))
}

/// What a person is to do about it.
fn explain(error: io::Error, flags: u16) -> io::Error {
    let (kind, hint) = match error.raw_os_error() {
        Some(libc::EINVAL) if flags & BUFFER_RING_INCREMENTAL != 0 => (
            io::ErrorKind::Unsupported,
            "queues of buffers need Linux 6.12; use a group of buffers, or owned ones",
        ),
        Some(libc::EINVAL) => (
            io::ErrorKind::Unsupported,
            "rings of buffers need Linux 5.19; use owned buffers, or handles that take theirs from \
                the heap (`Heap`)",
        ),
        Some(libc::ENOMEM) => (
            io::ErrorKind::OutOfMemory,
            "a ring of buffers is locked memory: raise RLIMIT_MEMLOCK, or make a smaller group",
        ),
        _ => return error,
    };
    io::Error::new(kind, format!("registering a group of buffers: {error}; {hint}"))
}
