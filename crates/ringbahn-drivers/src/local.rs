//! [`LocalDriver`]: the driver of one thread, which waits in the kernel.
//!
//! For whom: programs that run a thread per core, each with its own ring, sockets and tasks, and
//! those that do all their IO in one thread. It costs the least of all drivers.
//!
//! # How it works
//!
//! [`block_on`](LocalDriver::block_on) polls its future, and what the future has prepared goes to
//! the kernel in the same system call that waits for completions: one `io_uring_enter` for each
//! turn, whether it submits one operation or a hundred.
//!
//! ```text
//!   poll ──► prepare, prepare, … ──► enter: submit all, wait for one ──► reap ──► wake ──► poll
//! ```
//!
//! Nothing is locked and nothing is counted atomically, since nothing leaves the thread: driver,
//! handles and futures are not `Send`. Only wakers may be used elsewhere. One that wakes a
//! thread that sleeps writes to an eventfd, on which the ring has a read in flight; one that wakes
//! a thread that is awake sets a word in memory. So a wake costs at most one system call for each
//! sleep.
//!
//! # Costs
//!
//! Nothing happens outside of `block_on`: operations are submitted at once there, too, but nobody
//! learns of their end until `block_on` is called again. A future of this driver on another
//! executor waits for ever.
//!
//! # Kernel
//!
//! Linux 5.11 or later. From 6.1 on the kernel puts completions off until the thread asks for
//! them (`DEFER_TASKRUN`), which spares interruptions; older kernels are taken as they are, see
//! [`Setup::build_local`](crate::Setup::build_local).
//!
//! # When not
//!
//! Where futures have to move between threads, or an executor that is there already is to run
//! them: take [`SharedDriver`](crate::SharedDriver).

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use ringbahn_core::{
    Attempt, BufferGroup, BufferQueue, CancelTarget, Cancelling, Completion, DirectTable, Drive,
    Local, Metrics, ReceiveQueue, Reservation, Selection, SendQueue, Served,
};

mod alarm;
mod allowance;
mod bell;
mod builder;
mod core;
mod drain;
#[cfg(all(test, loom))]
mod loom_alarm;
mod parker;
mod ready;
mod reap;
mod resources;
mod sleep_word;
mod task;
mod tasks;
mod tuned;
mod wakers;

use self::core::Core;
use crate::backend::Backend;
use crate::counters::Counters;
use crate::registered::RegisteredBuffers;
use crate::registrar::Registrar;
use crate::report::Report;
use crate::survey::NoZeroCopyReceive;
use crate::unavailable::Unavailable;
pub use builder::LocalBuilder;
pub use tasks::{LocalSpawner, LocalTask, LocalTasks};

/// The driver of one thread: a handle to a ring that all its clones share.
///
/// When the last clone goes, and with it the last submission, the driver winds up: abandoned
/// operations are cancelled, detached ones are given
/// [`WIND_UP_TIME`](LocalDriver::WIND_UP_TIME) to end, and the ring is closed when the kernel is
/// done with all of them. The thread waits for that, also where the driver is a thread-local
/// variable that goes with the thread.
///
/// # Examples
///
/// ```
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_drivers::LocalDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = LocalDriver::new() else { return Ok(()) };
/// driver.block_on(driver.clone().submit(Nop))?;
/// assert_eq!(driver.counters().completed, 1);
/// # Ok(())
/// # }
/// ```
///
/// Tasks are polled by the driver itself, see [`LocalTasks`]. Any other executor for one thread can
/// be run as any future is:
///
/// ```
/// use async_executor::LocalExecutor;
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_drivers::LocalDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = LocalDriver::new() else { return Ok(()) };
/// let executor = LocalExecutor::new();
/// let task = executor.spawn(driver.clone().submit(Nop));
/// driver.block_on(executor.run(task))
/// # }
/// ```
///
/// It cannot be sent to another thread:
///
/// ```compile_fail
/// let driver = ringbahn_drivers::LocalDriver::new().unwrap();
/// std::thread::spawn(move || driver.counters());
/// ```
#[derive(Clone, Debug)]
pub struct LocalDriver {
    core: Rc<Core>,
}

