//! [`SharedDriver`]: the driver for any executor, with nothing to set up.
//!
//! For whom: everybody who has not measured a reason to take another one. Futures are `Send` and
//! may move between threads; no loop has to be run.
//!
//! # How it works
//!
//! One ring, shared by all. Whoever polls a submission enters the kernel with it at once, and
//! reaps what has completed meanwhile before it returns, so an operation that needs no waiting is
//! ready at its first poll. What has to wait is waited for by one *helper thread*, started with
//! the first operation: it sleeps on the ring's readiness, reaps, and wakes. It looks after the
//! ring only while something is in flight that nobody else has reaped; a program whose operations
//! all complete inline never sees it wake.
//!
//! | lock | guards | held while |
//! |---|---|---|
//! | `submission` | the submission queue, its backlog, and who waits for room | entries are copied |
//! | `completion` | the completion queue | CQEs are read and noted |
//!
//! Neither is held during a system call, and no waker and no event is called, cloned or dropped
//! under either. Where both the table's lock and one of these are held, the table's is the inner
//! one.
//!
//! # Costs
//!
//! One `io_uring_enter` per submission, since the driver cannot know of a better moment. A wake-up
//! of the helper thread, and of the task by it, for an operation that has to wait.
//!
//! # Kernel
//!
//! Linux 5.11 or later. Completions are posted by the thread that has submitted, in the kernel. It
//! is woken for that where it sleeps; where it computes they wait for its next system call or the
//! kernel's tick, some milliseconds at the most, unless
//! [`interrupting`](crate::Setup::interrupting) is asked for. Before Linux 5.19 it is always
//! interrupted. An operation that was bound to a thread that has exited is repeated.
//!
//! # When not
//!
//! Where one thread does all the work, a driver that submits and waits in one system call costs
//! less.
#![forbid(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::backend::Backend;
use crate::counters::Counters;
use crate::registered::RegisteredBuffers;
use crate::registrar::Registrar;
use crate::unavailable::Unavailable;
use crate::{Queues, RingHandle};
use ringbahn_core::{
    Attempt, BufferGroup, BufferQueue, CancelTarget, Cancelling, Completion, DirectTable, Drive,
    Metrics, Reservation, Selection, SendQueue, Served, Shared,
};

mod builder;
pub(crate) mod core;
pub(crate) mod duty;
mod helper;
pub(crate) mod lookout;
mod shutdown;

use self::core::Core;
pub use builder::SharedBuilder;
pub use shutdown::Shutdown;

/// The driver for any executor: a handle to a ring that all its clones share.
///
/// When the last clone goes, and with it the last submission, the driver winds up in the
/// background: abandoned operations are cancelled, detached ones are given
/// [`WIND_UP_TIME`](SharedDriver::WIND_UP_TIME) to end, and the ring is closed when the kernel is
/// done with all of them. [`shutdown`](SharedDriver::shutdown) does the same, and waits.
///
/// # Examples
///
/// ```
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_drivers::SharedDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = SharedDriver::new() else { return Ok(()) };
/// futures::executor::block_on(driver.clone().submit(Nop))?;
/// assert_eq!(driver.counters().completed, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SharedDriver {
    handle: Arc<Handle>,
}

/// What all clones share, and the helper thread does not: when it goes, the driver winds up.
#[derive(Debug)]
struct Handle {
    core: Arc<Core>,
}

impl SharedDriver {
    /// How long a driver that is simply dropped lets detached operations run.
    pub const WIND_UP_TIME: Duration = Duration::from_secs(10);

    /// A driver with a ring of its own, of the usual size.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] as an `io::Error`, where there can be no ring and no fallback either.
    pub fn new() -> io::Result<SharedDriver> {
        SharedDriver::builder().build()
    }

    /// Settings for a driver that is not of the usual size.
    pub fn builder() -> SharedBuilder {
        SharedBuilder::new()
    }

