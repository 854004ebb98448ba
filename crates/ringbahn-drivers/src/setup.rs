//! [`Setup`]: makes a ring, or says why there is none.
//!
//! What the kernel refuses is given up one by one, the newest first, and what it says it can do is
//! believed only after a real operation has gone through: a sandbox may allow `io_uring_setup` and
//! forbid `io_uring_enter`.

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::thread;
use std::time::Duration;

use ringbahn_core::{Local, Rule, Shared, Sharing, Sqe};

use crate::fallback::Engine;
use crate::policy::Policy;
use crate::queue::completion::CompletionQueue;
use crate::queue::handle::RingHandle;
use crate::queue::rings::Rings;
use crate::queue::submission::SubmissionQueue;
use crate::sys::fork::ForkGuard;
use crate::sys::setup::setup;
use crate::sys::uapi::{
    ENTRIES_MAX, FEAT_EXT_ARG, FEAT_FAST_POLL, FEAT_NODROP, FEAT_RW_CUR_POS, FEAT_SINGLE_MMAP,
    FEAT_SUBMIT_STABLE, Params, SETUP_ATTACH_WQ, SETUP_CLAMP, SETUP_COOP_TASKRUN, SETUP_CQE32,
    SETUP_CQSIZE, SETUP_DEFER_TASKRUN, SETUP_IOPOLL, SETUP_NO_SQARRAY, SETUP_R_DISABLED,
    SETUP_SINGLE_ISSUER, SETUP_SQ_AFF, SETUP_SQPOLL, SETUP_SUBMIT_ALL, SETUP_TASKRUN_FLAG,
};
use crate::unavailable::{Reason, Unavailable};

/// What ringbahn relies on; a kernel without one of these is too old (`EXT_ARG`: 5.11).
const FEATURES_NEEDED: u32 = FEAT_SINGLE_MMAP
    | FEAT_NODROP
    | FEAT_SUBMIT_STABLE
    | FEAT_RW_CUR_POS
    | FEAT_FAST_POLL
    | FEAT_EXT_ARG;

/// What is asked of a ring beyond its size, and what is given up when the kernel refuses it.
struct Wishes {
    flags: u32,
    /// The flags to give up in this order, newest first, and what to ask for instead.
    ladder: &'static [(u32, u32)],
    thread: KernelThread,
}

/// The kernel's thread that is to take the entries of a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelThread {
    /// How many milliseconds it looks for entries before it sleeps.
    pub(crate) idle_ms: u32,
    /// The processor that it is to stay on.
    pub(crate) cpu: Option<u32>,
    /// The ring whose thread it is to be. Whoever sets it keeps that ring open meanwhile.
    pub(crate) of: Option<RawFd>,
}

impl KernelThread {
    const NONE: KernelThread = KernelThread { idle_ms: 0, cpu: None, of: None };

    fn flags(&self) -> u32 {
        let affinity = if self.cpu.is_some() { SETUP_SQ_AFF } else { 0 };
        let attach = if self.of.is_some() { SETUP_ATTACH_WQ } else { 0 };
        affinity | attach
    }
}

/// A ring for several threads. Completions are posted at once, whatever the thread that has
/// submitted is doing.
const SHARED: Wishes = Wishes {
    flags: SETUP_SUBMIT_ALL | SETUP_NO_SQARRAY,
    ladder: &[(SETUP_NO_SQARRAY, 0), (SETUP_SUBMIT_ALL, 0), (SETUP_CLAMP, 0), (SETUP_CQSIZE, 0)],
    thread: KernelThread::NONE,
};

/// As `SHARED`, and its completions are to be asked of the devices.
const IOPOLL: Wishes = Wishes { flags: SHARED.flags | SETUP_IOPOLL, ..SHARED };

/// A ring for one thread, which posts completions itself when it enters the kernel for them. Made
/// disabled, so that the thread becomes the owner explicitly.
const LOCAL: Wishes = Wishes {
    flags: SETUP_SUBMIT_ALL
        | SETUP_NO_SQARRAY
        | SETUP_SINGLE_ISSUER
        | SETUP_DEFER_TASKRUN
        | SETUP_TASKRUN_FLAG
        | SETUP_R_DISABLED,
    ladder: &[
        (SETUP_NO_SQARRAY, 0),
        (SETUP_DEFER_TASKRUN, SETUP_COOP_TASKRUN),
        (SETUP_SINGLE_ISSUER, 0),
        (SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG, 0),
        (SETUP_SUBMIT_ALL, 0),
        (SETUP_CLAMP, 0),
        (SETUP_CQSIZE, 0),
    ],
    thread: KernelThread::NONE,
};

/// As [`LOCAL`], where a filter forbids the call that would enable the ring.
const LOCAL_ENABLED: Wishes = Wishes { flags: LOCAL.flags & !SETUP_R_DISABLED, ..LOCAL };

