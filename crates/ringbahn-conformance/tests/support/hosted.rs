//! The driver that lives in a runtime as a subject of the suite, together with its runtime.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ringbahn_conformance::{QueueSizes, Report, Subject, Unable};
use ringbahn_core::{
    Attempt, BufferGroup, CancelTarget, Cancelling, Completion, DirectTable, Drive, Reservation,
    Selection, Served, Shared,
};
use ringbahn_drivers::{HostedDriver, Policy, RegisteredBuffers};
use tokio::runtime::{Builder, Runtime};

use crate::drivers::{registers, report};

/// What a driver lives in.
pub(crate) enum Hosted {
    /// A runtime of tokio with no thread but the one that waits.
    TokioOfOneThread,
    /// A runtime of tokio with two threads of its own.
    TokioOfTwoThreads,
    /// The reactor of async-io, with the driver's task on smol's own executor.
    Smol,
}

/// A handle of a driver, and what the first handle is made with: the driver's runtime, which goes
/// with it. As in a program, what outlives the runtime is nobody's who could run it.
pub(crate) struct InHost {
    driver: HostedDriver,
    runtime: Option<Runtime>,
}

impl Clone for InHost {
    fn clone(&self) -> InHost {
        InHost { driver: self.driver.clone(), runtime: None }
    }
}

impl InHost {
    fn driver(self: Pin<&mut Self>) -> Pin<&mut HostedDriver> {
        Pin::new(&mut self.get_mut().driver)
    }

    fn buffer_group(&self, count: u16, size: u32) -> io::Result<BufferGroup> {
        self.driver.buffer_group(count, size)
    }

    fn direct_table(&self, slots: u32) -> io::Result<DirectTable> {
        self.driver.direct_table(slots)
    }

    fn register_buffers(&self, count: u16, size: usize) -> io::Result<RegisteredBuffers> {
        self.driver.register_buffers(count, size)
    }
}

impl Drive for InHost {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        self.driver().poll_prepare(cx, count, prepare)
    }

    fn poll_submit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        self.driver().poll_submit(cx)
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        self.driver().cancel(target);
    }

    fn cancel_selected(self: Pin<&mut Self>, selection: &Selection) -> io::Result<Cancelling> {
        self.driver().cancel_selected(selection)
    }

    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        self.driver().attempt(attempt)
    }
}

impl Subject for Hosted {
    type Driver = InHost;

    fn name(&self) -> String {
        match self {
            Hosted::TokioOfOneThread => "hosted by tokio of one thread",
            Hosted::TokioOfTwoThreads => "hosted by tokio of two threads",
            Hosted::Smol => "hosted by smol",
        }
        .into()
    }

    fn make(&self, sizes: QueueSizes) -> Result<InHost, Unable> {
        let settings = HostedDriver::builder().policy(Policy::Require).serve_at_once(false);
        let settings = settings.entries(sizes.submission).completion_entries(sizes.completion);
        let mut tokio = match self {
            Hosted::TokioOfOneThread => Builder::new_current_thread(),
            Hosted::TokioOfTwoThreads => Builder::new_multi_thread(),
            Hosted::Smol => {
                let driver = settings.build_on_async_io(|task| smol::spawn(task).detach())?;
                return Ok(InHost { driver, runtime: None });
            }
        };
        let runtime = tokio.worker_threads(2).enable_io().build()?;
        let inside = runtime.enter();
        let driver = settings.build_in_tokio()?;
        drop(inside);
        Ok(InHost { driver, runtime: Some(runtime) })
    }

    fn block_on(&self, driver: &InHost, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        match &driver.runtime {
            Some(runtime) => runtime.block_on(future),
            None => smol::block_on(future),
        }
    }

    fn shut_down(&self, driver: &InHost, deadline: Duration) -> Report {
        // It ends without its runtime as well.
        report(futures::executor::block_on(driver.driver.shutdown(deadline)))
    }

    fn in_flight(&self, driver: &InHost) -> Option<u64> {
        Some(driver.driver.counters().in_flight)
    }

    registers!(InHost);
}
