//! [`IopollDriver`]: direct IO on devices that are asked for completions instead of interrupting.
//!
//! For whom: programs that read and write fast disks past the page cache, for which an interrupt
//! takes as long as the disk does, and that have a core to spare.
//!
//! # How it works
//!
//! The ring is one that polls (`SETUP_IOPOLL`): devices raise no interrupt for its operations, and
//! a completion appears when somebody enters the kernel and has it look. The helper thread does so,
//! again and again, for as long as anything is in flight; then it rests. In all else the driver is
//! a [`SharedDriver`]: futures are `Send`, and whoever submits reaps what has completed.
//!
//! Such a ring takes few operations: what reads and writes, and [`Nop`](ringbahn_core::event::Nop).
//! [`submit`](IopollDriver::submit) accepts [`Pollable`] events only, so most others do not
//! compile. Whatever comes another way, as from a handle to a file that is used for more than its
//! data, is refused before it reaches the ring: its output has the event's operands and the error
//! [`Forbidden`](ringbahn_core::Forbidden).
//!
//! # Costs
//!
//! A core that is busy for as long as anything is in flight: the helper thread does not sleep then.
//!
//! The kernel takes no cancels on such a ring. An operation that is dropped runs to its end, and
//! its output is disposed of; [`cancel`](ringbahn_core::Submission::cancel) waits for that end, and
//! a `timeout` never fires. A shutdown waits for all there is, which a disk answers soon.
//!
//! # Kernel
//!
//! Linux 5.11 or later, a file that is open for direct IO (`O_DIRECT`) on a file system that can
//! poll, such as ext4 or XFS, or a bare block device, and a disk whose driver has queues to be
//! polled: for NVMe, the parameter `nvme.poll_queues`. With other files operations fail with
//! `EOPNOTSUPP`; [`NotPolled`] says more, and [`probe`](IopollDriver::probe) finds out beforehand.
//! A write for which the file system has to allocate is done by interrupt on any disk, and its end
//! found by polling all the same.
//!
//! # When not
//!
//! For sockets, pipes, timers, opening and closing: use another driver beside this one. Where data
//! is in the page cache. On a machine without a core to spare.
#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use ringbahn_core::event::{Position, Read};
use ringbahn_core::{CancelTarget, IoBuf, Metrics, Pollable, Rule, SharedFd, Submission, opcode};

mod builder;
mod not_polled;

use crate::backend::Backend;
use crate::counters::Counters;
use crate::delegate::{Delegate, drive_by_delegate};
use crate::registrar::Registrar;
use crate::{SharedDriver, Shutdown};
pub use builder::IopollBuilder;
pub use not_polled::NotPolled;

/// `IORING_OP_READ_FIXED`, `_WRITE_FIXED`, `_READV_FIXED` and `_WRITEV_FIXED`.
const FIXED: [u8; 4] = [4, 5, 60, 61];
/// `IORING_OP_URING_CMD`, by which NVMe is told commands.
const URING_CMD: u8 = 46;

/// What a ring that polls its devices takes.
const POLLABLE: Rule = Rule::new(|entry| match entry.opcode() {
    opcode::NOP | opcode::READ | opcode::WRITE | opcode::READV | opcode::WRITEV => None,
    number if FIXED.contains(&number) || number == URING_CMD => None,
    _ => Some(
        "a ring that polls its devices takes only what reads and writes; submit it to another \
         driver",
    ),
});

/// The size and alignment of what a probe reads: that of the blocks of any disk.
const BLOCK: usize = 4096;

/// The driver for direct IO on devices that are polled: a handle to a ring that all its clones
/// share.
///
/// When the last clone goes, and with it the last submission, the driver winds up in the
/// background, as a [`SharedDriver`] does, but that it waits where that one cancels.
///
/// # Examples
///
/// ```
/// use ringbahn_core::event::Nop;
/// use ringbahn_drivers::IopollDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # if IopollDriver::new().is_err() { return Ok(()) }
/// let driver = IopollDriver::new()?;
/// futures::executor::block_on(driver.clone().submit(Nop))?;
/// assert_eq!(driver.counters().completed, 1);
/// # Ok(())
/// # }
/// ```
///
/// What cannot be polled does not compile:
///
/// ```compile_fail
/// use ringbahn_core::{SharedFd, event::Fsync};
/// use ringbahn_drivers::IopollDriver;
///
/// fn sync(driver: &IopollDriver, file: SharedFd) {
///     drop(driver.clone().submit(Fsync::new(file)));
/// }
/// ```
#[derive(Clone, Debug)]
pub struct IopollDriver {
    shared: SharedDriver,
}