    /// The driver of the ring that `queues` belong to.
    pub(crate) fn over(queues: Queues, serve_at_once: bool) -> io::Result<SharedDriver> {
        let core = Arc::new(Core::new(queues, serve_at_once, None)?);
        Ok(SharedDriver { handle: Arc::new(Handle { core }) })
    }

    /// What the driver has done so far.
    pub fn counters(&self) -> Counters {
        self.core().counters()
    }

    /// What the driver has done so far, opcode by opcode; `None` where it was not
    /// [told](SharedBuilder::metering) to keep that.
    pub fn metrics(&self) -> Option<Metrics> {
        self.core().ring.table().metrics()
    }

    /// What executes the operations.
    pub fn backend(&self) -> Backend {
        self.core().ring.backend()
    }

    /// Why the operations are executed inside the process, though io_uring was preferred; `None`
    /// where the kernel executes them, or where nobody was to ask it.
    pub fn fallback_reason(&self) -> Option<&Unavailable> {
        self.core().ring.fallback_reason()
    }

    /// How many entries the submission queue really has, and how many the completion queue: fewer
    /// than were asked for where locked memory is short.
    pub fn queue_sizes(&self) -> (u32, u32) {
        let ring = &self.core().ring;
        (ring.submission_entries(), ring.completion_entries())
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
        self.core().cancel_selected(&Selection::all())
    }

    /// Registers `count` buffers of `size` bytes with the driver's ring.
    ///
    /// # Errors
    ///
    /// As [`RingHandle::register_buffers`](crate::RingHandle::register_buffers).
    pub fn register_buffers(&self, count: u16, size: usize) -> io::Result<RegisteredBuffers> {
        self.core().ring.register_buffers(count, size)
    }

    /// Gives the driver's ring `slots` slots for direct descriptors.
    ///
    /// # Errors
    ///
    /// As [`RingHandle::direct_table`](crate::RingHandle::direct_table).
    pub fn direct_table(&self, slots: u32) -> io::Result<DirectTable> {
        self.core().ring.direct_table(slots)
    }

    /// What the driver's ring can be told while it runs.
    pub fn registrar(&self) -> Registrar<'_> {
        self.core().registrar()
    }

    /// Makes a group of `count` buffers of `size` bytes each: the kernel takes one of them for each
    /// piece of data that an operation of this driver receives, and connections without data need
    /// none.
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
        self.core().ring.buffer_group(count, size)
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
        self.core().ring.buffer_queue(count, size)
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
        self.core().ring.send_queue(count, size)
    }

    /// Winds the driver up, for all its clones: new events are refused, what is in flight is
    /// cancelled, and the ring is closed when the kernel is done with it.
    ///
    /// Operations that were detached, such as writes whose file has been dropped, may run until
    /// `deadline` has passed. What the kernel has not given back a second after that is leaked:
    /// the future is then ready and says so, while the helper thread goes on waiting for it.
    /// Nothing is ever freed early. The first call sets the deadline; later ones only wait.
    ///
    /// # Cancel safety
    ///
    /// The shutdown begins with the call; dropping the future only forgoes the report.
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.core().shut_down(deadline)
    }

    /// The driver's ring.
    pub(crate) fn ring(&self) -> &RingHandle {
        &self.core().ring
    }

    fn core(&self) -> &Arc<Core> {
        &self.handle.core
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.wind_up(SharedDriver::WIND_UP_TIME);
    }
}

impl Drive for SharedDriver {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.core().poll_prepare(cx, count, prepare)
    }

    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        self.core().attempt(attempt)
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(self.core().submit())
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        self.core().cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        self.core().cancel_selected(selection)
    }
}

/// A borrowed handle drives as the handle itself does.
impl Drive for &SharedDriver {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.core().poll_prepare(cx, count, prepare)
    }

    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        self.core().attempt(attempt)
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(self.core().submit())
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        self.core().cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        self.core().cancel_selected(selection)
    }
}
