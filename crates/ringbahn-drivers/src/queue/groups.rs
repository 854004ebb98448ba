//! [`Groups`]: which groups of buffers a ring has, and their end.
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

use ringbahn_core::{BufferGroup, GroupMemory, RingId};

use super::rings::{Executor, Rings};
use crate::sys::buffer_ring::{register_buffers, unregister_buffers};
use crate::sys::uapi::SETUP_SINGLE_ISSUER;

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

impl Groups {
    /// Makes a group of `count` buffers of `size` bytes, registered with `rings`.
    pub(super) fn make(
        rings: &Arc<Rings>,
        ring: RingId,
        count: u16,
        size: u32,
    ) -> io::Result<BufferGroup> {
        let executor = rings.executor()?;
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
                if let Err(error) = unsafe { register_buffers(kernel.fd(), address, entries, id) } {
                    groups.lock().free.push(id);
                    return Err(explain(error));
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
        // SAFETY: GR1: it has just been registered under this id, with this ring.
        Ok(unsafe { BufferGroup::new(memory, ring, id, Box::new(registration)) })
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

/// What a person is to do about it.
fn explain(error: io::Error) -> io::Error {
    let (kind, hint) = match error.raw_os_error() {
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
