//! [`Beside`]: the engine that executes what a ring's kernel does not know.
//!
//! A kernel that lacks an operation answers its entry with `EINVAL`. So entries of such operations
//! never come to it: as the queue is published they are taken out again, with the chain they are
//! part of, and an engine inside the process executes them. In their places stand NOPs, which keep
//! the counters of the queue and its order of taking as they were. Both have their CQEs reaped by
//! one completion queue, for one operation table, so nobody above the queues sees a difference.
//!
//! A cancel goes to whoever has its target, and so does what ends or changes a poll or a timeout.
//!
//! Where the kernel knows everything, as newer ones do, there is none of this.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ringbahn_core::{Sqe, opcode};
use rustix::event::{EventfdFlags, eventfd};

use super::rings::Rings;
use crate::fallback::Engine;
use crate::sys::probe::Probe;

/// What executes what a ring's kernel does not know, once there is something to execute.
#[derive(Debug)]
pub(crate) struct Beside {
    /// What the kernel does not know, and the engine does.
    lacking: Probe,
    at_work: OnceLock<AtWork>,
    /// An eventfd, readable from the time on when the engine is at work: whoever sleeps without
    /// looking at the engine is to wake up, and look at it from then on.
    called: OwnedFd,
    /// Entries that have been published, until somebody enters.
    published: Mutex<VecDeque<Sqe>>,
}

/// The engine, and how to wait for it and the kernel at the same time.
#[derive(Debug)]
pub(super) struct AtWork {
    pub(super) engine: Engine,
    /// An eventfd, readable where a ring that puts its completions off has some: such a ring's own
    /// descriptor does not tell.
    put_off: Option<OwnedFd>,
}

/// Takes the entries out of the queue that the kernel is not to have.
#[derive(Debug)]
pub(super) struct Diversion<'a> {
    beside: &'a Beside,
    rings: &'a Rings,
    published: MutexGuard<'a, VecDeque<Sqe>>,
}

impl Beside {
    /// For a ring whose kernel knows what `kernel` says, less what is `unwanted`. `None` where it
    /// lacks nothing.
    ///
    /// # Errors
    ///
    /// Those of `eventfd2(2)`.
    pub(crate) fn new(kernel: &Probe, unwanted: &[u8]) -> io::Result<Option<Beside>> {
        let lacks = |opcode: &u8| !kernel.supports(*opcode) || unwanted.contains(opcode);
        let engine = Engine::probe();
        let lacking: Vec<u8> =
            (0..=u8::MAX).filter(|opcode| engine.supports(*opcode)).filter(lacks).collect();
        if lacking.is_empty() {
            return Ok(None);
        }
        Ok(Some(Beside {
            lacking: Probe::with(&lacking),
            at_work: OnceLock::new(),
            called: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            published: Mutex::default(),
        }))
    }

    /// The descriptor that becomes readable when there is an engine to look at besides the ring.
    pub(super) fn called(&self) -> BorrowedFd<'_> {
        self.called.as_fd()
    }

    /// The engine, if there has been anything for it.
    #[inline]
    pub(super) fn at_work(&self) -> Option<&AtWork> {
        self.at_work.get()
    }

    /// Sets the engine to work, and makes a descriptor that is readable when `ring` is, or when
    /// the engine has something.
    ///
    /// # Errors
    ///
    /// What an engine lacks: a descriptor, a thread or memory.
    #[cfg(any(feature = "tokio", feature = "async-io", all(test, not(loom))))]
    pub(super) fn join(&self, rings: &Rings, ring: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        use rustix::event::epoll;

        let engine = match self.at_work() {
            Some(at_work) => at_work.engine.duplicate()?,
            None => {
                let new = AtWork::new(rings)?;
                self.at_work.get_or_init(|| new).engine.duplicate()?
            }
        };
        let both = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for one in [ring, engine.as_fd()] {
            epoll::add(&both, one, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        }
        Ok(both)
    }

    /// Begins to look at entries of `rings` that are about to be published.
    pub(super) fn divert<'a>(&'a self, rings: &'a Rings) -> Diversion<'a> {
        Diversion { beside: self, rings, published: self.published() }
    }

    /// Starts what has been published. Whoever submits calls it, without a lock.
    pub(super) fn start(&self) {
        if let Some(at_work) = self.at_work() {
            at_work.engine.start(|| std::mem::take(&mut *self.published()));
        }
    }

    fn published(&self) -> MutexGuard<'_, VecDeque<Sqe>> {
        // Nothing that can panic half-way runs under the lock, so poison says nothing.
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AtWork {
    fn new(rings: &Rings) -> io::Result<AtWork> {
        let (entries, completion_entries) = rings.sizes();
        let engine = Engine::new(entries, completion_entries)?;
        Ok(AtWork { engine, put_off: rings.tell_what_is_put_off()? })
    }

    /// Whether it has CQEs that did not fit into its queue.
    pub(super) fn overflowed(&self) -> bool {
        self.engine.memory().overflowed()
    }

    /// The descriptor to wait on for what the kernel has put off.
    pub(super) fn put_off(&self) -> Option<BorrowedFd<'_>> {
        self.put_off.as_ref().map(AsFd::as_fd)
    }

    /// Forgets that there was something put off: whoever calls looks at the ring next.
    pub(super) fn clear_put_off(&self) {
        if let Some(put_off) = &self.put_off {
            // It fails where there was nothing.
            let _ = rustix::io::read(put_off, &mut [0; 8]);
        }
    }
}

/// Whether an entry names a file in a slot, or a group of buffers.
fn names_what_is_registered(entry: &Sqe) -> bool {
    /// `IOSQE_FIXED_FILE`, `IOSQE_BUFFER_SELECT`
    const REGISTERED: u8 = 1 << 0 | 1 << 5;
    entry.flags() & REGISTERED != 0
}

impl Diversion<'_> {
    /// Whether the entry, and with it the whole chain that it is part of, is for the engine.
    pub(super) fn is_wanted(&self, entry: &Sqe) -> bool {
        match entry.opcode() {
            opcode::ASYNC_CANCEL => self.has(entry.get_address_number()),
            opcode::POLL_REMOVE | opcode::TIMEOUT_REMOVE
                if self.has(entry.get_address_number()) =>
            {
                true
            }
            // What is registered is registered with the kernel, which answers for itself.
            _ if names_what_is_registered(entry) => false,
            opcode => self.beside.lacking.supports(opcode) && self.is_at_work(),
        }
    }

    /// Takes an entry, and leaves a NOP in its place.
    pub(super) fn take(&mut self, entry: &mut Sqe) {
        self.published.push_back(std::mem::replace(entry, Sqe::nop()));
    }

    /// Whether the engine has, or is about to have, the operation of this `user_data`.
    fn has(&self, user_data: u64) -> bool {
        let started = self.beside.at_work().is_some_and(|it| it.engine.has(user_data));
        started || self.published.iter().any(|entry| entry.user_data() == user_data)
    }

    /// Sets the engine to work, if need be. `false` where there is no memory or descriptor for one:
    /// the kernel then answers that it does not know the operation.
    fn is_at_work(&self) -> bool {
        let at_work = &self.beside.at_work;
        if at_work.get().is_none()
            && let Ok(new) = AtWork::new(self.rings)
        {
            // One thread publishes at a time, so nobody else has made one meanwhile.
            let _ = at_work.set(new);
            // It cannot fail: nobody else has written to it.
            let _ = rustix::io::write(&self.beside.called, &1_u64.to_ne_bytes());
        }
        at_work.get().is_some()
    }
}
