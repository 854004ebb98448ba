//! [`Setup`]: makes a ring, or says why there is none.
//!
//! What the kernel refuses is given up one by one, the newest first, and what it says it can do is
//! believed only after a real operation has gone through: a sandbox may allow `io_uring_setup` and
//! forbid `io_uring_enter`.

pub(crate) mod memory;
mod options;
pub(crate) mod restrictions;
pub(crate) mod tuning;
mod wishes;

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::thread;
use std::time::Duration;

use ringbahn_core::{Local, Rule, Shared, Sharing, Sqe};

use crate::fallback::Engine;
use crate::policy::Policy;
use crate::queue::completion::CompletionQueue;
use crate::queue::handle::RingHandle;
use crate::queue::mapped::OwnMemory;
use crate::queue::rings::Rings;
use crate::queue::submission::SubmissionQueue;
use crate::registrar::lacking::Lacking;
use crate::sys::fork::ForkGuard;
use crate::sys::setup::setup;
use crate::sys::uapi::{
    ENTRIES_MAX, FEAT_EXT_ARG, FEAT_FAST_POLL, FEAT_NODROP, FEAT_RW_CUR_POS, FEAT_SINGLE_MMAP,
    FEAT_SUBMIT_STABLE, Params, SETUP_CLAMP, SETUP_CQSIZE, SETUP_SQPOLL,
};
use crate::unavailable::{Reason, Unavailable};
use memory::RingMemory;
use tuning::Tuning;
pub(crate) use wishes::KernelThread;
use wishes::{INTERRUPTING, IOPOLL, LOCAL, LOCAL_ENABLED, SHARED, Wishes};

/// What ringbahn relies on; a kernel without one of these is too old (`EXT_ARG`: 5.11).
const FEATURES_NEEDED: u32 = FEAT_SINGLE_MMAP
    | FEAT_NODROP
    | FEAT_SUBMIT_STABLE
    | FEAT_RW_CUR_POS
    | FEAT_FAST_POLL
    | FEAT_EXT_ARG;

/// The smallest submission queue that a lack of memory shrinks a ring to.
const ENTRIES_MIN: u32 = 8;

/// How long to wait for memory before a smaller ring is tried. The kernel gives back the locked
/// memory of rings just closed from a worker of its own, some milliseconds later.
const WAITS_MS: [u64; 5] = [1, 4, 16, 64, 128];

/// How often a round trip is tried again for a signal or a momentary lack of memory.
const ROUND_TRIPS_MAX: u32 = 100;

