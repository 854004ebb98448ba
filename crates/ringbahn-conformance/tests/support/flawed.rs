//! Drivers that are wrong on purpose, each in one way, in safe code.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use ringbahn_conformance::{QueueSizes, Report, Subject, Unable};
use ringbahn_core::{
    Attempt, BufferGroup, CancelTarget, Completion, DirectTable, Drive, IoBufMut, Reservation,
    Served, Shared,
};
use ringbahn_drivers::SharedDriver;

/// What is wrong with a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    ForgetsToSubmit,
    SubmitsAtTheNextPoll,
    DropsCancels,
    ForgetsSomeCancels,
    BlocksInCancel,
    WaitsWithoutBeingWoken,
    LosesWaiters,
    BlocksWhenFull,
    RefusesWhenFull,
    WakesUnderALock,
    LiesInItsReport,
    DoesNotShutDown,
    WaitsForItsDeadline,
    ClonesAreDrivers,
    ReservesTooFew,
    KeepsWakers,
    LeaksADescriptor,
    LeavesItsRingOpen,
    Miscounts,
    BelongsToOneThread,
}

/// How many operations a driver takes that is soon full.
const FULL: u64 = 4;

/// A shared driver with a flaw.
pub(crate) struct Flawed {
    inner: SharedDriver,
    flaw: Flaw,
    state: Arc<State>,
    /// Of one submission, which clones the handle: whether it was told to submit before.
    asked: bool,
}

#[derive(Default)]
struct State {
    calls: AtomicU64,
    cancels: AtomicU64,
    waiters: Mutex<Vec<Waker>>,
    thread: Mutex<Option<thread::ThreadId>>,
    waiting: AtomicBool,
}

impl State {
    fn waiters(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flawed {
    fn new(inner: SharedDriver, flaw: Flaw) -> Flawed {
        Flawed { inner, flaw, state: Arc::default(), asked: false }
    }

    fn is_full(&self) -> bool {
        self.inner.counters().in_flight >= FULL
    }

    /// What goes wrong before there is room; `None` where the inner driver is to go on.
    fn misbehave(&mut self, cx: &Context<'_>) -> Option<Poll<io::Error>> {
        let call = self.state.calls.fetch_add(1, Ordering::SeqCst);
        match self.flaw {
            Flaw::WaitsWithoutBeingWoken if call % 16 == 15 => Some(Poll::Pending),
            Flaw::LosesWaiters if call % 8 >= 6 => {
                // There is a place for one, and whoever comes later takes it.
                let waker = cx.waker().clone();
                *self.state.waiters() = vec![waker];
                Some(Poll::Pending)
            }
            Flaw::BlocksWhenFull => {
                while self.is_full() {
                    // sleep: what it waits for does not happen before this call returns.
                    thread::sleep(Duration::from_millis(10));
                }
                None
            }
            Flaw::RefusesWhenFull if self.is_full() => {
                Some(Poll::Ready(io::Error::other("the queue is full")))
            }
            Flaw::WakesUnderALock if call % 8 == 7 => {
                let waker = cx.waker().clone();
                self.state.waiters().push(waker);
                let state = self.state.clone();
                if !state.waiting.swap(true, Ordering::SeqCst) {
                    thread::spawn(move || {
                        state.waiting.store(false, Ordering::SeqCst);
                        state.waiters().drain(..).for_each(Waker::wake);
                    });
                }
                Some(Poll::Pending)
            }
            Flaw::WakesUnderALock => {
                drop(self.state.waiters());
                None
            }
            Flaw::KeepsWakers => {
                let waker = cx.waker().clone();
                self.state.waiters().push(waker);
                None
            }
            Flaw::BelongsToOneThread => {
                let this = thread::current().id();
                let mut thread = self.state.thread.lock().unwrap_or_else(PoisonError::into_inner);
                let foreign = *thread.get_or_insert(this) != this;
                foreign.then(|| Poll::Ready(io::Error::other("another thread")))
            }
            _ => None,
        }
    }
}

impl Clone for Flawed {
    fn clone(&self) -> Flawed {
        let inner = match self.flaw {
            Flaw::ClonesAreDrivers => SharedDriver::new().unwrap_or_else(|_| self.inner.clone()),
            _ => self.inner.clone(),
        };
        Flawed { inner, flaw: self.flaw, state: self.state.clone(), asked: false }
    }
}

impl Drive for Flawed {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        match self.misbehave(cx) {
            Some(Poll::Ready(error)) => return Poll::Ready(Err(error)),
            Some(Poll::Pending) => return Poll::Pending,
            None => {}
        }
        let count = if self.flaw == Flaw::ReservesTooFew { 1 } else { count };
        Pin::new(&mut self.inner).poll_prepare(cx, count, prepare)
    }

    fn poll_submit(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        match self.flaw {
            Flaw::ForgetsToSubmit => return Poll::Ready(Ok(0)),
            Flaw::SubmitsAtTheNextPoll if !self.asked => {
                self.asked = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Flaw::LosesWaiters => {
                let waiters = std::mem::take(&mut *self.state.waiters());
                waiters.into_iter().for_each(Waker::wake);
            }
            _ => {}
        }
        Pin::new(&mut self.inner).poll_submit(cx)
    }

    fn cancel(mut self: Pin<&mut Self>, target: CancelTarget) {
        let number = self.state.cancels.fetch_add(1, Ordering::SeqCst);
        match self.flaw {
            Flaw::DropsCancels => return,
            Flaw::ForgetsSomeCancels if number % 8 == 7 => return std::mem::forget(target),
            // sleep: the flaw itself.
            Flaw::BlocksInCancel => thread::sleep(Duration::from_millis(2)),
            _ => {}
        }
        Pin::new(&mut self.inner).cancel(target);
    }

    fn attempt<'a>(mut self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        Pin::new(&mut self.inner).attempt(attempt)
    }
}

impl Subject for Flaw {
    type Driver = Flawed;

