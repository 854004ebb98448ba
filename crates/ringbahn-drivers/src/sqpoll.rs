//! [`SqpollDriver`]: a thread of the kernel takes the entries, so that submitting is a store to
//! memory.
//!
//! For whom: programs that submit all the time and have a core to spare for the kernel, where the
//! time that system calls take from their own threads is what limits them.
//!
//! # How it works
//!
//! The ring comes with a thread of the kernel (`SETUP_SQPOLL`), which looks at the queue again and
//! again, takes what is published, and starts it. After some time without entries, the *idle* time,
//! it sleeps; then the next submission wakes it by a system call. In all else the driver is a
//! [`SharedDriver`]: futures are `Send`, whoever submits reaps what has completed, and a helper
//! thread waits for what has not.
//!
//! ```text
//!   poll ──► publish ──► awake? nothing else to do
//!                   └──► asleep? enter, to wake it
//! ```
//!
//! A task that finds the queue full is `Pending`. Nobody enters the kernel who could wake it when
//! there is room, so the helper thread waits for the room (`ENTER_SQ_WAIT`), and wakes it.
//!
//! As long as the thread is awake a submission takes no system call at all: 500 operations, one
//! after the other, took none.
//!
//! Operations belong to the kernel's thread. None of them ends because the thread that submitted it
//! does, and no thread is interrupted for completions.
//!
//! # Costs
//!
//! A core that is busy for as long as the program submits, and for the idle time after that. An
//! operation is started on that core, so what it touches goes from cache to cache; and it is never
//! ready at its first poll, but some microseconds later, when the helper thread wakes the task.
//! Drivers may [share](SqpollBuilder::attach_to) a kernel thread; the entries of all are then
//! taken in turn.
//!
//! # Kernel
//!
//! Linux 5.11 or later; before 5.13 it needs `CAP_SYS_NICE`.
//!
//! No zero-copy sends: a process that exits while one is in flight whose data lies unread in a
//! socket of the same process leaves a thread of the kernel behind for ever. The thread waits for
//! the notification that the data has been read, and holds the files of the process, among them
//! the socket that would have to be closed for it. So this driver refuses
//! [`SendZc`](ringbahn_core::event::SendZc), with
//! [`Forbidden`](ringbahn_core::Forbidden); a plain [`Send`](ringbahn_core::event::Send) does
//! the same with a copy.
//!
//! # When not
//!
//! On a machine without a core to spare, where the kernel's thread and the program's take turns on
//! one. Where operations come one at a time, and each is waited for: a thread that enters the
//! kernel itself has the answer sooner. Where most of what is read is in memory: a system call that
//! [does not wait](SqpollBuilder::serve_at_once) costs less than any ring.
#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use ringbahn_core::{BufferGroup, CancelTarget, DirectTable, Metrics, Rule, opcode};

mod builder;

use crate::backend::Backend;
use crate::counters::Counters;
use crate::delegate::{Delegate, drive_by_delegate};
use crate::registered::RegisteredBuffers;
use crate::registrar::Registrar;
use crate::{SharedDriver, Shutdown};
pub use builder::SqpollBuilder;

/// `IORING_OP_SENDMSG_ZC`, which no event of ringbahn asks for.
const SENDMSG_ZC: u8 = 48;

/// What must not be in flight when the process exits.
const NO_ZERO_COPY: Rule = Rule::new(|entry| match entry.opcode() {
    opcode::SEND_ZC | SENDMSG_ZC => Some(
        "with a kernel thread for the queue, a zero-copy send in flight may keep the process from \
         ever exiting; use Send, or submit it to another driver",
    ),
    _ => None,
});

/// The driver whose entries a thread of the kernel takes: a handle to a ring that all its clones
/// share.
///
/// When the last clone goes, and with it the last submission, the driver winds up in the
/// background, as a [`SharedDriver`] does.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_drivers::SqpollDriver;
///
/// # fn main() -> std::io::Result<()> {
/// let driver = SqpollDriver::builder().idle(Duration::from_millis(1)).build();
/// # if driver.is_err() { return Ok(()) }
/// let driver = driver?;
/// futures::executor::block_on(driver.clone().submit(Nop))?;
/// assert_eq!(driver.counters().completed, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqpollDriver {
    shared: SharedDriver,
}

impl SqpollDriver {
    /// How long a driver that is simply dropped lets detached operations run.
    pub const WIND_UP_TIME: Duration = SharedDriver::WIND_UP_TIME;

    /// A driver with a ring and a kernel thread of its own, of the usual size and patience.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no such ring.
    pub fn new() -> io::Result<SqpollDriver> {
        SqpollDriver::builder().build()
    }

    /// Settings for another size, another idle time, and the place of the kernel's thread.
    pub fn builder() -> SqpollBuilder {
        SqpollBuilder::new()
    }

    fn of(shared: SharedDriver) -> SqpollDriver {
        SqpollDriver { shared }
    }

    /// What the driver has done so far. Of `enters`, those that woke the kernel's thread or waited
    /// for it.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// What the driver has done so far, opcode by opcode; `None` where it was not
    /// [told](SqpollBuilder::metering) to keep that.
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

    /// Registers `count` buffers of `size` bytes with the driver's ring.
    ///
    /// # Errors
    ///
    /// As [`RingHandle::register_buffers`](crate::RingHandle::register_buffers).
    pub fn register_buffers(&self, count: u16, size: usize) -> io::Result<RegisteredBuffers> {
        self.shared.register_buffers(count, size)
    }

    /// Gives the driver's ring `slots` slots for direct descriptors.
    ///
    /// # Errors
    ///
    /// As [`RingHandle::direct_table`](crate::RingHandle::direct_table).
    pub fn direct_table(&self, slots: u32) -> io::Result<DirectTable> {
        self.shared.direct_table(slots)
    }

    /// Makes a group of `count` buffers of `size` bytes each, from which one is taken for each
    /// piece of data that an operation of this driver receives.
    ///
    /// # Errors
    ///
    /// As [`RingHandle::buffer_group`](crate::RingHandle::buffer_group).
    pub fn buffer_group(&self, count: u16, size: u32) -> io::Result<BufferGroup> {
        self.shared.buffer_group(count, size)
    }

    /// Winds the driver up, for all its clones, as [`SharedDriver::shutdown`] does. The kernel's
    /// thread ends when the ring is closed, unless other rings are attached to it.
    ///
    /// # Cancel safety
    ///
    /// The shutdown begins with the call; dropping the future only forgoes the report.
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.shared.shutdown(deadline)
    }
}

impl Delegate for SqpollDriver {
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
    SqpollDriver;
    /// A borrowed handle drives as the handle itself does.
    &SqpollDriver;
}
