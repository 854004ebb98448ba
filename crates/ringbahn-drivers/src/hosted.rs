//! [`HostedDriver`]: the driver that lives in a runtime of tokio, or with the reactor of async-io.
//!
//! For whom: programs that have such a runtime anyway, and want no thread besides. Futures are
//! `Send`, may move between threads, and may be awaited outside of the runtime as well.
//!
//! # How it works
//!
//! One ring, shared by all. A task of the runtime, the driver's own, sleeps on the readiness of the
//! ring's descriptor, among the program's sockets and timers; it reaps, and wakes. So a completion
//! reaches a task as the readiness of a socket does, and nothing has to be woken on another thread.
//!
//! Submissions go into the kernel together where they come together. What the tasks that are ready
//! now prepare is submitted at the end of their turn, by the driver's task, which runs after them;
//! in a runtime of several threads by a task for each, so that none waits for another's turn. A
//! queue that is full is submitted at once. Where only one operation comes in a turn, whoever
//! polls it enters the kernel with it, and an operation that needs no waiting is ready at its first
//! poll. The driver goes by what its last turns were like.
//!
//! | when | who looks after the ring |
//! |---|---|
//! | the runtime runs | the driver's task |
//! | the runtime exists, and is not run | nobody, except submitters on other threads: a runtime of one thread is to be run while its operations are waited for |
//! | the runtime has been dropped | a helper thread, as that of [`SharedDriver`](crate::SharedDriver): what was in flight goes on, and new operations are accepted |
//! | the driver comes to its end | whoever ends it, for what ends at once; for the rest a helper thread, since the runtime may stop at any time |
//!
//! The locks are those of [`SharedDriver`](crate::SharedDriver), whose ring it is in every other
//! respect.
//!
//! # Costs
//!
//! One `io_uring_enter` for the submissions of a turn. A poll of a task for each turn in which
//! something was gathered, and of the driver's own for each wake-up by the reactor. Some 60
//! nanoseconds for an operation that completes inline, for the kernel tells the reactor of it in
//! vain. With async-io an `epoll_ctl` for each wake-up besides, as for its other descriptors. Four
//! descriptors: the ring and a duplicate of it for the reactor, a timer, and an eventfd for the
//! helper in reserve.
//!
//! # Kernel
//!
//! Linux 5.11 or later. The ring is one for several threads, as that of `SharedDriver`, and
//! completions come as they do there: only then does the kernel say by `epoll(7)` that operations
//! have completed, whichever thread has submitted them.
//!
//! # When not
//!
//! Where tasks block their thread, the driver's task waits with the others: an operation that is
//! awaited by a call that blocks a runtime of one thread never ends. Where programs have no
//! runtime, or several of short life, [`SharedDriver`](crate::SharedDriver) asks for nothing.
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
use crate::shared::Shutdown;
use crate::shared::core::Core;
use crate::shared::lookout::Host as _;
use crate::unavailable::Unavailable;
use ringbahn_core::{
    Attempt, BufferGroup, CancelTarget, Cancelling, Completion, DirectTable, Drive, Metrics,
    Reservation, Selection, Served, Shared,
};

mod attendant;
mod builder;
mod clock;
mod gathering;
mod no_host;
mod reactor;
mod task;
#[cfg(feature = "tokio")]
mod turn_task;
mod turns;
mod watched;

use attendant::Attendant;
pub use builder::HostedBuilder;
pub use no_host::NoHost;
pub use task::HostedTask;
use turns::Moment;

/// The driver that lives in a runtime of tokio, or with the reactor of async-io: a handle to a ring
/// that all its clones share.
///
/// When the last clone goes, and with it the last submission, the driver winds up in the
/// background: abandoned operations are cancelled, detached ones are given
/// [`WIND_UP_TIME`](HostedDriver::WIND_UP_TIME) to end, and the ring is closed when the kernel is
/// done with all of them and the driver's task has been polled or dropped.
/// [`shutdown`](HostedDriver::shutdown) does the same, and waits. Neither needs the runtime to be
/// run, or to exist.
///
/// # Examples
///
/// In tokio:
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_drivers::HostedDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn_drivers::SharedDriver::new().is_err() { return Ok(()) }
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
/// runtime.block_on(async {
///     let driver = HostedDriver::tokio()?;
///     driver.submit(Nop).await
/// })
/// # }
/// # main().unwrap() }
/// ```
///
/// In smol:
///
/// ```
/// # #[cfg(feature = "async-io")] {
/// use ringbahn_core::{Drive, event::Nop};
/// use ringbahn_drivers::HostedDriver;
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn_drivers::SharedDriver::new().is_err() { return Ok(()) }
/// let driver = HostedDriver::async_io(|task| smol::spawn(task).detach())?;
/// smol::block_on(driver.submit(Nop))
/// # }
/// # main().unwrap() }
/// ```
#[derive(Clone, Debug)]
pub struct HostedDriver {
    handle: Arc<Handle>,
}