/// A ring as the kernel has made it, and the memory in which it lies where that is the program's.
type Made = (OwnedFd, Params, Option<OwnMemory>);

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
    rule: Option<Rule>,
    call: SetupCall,
    policy: Option<Policy>,
    /// The opcodes that the kernel is not to be asked for.
    unwanted: Vec<u8>,
    tuning: Tuning,
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
            rule: None,
            call: setup,
            policy: None,
            unwanted: Vec::new(),
            tuning: Tuning::default(),
        }
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
        let wishes = if self.tuning.interrupting { &INTERRUPTING } else { &SHARED };
        self.build_by(|setup| setup.build_as(wishes))
    }

    /// As [`build`](Setup::build), and a thread of the kernel takes the entries. There is no
    /// fallback: nobody else than the kernel has such a thread.
    pub(crate) fn build_sqpoll(self, thread: KernelThread) -> Result<Queues, Unavailable> {
        let flags = INTERRUPTING.flags | SETUP_SQPOLL | thread.flags();
        self.build_in_kernel(&Wishes { flags, thread, ..INTERRUPTING })
    }

    /// As [`build`](Setup::build), and whoever enters for completions asks the devices for them.
    /// There is no fallback: nobody else than the kernel can ask them.
    ///
    /// With `sleeps_first` the kernel sleeps for a while before it asks a device.
    pub(crate) fn build_iopoll(mut self, sleeps_first: bool) -> Result<Queues, Unavailable> {
        self.tuning.sleeps_first = sleeps_first;
        self.build_in_kernel(&IOPOLL)
    }

    /// # Errors
    ///
    /// A contradiction, where the restrictions do not allow an operation that `driver` needs.
    pub(crate) fn check_allowed(&self, opcode: u8, driver: &str) -> Result<(), Unavailable> {
        match &self.tuning.restrictions {
            Some(restrictions) if !restrictions.allows(opcode) => Err(Unavailable::contradiction(
                "Setup::restrict",
                driver,
                &format!("allow it the operation {opcode}, by Restrictions::allow_operation"),
            )),
            _ => Ok(()),
        }
    }

    fn build_in_kernel(&self, wishes: &Wishes) -> Result<Queues, Unavailable> {
        match self.decide()? {
            Policy::Never => Err(Unavailable::unwanted()),
            Policy::Require | Policy::Prefer => self.build_as(wishes),
        }
    }

    fn build_as(&self, wishes: &Wishes) -> Result<Queues, Unavailable> {
        self.tuning.check_shared()?;
        let rings = self.map(wishes)?;
        let enabled = rings.enable();
        enabled.map_err(|error| Unavailable::failed("io_uring_register", &error))?;
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
                let needed = setup.tuning.comes_before_enabling();
                if unavailable.reason() != Reason::Blocked || needed {
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
        let (fd, params, own) = self.make(wishes, guard)?;
        if params.features & FEATURES_NEEDED != FEATURES_NEEDED {
            return Err(Unavailable::too_old());
        }
        let rings = Rings::map(fd, &params, guard, own);
        let mut rings = rings.map_err(|error| Unavailable::failed("mmap", &error))?;
        let made_up = rings.make_up_for(&self.unwanted);
        made_up.map_err(|error| Unavailable::failed("eventfd2", &error))?;
        let tuned = rings.tune(&self.tuning);
        tuned.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(lacking) => Unavailable::lacking(&Lacking::in_brief(lacking)),
            None => Unavailable::failed("io_uring_register", &error),
        })?;
        Ok(rings)
    }

    /// An engine inside the process, with queues of the sizes that the kernel would make, and the
    /// reason why there is no ring of the kernel, where one was tried.
    fn engine(&self, reason: Option<Unavailable>) -> Result<Rings, Unavailable> {
        self.tuning.check_fallback()?;
        crate::trace::falls_back(reason.as_ref());
        let invalid = || Unavailable::failed("the fallback", &io::ErrorKind::InvalidInput.into());
        let (entries, completion_entries) = self.sizes().ok_or_else(invalid)?;
        let engine = Engine::new(entries, completion_entries);
        let rings = engine.map(|engine| Rings::of_engine(engine, reason));
        rings.map_err(|error| Unavailable::failed("the fallback", &error))
    }

    /// How many entries and how many CQEs the kernel would make room for; `None` where it would
    /// refuse to.
    fn sizes(&self) -> Option<(u32, u32)> {
        let size = |wanted: u32, max: u32| {
            let clamped = if self.clamp { wanted.min(max) } else { wanted };
            (clamped <= max).then(|| clamped.next_power_of_two())
        };
        let entries = size(self.entries, ENTRIES_MAX)?;
        let wanted = self.completion_entries.unwrap_or(2 * entries).max(entries);
        Some((entries, size(wanted, 2 * ENTRIES_MAX)?))
    }

    fn assemble<S: Sharing>(&self, rings: Rings) -> Result<Queues<S>, Unavailable> {
        let (mut submission, completion, rings) = rings.halves(self.tuning.metering);
        submission.hold_to(self.rule);
        let handle = RingHandle::new(rings, completion.shared_table());
        let mut queues = Queues { submission, completion, handle };
        let went_through = queues.round_trip();
        went_through.map_err(|error| Unavailable::failed("io_uring_enter", &error))?;
        Ok(queues)
    }

    /// Makes the ring, smaller where there is not enough memory.
    fn make(&self, wishes: &Wishes, guard: ForkGuard) -> Result<Made, Unavailable> {
        let failed = |error: io::Error| self.explain(wishes, guard, &error);
        let mut waits = WAITS_MS.iter();
        let mut shrunk = self.clone();
        loop {
            let own = shrunk.make_memory(guard)?;
            let error = match shrunk.climb_down(wishes, own.as_ref()) {
                Ok((fd, params)) => return Ok((fd, params, own)),
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
    fn climb_down(
        &self,
        wishes: &Wishes,
        own: Option<&OwnMemory>,
    ) -> io::Result<(OwnedFd, Params)> {
        let mut flags = wishes.flags | self.tuning.flags();
        if self.clamp {
            flags |= SETUP_CLAMP;
        }
        if self.completion_entries.is_some() {
            flags |= SETUP_CQSIZE;
        }
        let mut rungs = wishes.ladder.iter();
        loop {
            let mut params = self.params(flags, &wishes.thread);
            if let Some(own) = own {
                own.name_in(&mut params);
            }
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

    /// Memory for the ring, where it is to lie in the program's own.
    fn make_memory(&self, guard: ForkGuard) -> Result<Option<OwnMemory>, Unavailable> {
        let (Some(kind), Some(sizes)) = (self.tuning.memory, self.sizes()) else {
            return Ok(None);
        };
        let own = OwnMemory::new(kind, sizes, self.tuning.width, guard);
        own.map(Some).map_err(|error| {
            let unavailable = Unavailable::failed("mmap", &error);
            match kind {
                RingMemory::Pages => unavailable,
                RingMemory::HugePages => unavailable.also(
                    "huge pages are set aside by `sysctl vm.nr_hugepages=<count>`, as root; or \
                     take RingMemory::Pages",
                ),
            }
        })
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
