//! [`Completions`]: CQEs on their way to the queue, and who waits for them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ringbahn_core::Cqe;
use rustix::event::{EventfdFlags, eventfd};
use rustix::thread::futex;

use crate::queue::memory::Memory;

/// CQEs on their way to the queue, under the engine's lock: so one thread at a time posts.
#[derive(Debug)]
pub(super) struct Completions {
    memory: Arc<Memory>,
    /// Those that did not fit in, in their order. While there are any, later ones go behind them.
    overflow: VecDeque<Cqe>,
    /// How many CQEs there have been, less those of timeouts.
    posted: u64,
    /// Threads in `enter`, who sleep until `arrivals` changes.
    waiters: u32,
    /// How many CQEs there have been, modulo 2³²: a futex.
    arrivals: Arc<AtomicU32>,
    /// Those who look at `ready`. Without any it is left as it is.
    watchers: u32,
    /// An eventfd; while somebody watches it is readable exactly where there are CQEs.
    ready: Arc<OwnedFd>,
    /// Whether it is readable.
    signalled: bool,
    /// Whether somebody learns of changes only: that it is readable still says nothing to them of
    /// a CQE that has come since they were told, so each is written for.
    by_edges: bool,
}

impl Completions {
    pub(super) fn new(
        memory: Arc<Memory>,
        arrivals: Arc<AtomicU32>,
    ) -> io::Result<(Completions, Arc<OwnedFd>)> {
        let ready = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let completions = Completions {
            memory,
            overflow: VecDeque::new(),
            posted: 0,
            waiters: 0,
            arrivals,
            watchers: 0,
            ready: ready.clone(),
            signalled: false,
            by_edges: false,
        };
        Ok((completions, ready))
    }

    /// Posts a CQE.
    pub(super) fn post(&mut self, cqe: Cqe) {
        self.posted += 1;
        self.post_uncounted(cqe);
    }

    /// Posts a CQE of a timeout, which other timeouts do not count.
    pub(super) fn post_uncounted(&mut self, cqe: Cqe) {
        if !self.overflow.is_empty() || !self.memory.post(cqe) {
            self.overflow.push_back(cqe);
            self.memory.set_overflowed(true);
        }
        // Relaxed: whoever waits looks at the queue under the lock that is held here.
        self.arrivals.fetch_add(1, Ordering::Relaxed);
        if self.waiters > 0 {
            // It cannot fail: the address is that of a word.
            let _ = futex::wake(&self.arrivals, futex::Flags::PRIVATE, i32::MAX as u32);
        }
        if self.by_edges && self.signalled {
            // It fails only when the count is full, and then there was an edge for each.
            let _ = rustix::io::write(self.ready.as_fd(), &1_u64.to_ne_bytes());
        }
        self.signal();
    }

    /// How many CQEs fit into the queue.
    pub(super) fn entries(&self) -> u32 {
        self.memory.completion_entries()
    }

    /// Whether the next CQE would have to wait until there is room for it.
    pub(super) fn is_full(&self) -> bool {
        !self.overflow.is_empty() || self.memory.completed() == self.memory.completion_entries()
    }

    /// How many CQEs there have been, less those of timeouts.
    pub(super) fn posted(&self) -> u64 {
        self.posted
    }

    /// Brings CQEs into the queue that did not fit in before.
    pub(super) fn flush(&mut self) {
        while let Some(&cqe) = self.overflow.front()
            && self.memory.post(cqe)
        {
            self.overflow.pop_front();
        }
        if self.overflow.is_empty() {
            self.memory.set_overflowed(false);
        }
        self.signal();
    }

    /// Makes the eventfd say whether there are CQEs.
    pub(super) fn signal(&mut self) {
        if self.watchers == 0 {
            return;
        }
        let there = !self.overflow.is_empty() || self.memory.completed() > 0;
        if there != self.signalled {
            // Neither fails: a count far from full is written to, and one that is not 0 is read.
            let _ = match there {
                true => rustix::io::write(self.ready.as_fd(), &1_u64.to_ne_bytes()),
                false => rustix::io::read(self.ready.as_fd(), &mut [0; 8]),
            };
            self.signalled = there;
        }
    }

    /// Somebody begins to look at the eventfd.
    pub(super) fn begin_watch(&mut self) {
        self.watchers += 1;
        self.signal();
    }

    /// Somebody begins to look at it for good, and learns of changes only, as by an edge-triggered
    /// epoll.
    #[cfg(any(feature = "tokio", feature = "async-io", all(test, not(loom))))]
    pub(super) fn begin_watch_by_edges(&mut self) {
        self.by_edges = true;
        self.begin_watch();
    }

    /// Somebody looks at it no more.
    pub(super) fn end_watch(&mut self) {
        self.watchers -= 1;
    }

    /// The counter that the tail reaches with the CQE number `wanted` from the head on.
    pub(super) fn target(&self, wanted: u32) -> u32 {
        let (head, _) = self.memory.completion_counters();
        head.wrapping_add(wanted.min(self.memory.completion_entries()))
    }

    /// Whether the tail has reached `target`. Those that others have taken meanwhile count.
    pub(super) fn reached(&self, target: u32) -> bool {
        let (_, tail) = self.memory.completion_counters();
        tail.wrapping_sub(target).cast_signed() >= 0
    }

    /// Somebody begins or ends to wait in `enter`.
    pub(super) fn count_waiter(&mut self, begins: bool) {
        self.waiters = if begins { self.waiters + 1 } else { self.waiters - 1 };
    }
}