impl LocalDriver {
    /// How long a driver that is simply dropped lets detached operations run.
    pub const WIND_UP_TIME: Duration = Duration::from_secs(10);

    /// A driver for the calling thread with a ring of its own, of the usual size.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] as an `io::Error`, where there can be no ring and no fallback either.
    pub fn new() -> io::Result<LocalDriver> {
        LocalDriver::builder().build()
    }

    /// Settings for a driver that is not of the usual size.
    pub fn builder() -> LocalBuilder {
        LocalBuilder::new()
    }

    /// Runs `future` to its end, and with it the [tasks](LocalTasks) and every operation of this
    /// driver.
    ///
    /// While nothing is to be done the thread sleeps in the kernel. It may be called from inside a
    /// future that it runs, which then waits for the inner one as for any other blocking call,
    /// while operations go on.
    ///
    /// # Panics
    ///
    /// Where `future` panics. The driver is as good as before.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let waker = self.core.parker.alarm.waker();
        let mut cx = Context::from_waker(&waker);
        let _inside = self.core.begin();
        loop {
            if self.core.parker.alarm.take_notified()
                && let Poll::Ready(output) = future.as_mut().poll(&mut cx)
            {
                return output;
            }
            self.core.run_tasks();
            self.core.turn();
        }
    }

    /// What the driver has done so far.
    pub fn counters(&self) -> Counters {
        self.core.counters()
    }

    /// What the driver has done so far, opcode by opcode; `None` where it was not
    /// [told](LocalBuilder::metering) to keep that.
    pub fn metrics(&self) -> Option<Metrics> {
        self.core.ring.table().metrics()
    }

    /// What executes the operations.
    pub fn backend(&self) -> Backend {
        self.core.ring.backend()
    }

    /// Why the operations are executed inside the process, though io_uring was preferred; `None`
    /// where the kernel executes them, or where nobody was to ask it.
    pub fn fallback_reason(&self) -> Option<&Unavailable> {
        self.core.ring.fallback_reason()
    }

    /// How many entries the submission queue really has, and how many the completion queue: fewer
    /// than were asked for where locked memory is short.
    pub fn queue_sizes(&self) -> (u32, u32) {
        let ring = &self.core.ring;
        (ring.submission_entries(), ring.completion_entries())
    }

    /// The kernel's `IORING_SETUP_*` bits that the ring was made with, for those who want to know
    /// how much of [what it asks for](crate::Setup::build_local) the kernel has; 0 in a forked
    /// child.
    pub fn setup_flags(&self) -> u32 {
        self.core.ring.setup_flags()
    }

    /// Tells everything that is in flight to stop, and yields what will become of it. The driver
    /// goes on; new operations are none of these. An operation that goes on by itself may be
    /// missed between two of its rounds.
    ///
    /// Operations that were detached are spared. [`Timers`](ringbahn_core::Timers) on the driver go
    /// on, too: what they have in flight is counted, and is submitted anew.
    ///
    /// # Errors
    ///
    /// That of a forked child, whose operations are the parent's.
    pub fn cancel_all(&self) -> io::Result<Cancelling> {
        self.core.cancel_selected(&Selection::all())
    }

    /// Registers `count` buffers of `size` bytes with the driver's ring.
    ///
    /// The buffers are not bound to the thread, unlike the driver.
    ///
    /// # Errors
    ///
    /// As [`RingHandle::register_buffers`](crate::RingHandle::register_buffers).
    pub fn register_buffers(&self, count: u16, size: usize) -> io::Result<RegisteredBuffers> {
        self.core.register_buffers(count, size)
    }

    /// Gives the driver's ring `slots` slots for direct descriptors.
    ///
    /// What is dropped on another thread is closed by this one, when it enters the kernel next.
    ///
    /// # Errors
    ///
    /// As [`RingHandle::direct_table`](crate::RingHandle::direct_table).
    pub fn direct_table(&self, slots: u32) -> io::Result<DirectTable> {
        self.core.direct_table(slots)
    }

    /// What the driver's ring can be told while it runs.
    pub fn registrar(&self) -> Registrar<'_, Local> {
        // What it registers may be let go of on another thread. Where nothing can be registered
        // there is nothing to heed.
        let _ = self.core.heed_others();
        Registrar::new(&self.core.ring, &*self.core)
    }

    /// Makes a group of `count` buffers of `size` bytes each: the kernel takes one of them for each
    /// piece of data that an operation of this driver receives, and connections without data need
    /// none. The buffers may be sent to other threads, and come back from there.
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
        self.core.ring.buffer_group(count, size)
    }

    /// Makes a queue of `count` buffers of `size` bytes each to receive into, which the kernel uses
    /// up bit by bit, for one operation of this driver at a time.
    ///
    /// # Errors
    ///
    /// As [`buffer_group`](Self::buffer_group).
    ///
    /// # Kernel
    ///
    /// 6.12.
    pub fn buffer_queue(&self, count: u16, size: u32) -> io::Result<BufferQueue> {
        self.core.ring.buffer_queue(count, size)
    }

    /// Makes an empty queue of `count` buffers of `size` bytes each to send from, for one operation
    /// of this driver at a time.
    ///
    /// # Errors
    ///
    /// As [`buffer_group`](Self::buffer_group).
    ///
    /// # Kernel
    ///
    /// 6.10.
    pub fn send_queue(&self, count: u16, size: u32) -> io::Result<SendQueue> {
        self.core.ring.send_queue(count, size)
    }

    /// Takes the receive queue `queue` of the network interface `interface`, for receives
    /// [without a copy](ringbahn_core::event::RecvZc). The driver has to be built
    /// [with wide completions](LocalBuilder::completion_width).
    ///
    /// # Errors
    ///
    /// As [`RingHandle::receive_queue`](crate::RingHandle::receive_queue).
    pub fn receive_queue(
        &self,
        interface: &str,
        queue: u32,
        area_length: usize,
    ) -> Result<ReceiveQueue, NoZeroCopyReceive> {
        self.core.ring.receive_queue(interface, queue, area_length)
    }

    /// Winds the driver up, for all its clones: new events are refused, what is in flight is
    /// cancelled, and the thread waits until the kernel is done with it.
    ///
    /// Operations that were detached, such as writes whose file has been dropped, may run until
    /// `deadline` has passed. What the kernel has not given back a second after that is leaked, and
    /// the report says so. Nothing is ever freed early. A second call finds nothing left to do.
    ///
    /// It blocks, unlike the other driver's: nobody else could reap what is to be waited for.
    pub fn shutdown(&self, deadline: Duration) -> Report {
        self.core.drain(deadline)
    }
}

impl Drive for LocalDriver {
    type Sharing = Local;

    #[inline(always)]
    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Local>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.core.poll_prepare(cx, count, prepare)
    }

    #[inline]
    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        self.core.attempt(attempt)
    }

    #[inline]
    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(self.core.poll_submit())
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget<Local>) {
        self.core.cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        self.core.cancel_selected(selection)
    }
}

/// A borrowed handle drives as the handle itself does.
impl Drive for &LocalDriver {
    type Sharing = Local;

    #[inline(always)]
    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_, Local>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.core.poll_prepare(cx, count, prepare)
    }

    #[inline]
    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        self.core.attempt(attempt)
    }

    #[inline]
    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(self.core.poll_submit())
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget<Local>) {
        self.core.cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        self.core.cancel_selected(selection)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
