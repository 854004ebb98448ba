//! [`Engine`]: what the queues see of the fallback; and [`Core`], which its threads share.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ringbahn_core::Sqe;
use rustix::event::Timespec;
use rustix::io::Errno;
use rustix::thread::futex;

use super::completions::Completions;
use super::edges::Edges;
use super::epoll::Epoll;
use super::groups::Groups;
use super::opcodes::KNOWN;
use super::operations::Operations;
use super::pool::{Class, Pool};
use super::reactor;
use super::schedule::{Intake, Ready, Schedule};
use super::slots::Slots;
use super::timers::Timers;
use super::watches::Watches;
use crate::queue::memory::Memory;
use crate::sys::fork::ForkGuard;
use crate::sys::probe::Probe;
use crate::sys::uapi::{
    FEAT_CQE_SKIP, FEAT_CUR_PERSONALITY, FEAT_EXT_ARG, FEAT_FAST_POLL, FEAT_NODROP,
    FEAT_POLL_32BITS, FEAT_RW_CUR_POS, FEAT_SUBMIT_STABLE,
};

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);

/// What executes the entries of one ring. When it goes, everything that waits is forgotten; the
/// calls that block end by themselves, and what they use stays.
#[derive(Debug)]
pub(crate) struct Engine {
    core: Arc<Core>,
    /// There until the engine goes.
    reactor: Option<JoinHandle<()>>,
}

/// What the threads of an engine share.
#[derive(Debug)]
pub(super) struct Core {
    memory: Arc<Memory>,
    /// Held by the thread that takes entries, until it has tried each of them. So what is
    /// submitted in order is tried in order; nothing in there waits.
    intake: Mutex<Intake>,
    /// Held for moments, and never during a call that waits.
    state: Mutex<State>,
    /// Counts the CQEs that have been posted: a futex, so that a signal ends the wait for them as
    /// it ends that in a kernel's ring.
    arrivals: Arc<AtomicU32>,
    ready: Arc<OwnedFd>,
    pub(super) timer: Arc<OwnedFd>,
    pub(super) epoll: Arc<Epoll>,
    pub(super) groups: Groups,
    pub(super) slots: Slots,
    files: Arc<Pool>,
    others: Arc<Pool>,
    guard: ForkGuard,
}

/// Where all operations are.
#[derive(Debug)]
pub(super) struct State {
    pub(super) completions: Completions,
    pub(super) operations: Operations,
    pub(super) watches: Watches,
    pub(super) edges: Edges,
    pub(super) timers: Timers,
    pub(super) schedule: Schedule,
    /// Whether the engine goes.
    pub(super) closing: bool,
}

/// Somebody looks at the descriptor of an engine, which says the truth meanwhile.
#[derive(Debug)]
pub(crate) struct Watching<'a>(&'a Core);

impl Engine {
    /// The kernel's `IORING_FEAT_*` bits that hold of an engine, too.
    pub(crate) const FEATURES: u32 = FEAT_NODROP
        | FEAT_SUBMIT_STABLE
        | FEAT_RW_CUR_POS
        | FEAT_CUR_PERSONALITY
        | FEAT_FAST_POLL
        | FEAT_POLL_32BITS
        | FEAT_EXT_ARG
        | FEAT_CQE_SKIP;

    /// An engine for queues of these sizes, which are powers of two.
    ///
    /// # Errors
    ///
    /// What is missing: a descriptor, a thread or memory. `InvalidInput` for other sizes.
    pub(crate) fn new(entries: u32, completion_entries: u32) -> io::Result<Engine> {
        let guard = ForkGuard::new()?;
        let memory = Memory::new(0, entries, completion_entries);
        let memory = Arc::new(memory.ok_or(io::ErrorKind::InvalidInput)?);
        let arrivals = Arc::new(AtomicU32::new(0));
        let (completions, ready) = Completions::new(memory.clone(), arrivals.clone())?;
        let (timers, timer) = Timers::new()?;
        let epoll = Arc::new(Epoll::new()?);
        let core = Arc::new(Core {
            memory,
            intake: Mutex::default(),
            state: Mutex::new(State {
                completions,
                operations: Operations::default(),
                watches: Watches::new(epoll.clone()),
                edges: Edges::new(epoll.clone()),
                timers,
                schedule: Schedule::default(),
                closing: false,
            }),
            arrivals,
            ready,
            timer,
            epoll,
            groups: Groups::default(),
            slots: Slots::default(),
            files: Pool::new(Class::Files),
            others: Pool::new(Class::Others),
            guard,
        });
        let reactor = reactor::start(&core)?;
        Ok(Engine { core, reactor: Some(reactor) })
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.core.memory
    }

    /// The operations that it knows.
    pub(crate) fn probe() -> Probe {
        Probe::with(KNOWN)
    }

    /// Whether this process is a child of the one that has the engine.
    #[inline]
    pub(crate) fn forked(&self) -> bool {
        self.core.guard.forked()
    }

