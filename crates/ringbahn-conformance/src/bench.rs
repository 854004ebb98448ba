//! [`Bench`]: the place where a case makes its drivers and watches them.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ringbahn_core::{BufferGroup, DirectTable, Event};

use crate::any_buffer::AnyBuffer;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::operating::Operating;
use crate::subject::{AnyDriver, AnySubject, QueueSizes, Report, Unable};
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};

/// How long a shutdown may take where nothing keeps it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// The pace at which conditions are looked at that nobody is woken for.
const PACE: Duration = Duration::from_micros(50);

/// The place where a case makes its drivers.
pub struct Bench<S: Kind> {
    subject: Arc<dyn AnySubject<S>>,
    patience: Duration,
    /// What the case is doing, for those who find it hanging.
    stage: Arc<Mutex<&'static str>>,
}

impl<S: Kind> Bench<S> {
    pub(crate) fn new(
        subject: Arc<dyn AnySubject<S>>,
        patience: Duration,
        stage: Arc<Mutex<&'static str>>,
    ) -> Bench<S> {
        Bench { subject, patience, stage }
    }

    /// A driver with the smallest queues that hold a pair.
    pub(crate) fn driver(&self) -> Result<Subjected<'_, S>, Stop> {
        self.driver_of(2, 4)
    }

    /// A driver with queues of these sizes.
    pub(crate) fn driver_of(
        &self,
        submission: u32,
        completion: u32,
    ) -> Result<Subjected<'_, S>, Stop> {
        match self.subject.make(QueueSizes { submission, completion }) {
            Ok(driver) => Ok(Subjected { driver, bench: self }),
            Err(Unable(reason)) => Err(Stop::Skipped(reason)),
        }
    }

    /// Says what the case is about to do.
    pub(crate) fn stage(&self, what: &'static str) {
        *self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = what;
    }

    /// Waits until `condition` holds of which nobody but the driver itself can take care.
    pub(crate) fn await_without_driver(
        &self,
        what: &str,
        mut condition: impl FnMut() -> bool,
    ) -> Verdict {
        let end = Instant::now() + self.patience();
        while !condition() {
            ensure!(Instant::now() < end, "it does not happen: {what}");
            // sleep: paces the looking; nothing depends on how long it is.
            thread::sleep(PACE);
        }
        Ok(())
    }

    /// How long to wait for a thing that is to happen: less than the watchdog does, so that it is
    /// named.
    pub(crate) fn patience(&self) -> Duration {
        self.patience / 2
    }
}

/// A driver under test.
pub struct Subjected<'a, S: Kind> {
    driver: Box<dyn AnyDriver<S>>,
    bench: &'a Bench<S>,
}