/// The smallest submission queue that a lack of memory shrinks a ring to.
const ENTRIES_MIN: u32 = 8;

/// How long to wait for memory before a smaller ring is tried. The kernel gives back the locked
/// memory of rings just closed from a worker of its own, some milliseconds later.
const WAITS_MS: [u64; 5] = [1, 4, 16, 64, 128];

/// How often a round trip is tried again for a signal or a momentary lack of memory.
const ROUND_TRIPS_MAX: u32 = 100;

/// `io_uring_setup`, or what a test puts in its place.
pub(crate) type SetupCall = fn(u32, &mut Params) -> io::Result<OwnedFd>;

/// How to make a ring.
///
/// # Examples
///
/// ```
/// use ringbahn_drivers::{Queues, Setup};
///
/// match Setup::new(64).completion_entries(256).build() {
///     Ok(Queues { submission, .. }) => assert_eq!(submission.capacity(), 64),
///     Err(unavailable) => eprintln!("{unavailable}"),
/// }
/// ```
///
/// # Kernel
///
/// 5.11. Entries behind a bad one are submitted all the same (5.18), and the queue has no array of
/// indices (6.6), where the kernel can.
///
/// # References
///
/// [`io_uring_setup(2)`](https://man7.org/linux/man-pages/man2/io_uring_setup.2.html)
#[derive(Clone, Debug)]
pub struct Setup {
    entries: u32,
    completion_entries: Option<u32>,
    clamp: bool,
    wide: bool,
    rule: Option<Rule>,
    call: SetupCall,
    policy: Option<Policy>,
    /// The opcodes that the kernel is not to be asked for.
    unwanted: Vec<u8>,
}

/// A ring, ready for use: both halves, and the handle to enter the kernel with.
#[derive(Debug)]
pub struct Queues<S: Sharing = Shared> {
    /// The half in which operations are laid out for the kernel.
    pub submission: SubmissionQueue<S>,
    /// The half in which the kernel says what became of them.
    pub completion: CompletionQueue<S>,
    /// The way into the kernel, for both.
    pub handle: RingHandle<S>,
}

impl Setup {
    /// A ring with room for `entries` entries to be submitted at once: a power of two, or it is
    /// rounded up to one; at least 1.
    pub fn new(entries: u32) -> Setup {
        Setup {
            entries: entries.max(1),
            completion_entries: None,
            clamp: true,
            wide: false,
            rule: None,
            call: setup,
            policy: None,
            unwanted: Vec::new(),
        }
    }