    fn name(&self) -> String {
        format!("{self:?}")
    }

    fn make(&self, sizes: QueueSizes) -> Result<Flawed, Unable> {
        let builder = SharedDriver::builder().entries(sizes.submission);
        let inner = builder.completion_entries(sizes.completion).serve_at_once(false).build()?;
        match self {
            Flaw::LeaksADescriptor => std::mem::forget(std::fs::File::open("/dev/null")?),
            Flaw::LeavesItsRingOpen => std::mem::forget(inner.clone()),
            _ => {}
        }
        Ok(Flawed::new(inner, *self))
    }

    fn block_on(&self, _driver: &Flawed, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        futures::executor::block_on(future);
    }

    fn shut_down(&self, driver: &Flawed, deadline: Duration) -> Report {
        if *self == Flaw::DoesNotShutDown {
            return Report::default();
        }
        if *self == Flaw::WaitsForItsDeadline {
            // sleep: the flaw itself, cut short so that the test is not.
            thread::sleep(deadline.min(Duration::from_secs(1)));
        }
        let report = futures::executor::block_on(driver.inner.shutdown(deadline));
        let ringbahn_drivers::Report { completed, cancelled, leaked } = report;
        match self {
            Flaw::LiesInItsReport => Report::default(),
            _ => Report { completed, cancelled, leaked },
        }
    }

    fn in_flight(&self, driver: &Flawed) -> Option<u64> {
        let counters = driver.inner.counters();
        match self {
            Flaw::Miscounts => Some(counters.in_flight.min(2)),
            _ => Some(counters.in_flight),
        }
    }

    fn buffer_group(&self, driver: &Flawed, count: u16, size: u32) -> io::Result<BufferGroup> {
        driver.inner.buffer_group(count, size)
    }

    fn direct_table(&self, driver: &Flawed, slots: u32) -> io::Result<DirectTable> {
        driver.inner.direct_table(slots)
    }

    fn registered_buffers(
        &self,
        driver: &Flawed,
        count: u16,
        size: usize,
    ) -> io::Result<Vec<Box<dyn IoBufMut>>> {
        let buffers = driver.inner.register_buffers(count, size)?;
        let all = std::iter::from_fn(|| buffers.take());
        Ok(all.map(|buffer| Box::new(buffer) as Box<dyn IoBufMut>).collect())
    }
}