impl<S: Kind> Subjected<'_, S> {
    /// A handle of the driver.
    pub(crate) fn handle(&self) -> Handle<S> {
        self.driver.handle()
    }

    /// The future that runs `event`, which is not polled yet.
    pub(crate) fn submit<E: Event>(&self, event: E) -> Operating<E::Output, S> {
        self.handle().submit(event)
    }

    /// Runs `future` to its end.
    pub(crate) fn run<F: Future>(&self, future: F) -> Result<F::Output, Stop> {
        let mut output = None;
        {
            let mut future = pin!(future);
            let mut whole =
                pin!(poll_fn(|cx| future.as_mut().poll(cx).map(|it| output = Some(it))));
            self.driver.block_on(whole.as_mut());
        }
        output.ok_or_else(|| Stop::failed("block_on has returned before the future's end"))
    }

    /// Polls `operation`, which has to wait for the kernel, until it is in flight.
    pub(crate) fn start<T: 'static>(&self, operation: &mut Operating<T, S>) -> Verdict {
        let output = self.admit(operation)?;
        ensure!(output.is_none(), "an operation that has to wait was ready at once");
        Ok(())
    }

    /// Polls `operation` until it is in flight: once, unless the driver has to make room first.
    /// Yields its output where it is ready already.
    pub(crate) fn admit<T: 'static>(
        &self,
        operation: &mut Operating<T, S>,
    ) -> Result<Option<T>, Stop> {
        if let Poll::Ready(output) = poll_once(operation) {
            return Ok(Some(output));
        }
        if operation.is_in_flight() {
            return Ok(None);
        }
        self.run(poll_fn(|cx| match Pin::new(&mut *operation).poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if operation.is_in_flight() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }))
    }

    /// Runs `event` to its end.
    pub(crate) fn complete<E: Event>(&self, event: E) -> Result<E::Output, Stop> {
        self.run(self.submit(event))
    }

    /// Lets the driver do its work until `condition` holds.
    pub(crate) fn until(&self, what: &str, mut condition: impl FnMut() -> bool) -> Verdict {
        let end = Instant::now() + self.bench.patience();
        let mut look = || condition();
        let held = self.wait(end, &mut look)?;
        ensure!(held, "it does not happen: {what}");
        Ok(())
    }

    /// Lets the driver do its work until `thread`, which waits for it, has ended.
    pub(crate) fn join<T>(&self, thread: thread::JoinHandle<Result<T, Stop>>) -> Result<T, Stop> {
        self.until("a thread that waits for the driver ends", || thread.is_finished())?;
        thread.join().unwrap_or_else(|panic| Err(Stop::panicked(&*panic)))
    }

    /// What a call may take that has nothing to wait for.
    pub(crate) fn quick(&self) -> Duration {
        self.bench.patience / 4
    }

    /// Lets the driver do its work for a moment in which a thing might happen that must not. Less
    /// would find less, and nothing is wrongly found.
    pub(crate) fn moment(&self) -> Verdict {
        self.wait(Instant::now() + Duration::from_millis(2), &mut || false).map(drop)
    }

    fn wait(&self, end: Instant, condition: &mut dyn FnMut() -> bool) -> Result<bool, Stop> {
        self.run(poll_fn(|cx| {
            if condition() {
                return Poll::Ready(true);
            }
            if Instant::now() > end {
                return Poll::Ready(false);
            }
            // sleep: paces the looking; nothing depends on how long it is.
            thread::sleep(PACE);
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    /// A group of `count` buffers of `size` bytes, where the driver makes such.
    pub(crate) fn buffer_group(&self, count: u16, size: u32) -> Result<BufferGroup, Stop> {
        Ok(self.driver.buffer_group(count, size)?)
    }

    /// So many slots for direct descriptors, where the driver has such.
    pub(crate) fn direct_table(&self, slots: u32) -> Result<DirectTable, Stop> {
        Ok(self.driver.direct_table(slots)?)
    }

    /// `count` registered buffers of `size` bytes, where the driver registers such.
    pub(crate) fn registered_buffers(
        &self,
        count: u16,
        size: usize,
    ) -> Result<Vec<AnyBuffer>, Stop> {
        let buffers = self.driver.registered_buffers(count, size)?;
        ensure_eq!(buffers.len(), usize::from(count), "registered buffers");
        Ok(buffers.into_iter().map(AnyBuffer::new).collect())
    }

    /// How many operations are in flight, where the driver knows.
    pub(crate) fn in_flight(&self) -> Option<u64> {
        self.driver.in_flight()
    }

    /// Waits until nothing is in flight, where the driver knows.
    pub(crate) fn until_idle(&self) -> Verdict {
        self.until("nothing is in flight any more", || self.in_flight().unwrap_or(0) == 0)
    }

    /// Shuts the driver down, which must not take much longer than it may.
    pub(crate) fn shut_down(&self, deadline: Duration) -> Result<Report, Stop> {
        let begin = Instant::now();
        let report = self.driver.shut_down(deadline);
        let took = begin.elapsed();
        let most = deadline + self.bench.patience();
        ensure!(took < most, "the shutdown has taken {took:?} where it may take {deadline:?}");
        Ok(report)
    }

    /// Shuts the driver down, which has nothing in flight.
    pub(crate) fn end(self) -> Verdict {
        self.bench.stage("shutting down a driver that is idle");
        self.until_idle()?;
        let report = self.shut_down(DEADLINE)?;
        ensure_eq!(report.leaked, 0, "operations leaked by the shutdown of an idle driver");
        ensure_eq!(self.in_flight().unwrap_or(0), 0, "operations in flight after the shutdown");
        Ok(())
    }
}

/// One poll of `future`, with nobody to be woken.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

/// Polls `future`, which has to wait.
pub(crate) fn start<F: Future + Unpin>(future: &mut F) -> Verdict {
    ensure!(poll_once(future).is_pending(), "an operation that has to wait was ready at once");
    Ok(())
}