    /// How many CQEs are to fit into the completion queue. Rounded up to a power of two, and to the
    /// size of the submission queue. Without it there is room for twice as many CQEs as entries.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> Setup {
        self.completion_entries = Some(entries);
        self
    }

    /// Whether sizes beyond the kernel's maximum (32 768 entries, 65 536 CQEs) become the maximum,
    /// as they do by default, or an error.
    #[must_use]
    pub fn clamp(mut self, clamp: bool) -> Setup {
        self.clamp = clamp;
        self
    }

    /// Whether CQEs have 32 bytes instead of 16, for what some operations have to say besides: so
    /// far that is [`RecvZc`](ringbahn_core::event::RecvZc). It doubles the completion queue.
    ///
    /// # Kernel
    ///
    /// 5.19; on an older one there is no such ring.
    #[must_use]
    pub fn wide_completions(mut self, wide: bool) -> Setup {
        self.wide = wide;
        self
    }

    /// Which operations the ring takes. What `rule` refuses never reaches it: the event fails with
    /// [`Forbidden`](ringbahn_core::Forbidden).
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Setup {
        self.rule = Some(rule);
        self
    }

    /// Whether the operations are executed by io_uring or by the fallback, which stands behind the
    /// same queues; what [`Policy`] says unless told.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Setup {
        self.policy = Some(policy);
        self
    }

    /// Treats the kernel as if it did not know the operation `opcode`, one of
    /// [`opcode`](ringbahn_core::opcode), whose implementation may have a fault: the fallback
    /// executes it, as it does with whatever the kernel really does not know.
    #[must_use]
    pub fn without(mut self, opcode: u8) -> Setup {
        self.unwanted.push(opcode);
        self
    }

    pub(crate) fn of_size(self, entries: u32, completion_entries: u32) -> Setup {
        let entries = entries.max(1);
        Setup { entries, completion_entries: Some(completion_entries), ..self }
    }

    /// Makes the ring and sends a NOP through it. Where there can be none, and the
    /// [policy](Setup::policy) allows it, the fallback stands behind the queues.
    ///
    /// Where memory is short it waits, a fifth of a second in all, and then tries smaller rings,
    /// down to 8 entries. So it may block, and [`SubmissionQueue::capacity`] tells how large the
    /// ring has become.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] says why there is no ring and what to do about it.
    pub fn build(self) -> Result<Queues, Unavailable> {
        self.build_by(|setup| setup.build_as(&SHARED))
    }

    /// As [`build`](Setup::build), and a thread of the kernel takes the entries. There is no
    /// fallback: nobody else than the kernel has such a thread.
    pub(crate) fn build_sqpoll(self, thread: KernelThread) -> Result<Queues, Unavailable> {
        let flags = SHARED.flags | SETUP_SQPOLL | thread.flags();
        self.build_in_kernel(&Wishes { flags, thread, ..SHARED })
    }

    /// As [`build`](Setup::build), and whoever enters for completions asks the devices for them.
    /// There is no fallback: nobody else than the kernel can ask them.
    pub(crate) fn build_iopoll(self) -> Result<Queues, Unavailable> {
        self.build_in_kernel(&IOPOLL)
    }

    fn build_in_kernel(&self, wishes: &Wishes) -> Result<Queues, Unavailable> {
        match self.decide()? {
            Policy::Never => Err(Unavailable::unwanted()),
            Policy::Require | Policy::Prefer => self.build_as(wishes),
        }
    }

    fn build_as(&self, wishes: &Wishes) -> Result<Queues, Unavailable> {
        let rings = self.map(wishes)?;
        self.assemble(rings)
    }

    /// Makes a ring for this thread alone and sends a NOP through it.
    ///
    /// The kernel spares the locks and the interruptions that a ring for several threads costs:
    /// completions wait until this thread enters the kernel for them, by
    /// [`enter`](RingHandle::enter) with a wish for one or by
    /// [`enter_flush`](RingHandle::enter_flush), and nothing else makes them appear. The queues
    /// and the handle cannot leave the thread.
    ///
    /// May block as [`build`](Setup::build) does.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] says why there is no ring and what to do about it.
    ///
    /// # Kernel
    ///
    /// 5.11. Completions wait from 5.19 (`COOP_TASKRUN`) or 6.1 (`DEFER_TASKRUN`) on; the ring
    /// is known to be one thread's from 6.0, and called by a shorter name from 5.18.
    pub fn build_local(self) -> Result<Queues<Local>, Unavailable> {
        self.build_by(|setup| {
            let mut rings = setup.map(&LOCAL)?;
            if let Err(error) = rings.bind() {
                let unavailable = Unavailable::failed("io_uring_register", &error);
                if unavailable.reason() != Reason::Blocked {
                    return Err(unavailable);
                }
                // A filter forbids the call, without which the ring is as good: it becomes this
                // thread's with the first entry.
                rings = setup.map(&LOCAL_ENABLED)?;
            }
            setup.assemble(rings)
        })
    }

    /// Makes a ring by `build_ring`, or the queues of the fallback, as the policy says.
    fn build_by<S: Sharing>(
        &self,
        build_ring: impl FnOnce(&Setup) -> Result<Queues<S>, Unavailable>,
    ) -> Result<Queues<S>, Unavailable> {
        let policy = self.decide()?;
        if policy == Policy::Never {
            return self.assemble(self.engine(None)?);
        }
        match build_ring(self) {
            Err(unavailable) if policy.falls_back(&unavailable) => {
                self.assemble(self.engine(Some(unavailable))?)
            }
            built => built,
        }
    }

    /// What is to be made, by the code or the environment.
    fn decide(&self) -> Result<Policy, Unavailable> {
        let from_environment =
            || Policy::from_environment().map_err(|error| Unavailable::failed("getenv", &error));
        self.policy.map_or_else(from_environment, Ok)
    }

    /// As on a kernel that is what `call` makes of this one, and on no other.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn with_call(self, call: SetupCall) -> Setup {
        Setup { call, policy: Some(Policy::Require), ..self }
    }

    fn map(&self, wishes: &Wishes) -> Result<Rings, Unavailable> {
        let guard = ForkGuard::new().map_err(|error| Unavailable::failed("madvise", &error))?;
        let (fd, params) = self.make(wishes)?;
        if params.features & FEATURES_NEEDED != FEATURES_NEEDED {
            return Err(Unavailable::too_old());
        }
        let rings = Rings::map(fd, &params, guard);
        let mut rings = rings.map_err(|error| Unavailable::failed("mmap", &error))?;
        let made_up = rings.make_up_for(&self.unwanted);
        made_up.map_err(|error| Unavailable::failed("eventfd2", &error))?;
        Ok(rings)
    }

    /// An engine inside the process, with queues of the sizes that the kernel would make, and the
    /// reason why there is no ring of the kernel, where one was tried.
    fn engine(&self, reason: Option<Unavailable>) -> Result<Rings, Unavailable> {
        let invalid = |_| Unavailable::failed("the fallback", &io::ErrorKind::InvalidInput.into());
        let size = |wanted: u32, max: u32| {
            let clamped = if self.clamp { wanted.min(max) } else { wanted };
            if clamped > max { Err(()) } else { Ok(clamped.next_power_of_two()) }
        };
        let entries = size(self.entries, ENTRIES_MAX).map_err(invalid)?;
        let wanted = self.completion_entries.unwrap_or(2 * entries).max(entries);
        let completion_entries = size(wanted, 2 * ENTRIES_MAX).map_err(invalid)?;
        let engine = Engine::new(entries, completion_entries);
        let rings = engine.map(|engine| Rings::of_engine(engine, reason));
        rings.map_err(|error| Unavailable::failed("the fallback", &error))
    }

    fn assemble<S: Sharing>(&self, rings: Rings) -> Result<Queues<S>, Unavailable> {
        let (mut submission, completion, rings) = rings.halves();
        submission.hold_to(self.rule);
        let handle = RingHandle::new(rings, completion.shared_table());
        let mut queues = Queues { submission, completion, handle };
        let went_through = queues.round_trip();
        went_through.map_err(|error| Unavailable::failed("io_uring_enter", &error))?;
        Ok(queues)
    }

    /// Makes the ring, smaller where there is not enough memory.
    fn make(&self, wishes: &Wishes) -> Result<(OwnedFd, Params), Unavailable> {
        let failed = |error: io::Error| Unavailable::failed("io_uring_setup", &error);
        let mut waits = WAITS_MS.iter();
        let mut shrunk = self.clone();
        loop {
            let error = match shrunk.climb_down(wishes) {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            if error.raw_os_error() != Some(libc::ENOMEM) {
                return Err(failed(error));
            }
            if let Some(&wait) = waits.next() {
                thread::sleep(Duration::from_millis(wait));
            } else if !shrunk.halve() {
                return Err(failed(error));
            }
        }
    }

    /// Makes the ring with all the flags that the kernel does not refuse.
    fn climb_down(&self, wishes: &Wishes) -> io::Result<(OwnedFd, Params)> {
        let mut flags = wishes.flags;
        if self.clamp {
            flags |= SETUP_CLAMP;
        }
        if self.wide {
            flags |= SETUP_CQE32;
        }
        if self.completion_entries.is_some() {
            flags |= SETUP_CQSIZE;
        }
        let mut rungs = wishes.ladder.iter();
        loop {
            let mut params = self.params(flags, &wishes.thread);
            match (self.call)(self.entries, &mut params) {
                Ok(fd) => return Ok((fd, params)),
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                    let Some(rung) = rungs.find(|(given_up, _)| flags & given_up != 0) else {
                        return Err(error);
                    };
                    flags = flags & !rung.0 | rung.1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn params(&self, flags: u32, thread: &KernelThread) -> Params {
        // The kernel refuses a completion queue smaller than the submission queue.
        let rounded = self.entries.checked_next_power_of_two().unwrap_or(ENTRIES_MAX);
        let at_least = if self.clamp { rounded.min(ENTRIES_MAX) } else { rounded };
        let cq_entries = match self.completion_entries {
            Some(entries) if flags & SETUP_CQSIZE != 0 => entries.max(at_least),
            _ => 0,
        };
        Params {
            flags,
            cq_entries,
            sq_thread_idle: thread.idle_ms,
            sq_thread_cpu: thread.cpu.unwrap_or(0),
            wq_fd: thread.of.map_or(0, RawFd::cast_unsigned),
            ..Params::default()
        }
    }

    /// Halves both queues; `false` where the submission queue is as small as it may get.
    fn halve(&mut self) -> bool {
        let rounded = self.entries.min(ENTRIES_MAX).next_power_of_two();
        if rounded <= ENTRIES_MIN {
            return false;
        }
        self.entries = rounded / 2;
        self.completion_entries = self.completion_entries.map(|entries| entries / 2);
        true
    }
}

impl<S: Sharing> Queues<S> {
    /// Sends a NOP through the ring and leaves it empty.
    fn round_trip(&mut self) -> io::Result<()> {
        // The entry belongs to no operation, so it must not reach the operation table: it is taken
        // out here, before anybody else has the queues.
        if self.submission.push_raw(Sqe::nop())?.is_err() {
            return Err(io::Error::other("a new submission queue has no room"));
        }
        self.submission.publish();
        for _ in 0..ROUND_TRIPS_MAX {
            match self.handle.enter(1) {
                Ok(_) => {}
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR | libc::EBUSY) => {}
                    Some(libc::EAGAIN) => thread::sleep(Duration::from_millis(1)),
                    _ => return Err(error),
                },
            }
            if let Some(cqe) = self.completion.pop_raw() {
                return cqe.result().map(drop);
            }
        }
        Err(io::Error::other("a NOP was submitted, and no CQE came back"))
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
