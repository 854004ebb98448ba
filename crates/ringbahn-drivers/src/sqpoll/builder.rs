//! Settings of a driver whose entries a thread of the kernel takes.

use std::io;
use std::time::Duration;

use ringbahn_core::Metering;

use super::{NO_ZERO_COPY, SqpollDriver};
use crate::setup::KernelThread;
use crate::{Reason, Setup, SharedDriver, Unavailable};

/// How long the kernel's thread looks for entries unless told otherwise.
const IDLE: Duration = Duration::from_millis(10);

/// Settings of a [`SqpollDriver`].
///
/// ```
/// use std::time::Duration;
/// use ringbahn_drivers::SqpollDriver;
///
/// # fn main() -> std::io::Result<()> {
/// let builder = SqpollDriver::builder().entries(8).idle(Duration::from_millis(1));
/// # if builder.clone().build().is_err() { return Ok(()) }
/// let first = builder.clone().build()?;
/// let second = builder.attach_to(&first).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqpollBuilder {
    entries: u32,
    completion_entries: Option<u32>,
    idle: Duration,
    cpu: Option<u32>,
    attach_to: Option<SqpollDriver>,
    serve_at_once: bool,
    setup: Setup,
}

impl SqpollBuilder {
    pub(super) fn new() -> SqpollBuilder {
        SqpollBuilder {
            entries: 256,
            completion_entries: None,
            idle: IDLE,
            cpu: None,
            attach_to: None,
            serve_at_once: false,
            setup: Setup::new(256),
        }
    }

    /// How many entries the submission queue has, rounded up to a power of two; 256 unless told.
    ///
    /// It bounds how many operations can be on their way *to* the kernel, and the length of a
    /// chain, not how many are in flight.
    #[must_use]
    pub fn entries(mut self, entries: u32) -> SqpollBuilder {
        self.entries = entries;
        self
    }

    /// How many entries the completion queue has, rounded up to a power of two; four times as
    /// many as the submission queue unless told.
    ///
    /// More may complete at a time; the kernel then keeps a list, which costs it memory and the
    /// driver a system call, and nothing is lost.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> SqpollBuilder {
        self.completion_entries = Some(entries);
        self
    }

    /// How long the kernel's thread looks for entries, keeping its core busy, before it sleeps: in
    /// whole milliseconds, at least 1; 10 unless told.
    ///
    /// A long time spares system calls, a short one the core. Of the rings that share a thread the
    /// longest one counts.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> SqpollBuilder {
        self.idle = idle;
        self
    }

    /// Which processor the kernel's thread is to stay on; unless told, the scheduler decides.
    #[must_use]
    pub fn cpu(mut self, cpu: u32) -> SqpollBuilder {
        self.cpu = Some(cpu);
        self
    }

    /// Has the kernel thread of another driver take the entries, too, instead of one of its own.
    /// Its thread stays where it is, and the builder keeps the other driver until it has built.
    #[must_use]
    pub fn attach_to(mut self, other: &SqpollDriver) -> SqpollBuilder {
        self.attach_to = Some(other.clone());
        self
    }

    /// Whether operations are served at once where they need not wait, by a system call of their
    /// own, as on a [`SharedDriver`]; they are not unless told, since it is to spare system calls
    /// that one takes this driver.
    #[must_use]
    pub fn serve_at_once(mut self, serve_at_once: bool) -> SqpollBuilder {
        self.serve_at_once = serve_at_once;
        self
    }

    /// Whether the driver keeps [metrics](SqpollDriver::metrics), opcode by opcode, and which; none
    /// unless told.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> SqpollBuilder {
        self.setup = self.setup.metering(metering);
        self
    }

    /// What else is asked of the ring, such as memory of one's own or restrictions: `change` is
    /// given what has been asked so far. Sizes are asked for by the other methods.
    #[must_use]
    pub fn setup(mut self, change: impl FnOnce(Setup) -> Setup) -> SqpollBuilder {
        self.setup = change(self.setup);
        self
    }

    /// Has the operation `opcode`, one of [`opcode`](ringbahn_core::opcode), executed inside the
    /// process though the kernel knows it, as with operations that it does not know: see
    /// [`Setup::without`].
    #[must_use]
    pub fn without(mut self, opcode: u8) -> SqpollBuilder {
        self.setup = self.setup.without(opcode);
        self
    }

    /// Builds the driver. The kernel's thread is there from now on, the helper thread from the
    /// first operation on.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] as an `io::Error`, where there can be no such ring: of the kind
    /// `InvalidInput` where the processor cannot be had, `PermissionDenied` where the kernel grants
    /// its threads to the privileged only.
    pub fn build(self) -> io::Result<SqpollDriver> {
        let completion_entries = self.completion_entries.unwrap_or(self.entries.saturating_mul(4));
        let setup = self.setup.clone().of_size(self.entries, completion_entries);
        let of = self.attach_to.as_ref().map(|driver| driver.shared.ring().fd_number());
        let thread = KernelThread {
            idle_ms: u32::try_from(self.idle.as_millis()).unwrap_or(u32::MAX).max(1),
            cpu: self.cpu,
            of: of.transpose()?,
        };
        let queues = setup.rule(NO_ZERO_COPY).build_sqpoll(thread);
        let queues = queues.map_err(|unavailable| self.explain(unavailable))?;
        Ok(SqpollDriver::of(SharedDriver::over(queues, self.serve_at_once)?))
    }

    /// Says more of why there is no ring with a kernel thread.
    fn explain(&self, unavailable: Unavailable) -> Unavailable {
        match (unavailable.reason(), unavailable.raw_os_error(), self.cpu) {
            (Reason::Blocked, ..) => unavailable.also(
                "before Linux 5.13 a kernel thread for the queue needs CAP_SYS_NICE, whatever else \
                 is allowed",
            ),
            (_, Some(libc::EINVAL), Some(cpu)) => unavailable.also(&format!(
                "the kernel's thread can perhaps not run on processor {cpu}: see \
                 /sys/devices/system/cpu/online and the cpuset of the process"
            )),
            _ => unavailable,
        }
    }
}