    /// Starts what has been published. Unless `wanted` is 0, waits then until so many CQEs are in
    /// the queue, or the time is over. Says how many entries were taken.
    ///
    /// # Errors
    ///
    /// `ETIME` where the time was over, and `EINTR` where there was a signal, unless something was
    /// taken.
    pub(crate) fn enter(&self, wanted: u32, timeout: Option<Duration>) -> io::Result<u32> {
        let taken = self.core.submit();
        let waited = if wanted > 0 { self.core.wait(wanted, timeout) } else { Ok(()) };
        if taken > 0 { Ok(taken) } else { waited.map(|()| 0) }
    }

    /// Starts entries that did not come by the queue, in the order in which calls take them.
    pub(crate) fn start(&self, take: impl FnOnce() -> VecDeque<Sqe>) {
        self.core.start_taken(take);
    }

    /// Whether it has an operation of this `user_data` that has not ended.
    pub(crate) fn has(&self, user_data: u64) -> bool {
        !self.core.state().operations.with_user_data(user_data).is_empty()
    }

    /// The groups that buffers are chosen from.
    pub(crate) fn groups(&self) -> &Groups {
        &self.core.groups
    }

    /// The files in slots.
    pub(crate) fn slots(&self) -> &Slots {
        &self.core.slots
    }

    /// Brings CQEs into the queue that did not fit in before.
    pub(crate) fn flush(&self) {
        self.core.state().completions.flush();
    }

    /// CQEs have been taken out of the queue.
    pub(crate) fn note_reaped(&self) {
        if !self.forked() {
            self.core.state().completions.signal();
        }
    }

    /// A descriptor that is readable exactly while there are CQEs, for as long as it is watched.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.core.ready.as_fd()
    }

    /// The descriptor once more, for somebody who looks at it for as long as the ring lives.
    ///
    /// # Errors
    ///
    /// Those of `fcntl(2)`.
    #[cfg(any(feature = "tokio", feature = "async-io", all(test, not(loom))))]
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        let descriptor = self.descriptor().try_clone_to_owned()?;
        self.core.state().completions.begin_watch_by_edges();
        Ok(descriptor)
    }

    /// Has the descriptor say the truth from now on.
    pub(crate) fn watch(&self) -> Watching<'_> {
        self.core.state().completions.begin_watch();
        Watching(&self.core)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.forked() {
            // The threads are the parent's, and so are the locks that they may have held.
            std::mem::forget(self.reactor.take());
            return;
        }
        {
            let mut state = self.core.state();
            state.closing = true;
            state.timers.call();
        }
        self.core.files.close();
        self.core.others.close();
        if let Some(reactor) = self.reactor.take() {
            let _ = reactor.join();
        }
        // Whatever a call that blocks keeps of the engine.
        self.core.slots.close_all();
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.0.state().completions.end_watch();
    }
}

impl Core {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn pool(&self, class: Class) -> &Arc<Pool> {
        match class {
            Class::Files => &self.files,
            Class::Others => &self.others,
        }
    }

    /// Takes the entries that are published now, and starts them. Says how many there were.
    fn submit(self: &Arc<Self>) -> u32 {
        let mut intake = lock(&self.intake);
        let count = self.memory.published();
        let mut ready = Ready::new();
        for _ in 0..count {
            let Some(entry) = self.memory.take_entry() else { break };
            if let Some(chain) = intake.add(entry) {
                self.admit(chain, &mut ready);
            }
        }
        if let Some(chain) = intake.finish() {
            self.admit(chain, &mut ready);
        }
        count
    }

    /// Starts the entries that `take` yields.
    fn start_taken(self: &Arc<Self>, take: impl FnOnce() -> VecDeque<Sqe>) {
        let mut intake = lock(&self.intake);
        let mut ready = Ready::new();
        for entry in take() {
            if let Some(chain) = intake.add(entry) {
                self.admit(chain, &mut ready);
            }
        }
        if let Some(chain) = intake.finish() {
            self.admit(chain, &mut ready);
        }
    }

    /// Waits until so many CQEs have come.
    ///
    /// # Errors
    ///
    /// `ETIME` where the time was over before, `EINTR` where there was a signal.
    fn wait(&self, wanted: u32, timeout: Option<Duration>) -> io::Result<()> {
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let target = {
            let completions = &mut self.state().completions;
            completions.flush();
            completions.count_waiter(true);
            completions.target(wanted)
        };
        let came = loop {
            // Relaxed: what comes after this look at the queue changes the word under its lock.
            let seen = {
                let state = self.state();
                if state.completions.reached(target) {
                    break Ok(());
                }
                self.arrivals.load(Ordering::Relaxed)
            };
            // With a timeout even a signal whose handler asks for restarts ends the call.
            let rest = end.map_or(FOR_EVER, |end| end.saturating_duration_since(Instant::now()));
            let rest = rest.min(FOR_EVER);
            if rest.is_zero() {
                break Err(io::Error::from_raw_os_error(libc::ETIME));
            }
            let timeout = Timespec::try_from(rest).ok();
            let flags = futex::Flags::PRIVATE;
            if let Err(Errno::INTR) = futex::wait(&self.arrivals, flags, seen, timeout.as_ref()) {
                break Err(Errno::INTR.into());
            }
        };
        self.state().completions.count_waiter(false);
        came
    }
}

/// No code that can panic half-way runs under the engine's locks, so poison says nothing.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