/// What all clones share, and the driver's task does not: when it goes, the driver winds up.
#[derive(Debug)]
struct Handle {
    core: Arc<Core>,
    attendant: Arc<Attendant>,
}

impl HostedDriver {
    /// How long a driver that is simply dropped lets detached operations run.
    pub const WIND_UP_TIME: Duration = Duration::from_secs(10);

    /// A driver of the usual size in the runtime of tokio that the calling thread is in.
    ///
    /// # Errors
    ///
    /// [`NoHost`] as an `io::Error`, where there is no runtime, or one without its IO driver;
    /// [`Unavailable`](crate::Unavailable), where there can be no ring.
    #[cfg(feature = "tokio")]
    pub fn tokio() -> io::Result<HostedDriver> {
        HostedDriver::builder().build_in_tokio()
    }

    /// A driver of the usual size with the reactor of async-io, as that of smol.
    ///
    /// That reactor runs no tasks, so `spawn` puts the driver's own on an executor, one that runs
    /// as long as the driver is used: `|task| smol::spawn(task).detach()`, or a `LocalExecutor`. A
    /// task that is dropped instead leaves the ring to a helper thread.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Unavailable) as an `io::Error`, where there can be no ring.
    #[cfg(feature = "async-io")]
    pub fn async_io(spawn: impl FnOnce(HostedTask)) -> io::Result<HostedDriver> {
        HostedDriver::builder().build_on_async_io(spawn)
    }

    /// Settings for a driver that is not of the usual size.
    pub fn builder() -> HostedBuilder {
        HostedBuilder::new()
    }

    /// What the driver has done so far.
    pub fn counters(&self) -> Counters {
        self.core().counters()
    }

    /// What the driver has done so far, opcode by opcode; `None` where it was not
    /// [told](HostedBuilder::metering) to keep that.
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

    /// What the driver's ring can be told while it runs.
    pub fn registrar(&self) -> Registrar<'_> {
        self.core().registrar()
    }

    /// Whether the runtime still has the driver's task. Where it has gone, a helper thread looks
    /// after the ring.
    pub fn is_hosted(&self) -> bool {
        self.handle.attendant.is_attending()
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

    /// Makes a group of `count` buffers of `size` bytes each, from which one is taken for each
    /// piece of data that an operation of this driver receives.
    ///
    /// # Errors
    ///
    /// As [`RingHandle::buffer_group`](crate::RingHandle::buffer_group).
    pub fn buffer_group(&self, count: u16, size: u32) -> io::Result<BufferGroup> {
        self.core().ring.buffer_group(count, size)
    }

    /// Winds the driver up, for all its clones: new events are refused, what is in flight is
    /// cancelled, and the ring is closed when the kernel is done with it.
    ///
    /// Operations that were detached, such as writes whose file has been dropped, may run until
    /// `deadline` has passed. What the kernel has not given back a second after that is leaked:
    /// the future is then ready and says so. Nothing is ever freed early. The first call sets the
    /// deadline; later ones only wait. What does not end at once is waited for by a thread, so the
    /// future may be awaited anywhere.
    ///
    /// # Cancel safety
    ///
    /// The shutdown begins with the call; dropping the future only forgoes the report.
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.core().shut_down(deadline)
    }

    fn core(&self) -> &Arc<Core> {
        &self.handle.core
    }

    /// Submits what is prepared, now or at the end of the turn.
    fn submit_in_time(&self) -> io::Result<u32> {
        let Handle { core, attendant } = &*self.handle;
        let moment = if core.ring.forked() { Moment::Now } else { attendant.moment() };
        match moment {
            Moment::Now => core.submit(),
            Moment::NowWithCall(turn) => {
                let submitted = core.submit();
                turn.call();
                submitted
            }
            Moment::TurnsEnd(turn) => {
                turn.call();
                Ok(0)
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.wind_up(HostedDriver::WIND_UP_TIME);
    }
}

impl Drive for HostedDriver {
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
        Poll::Ready(self.submit_in_time())
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        self.core().cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        self.core().cancel_selected(selection)
    }
}

/// A borrowed handle drives as the handle itself does.
impl Drive for &HostedDriver {
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
        Poll::Ready(self.submit_in_time())
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        self.core().cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        self.core().cancel_selected(selection)
    }
}