impl IopollDriver {
    /// How long a driver that is simply dropped waits for the operations in flight before it says
    /// that they are leaked.
    pub const WIND_UP_TIME: Duration = SharedDriver::WIND_UP_TIME;

    /// A driver with a ring of its own, of the usual size.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no ring.
    pub fn new() -> io::Result<IopollDriver> {
        IopollDriver::builder().build()
    }

    /// Settings for a driver that is not of the usual size.
    pub fn builder() -> IopollBuilder {
        IopollBuilder::new()
    }

    fn of(shared: SharedDriver) -> IopollDriver {
        IopollDriver { shared }
    }

    /// The future that runs `event` on this driver.
    ///
    /// It comes before [`Drive::submit`](ringbahn_core::Drive::submit), which takes any event, and
    /// is found out when it runs.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the operation, which runs to its end all the same: a write that
    /// has been submitted is done.
    pub fn submit<E: Pollable>(self, event: E) -> Submission<E, IopollDriver> {
        Submission::new(event, self)
    }

    /// Finds out, by a read of its first block, whether the device of `file` can be polled.
    ///
    /// # Errors
    ///
    /// [`NotPolled`] inside of an `io::Error` of the kind `Unsupported`, where it cannot; otherwise
    /// what the read has failed with.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost but the answer.
    pub async fn probe(&self, file: &SharedFd) -> io::Result<()> {
        // Direct IO wants its memory aligned.
        let memory: Vec<u8> = Vec::with_capacity(2 * BLOCK);
        let address = memory.as_ptr().addr();
        let start = address.next_multiple_of(BLOCK) - address;
        let block = memory.slice(start..start + BLOCK);
        let read = self.clone().submit(Read::new(file.clone(), block, Position::At(0)));
        let (result, _) = read.await;
        result.map(drop).map_err(|error| match NotPolled::of(&error) {
            Some(not_polled) => not_polled.into(),
            None => error,
        })
    }

    /// What the driver has done so far. `cancelled` counts what was to be cancelled, and was waited
    /// for.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// What the driver has done so far, opcode by opcode; `None` where it was not
    /// [told](IopollBuilder::metering) to keep that.
    pub fn metrics(&self) -> Option<Metrics> {
        self.shared.metrics()
    }

    /// What executes the operations.
    pub fn backend(&self) -> Backend {
        self.shared.backend()
    }

    /// How many entries the submission queue really has, and how many the completion queue: fewer
    /// than were asked for where locked memory is short.
    pub fn queue_sizes(&self) -> (u32, u32) {
        self.shared.queue_sizes()
    }

    /// What the driver's ring can be told while it runs.
    pub fn registrar(&self) -> Registrar<'_> {
        self.shared.registrar()
    }

    /// Winds the driver up, for all its clones: new events are refused, and the ring is closed when
    /// the kernel is done with those in flight.
    ///
    /// None of them can be cancelled. What the kernel has not given back a second after `deadline`
    /// is leaked: the future is then ready and says so, while the helper thread goes on waiting.
    ///
    /// # Cancel safety
    ///
    /// The shutdown begins with the call; dropping the future only forgoes the report.
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.shared.shutdown(deadline)
    }
}

impl Delegate for IopollDriver {
    #[inline]
    fn driver(&self) -> &SharedDriver {
        &self.shared
    }

    fn driver_of(&self, _target: &CancelTarget) -> Option<&SharedDriver> {
        Some(&self.shared)
    }

    fn drivers(&self) -> &[SharedDriver] {
        std::slice::from_ref(&self.shared)
    }
}

drive_by_delegate! {
    /// By [`submit`](IopollDriver::submit) where the type of the event is known. There is none for
    /// borrowed handles, which would come before that method.
    IopollDriver;
}
