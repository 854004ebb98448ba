//! [`Moment`]: what happens to an operation in the cells of one column.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ringbahn_core::Cancelled;

use super::operation::Operation;
use super::resources::Resources;
use super::rows::Row;
use super::scene::Manner;
use super::stand::{Stand, good, good_or_stopped};
use crate::bench::{Bench, DEADLINE};
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};
use crate::wakers::{Grudge, Signal};

/// A bound that passes while an operation waits.
const SOON: Duration = Duration::from_millis(2);

/// A bound that does not pass in a test.
const LATE: Duration = Duration::from_secs(3600);

/// Makes the moments from the names of the functions below.
macro_rules! moments {
    ($($variant:ident: $function:ident,)*) => {
        /// What happens to an operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Moment {
            $($variant,)*
        }

        impl Moment {
            pub(crate) const ALL: &[Moment] = &[$(Moment::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Moment::$variant => stringify!($function),)*
                }
            }

            fn run<S: Kind>(self, stand: Stand<'_, S>) -> Verdict {
                match self {
                    $(Moment::$variant => $function(stand),)*
                }
            }
        }
    };
}

moments! {
    Completed: completed,
    CompletedLater: completed_after_it_waited,
    CompletedUnseen: completed_and_never_polled_again,
    Failed: failed,
    FailedUnseen: failed_and_never_polled_again,
    NeverPolled: never_polled,
    DroppedAtOnce: dropped_at_once,
    DroppedInFlight: dropped_in_flight,
    CancelledUnstarted: cancelled_before_it_started,
    Cancelled: cancelled,
    CancelledLate: cancelled_after_it_completed,
    CancelledAndDropped: cancelled_and_dropped,
    TimedOut: timed_out,
    InTime: in_time,
    Restarted: restarted,
    RestartedInFlight: restarted_in_flight,
    Detached: detached,
    PanickingWaker: woken_by_a_panicking_waker,
    ReplacedWaker: woken_by_the_last_waker,
    OtherThread: finished_on_another_thread,
    ThreadGone: finished_after_its_thread_exited,
    ShutDown: shut_down_in_flight,
    Forgotten: forgotten_until_the_driver_was_gone,
    DriverDropped: dropped_after_every_handle,
    Refused: refused_after_the_shutdown,
}

impl Moment {
    /// Whether it does to an operation what cannot be done to a stream.
    fn is_of_operations(self) -> bool {
        use Moment::{Detached, InTime, Restarted, RestartedInFlight, TimedOut};
        matches!(self, Restarted | RestartedInFlight | Detached | TimedOut | InTime)
    }

    /// Tries the cell of this moment and `row`.
    pub(crate) fn try_on<S: Kind>(self, bench: &Bench<S>, row: Row) -> Verdict {
        if row.is_stream && self.is_of_operations() {
            return Err(Stop::skipped("a stream is neither bounded nor detached nor begun again"));
        }
        let driver = bench.driver()?;
        let (resources, other) = Resources::of(row.need, bench, &driver)?;
        self.run(Stand { bench, driver, ledger: Ledger::default(), row, resources, other })
    }
}

fn completed<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let mut operation = stand.launch(Manner::AtOnce)?;
    good(stand.finish(&mut operation)?)?;
    drop(operation);
    stand.close()
}

fn completed_after_it_waited<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (mut operation, ending) = stand.begin(Manner::Later)?;
    if ending.is_none() {
        stand.driver.moment()?;
        operation.go()?;
    }
    good(ending.map_or_else(|| stand.finish(&mut operation), Ok)?)?;
    drop(operation);
    stand.close()
}

fn completed_and_never_polled_again<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (operation, ending) = stand.begin_and_complete(Manner::Later)?;
    ending.map_or(Ok(()), good)?;
    drop(operation);
    stand.close()
}

fn failed<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let mut operation = stand.launch(Manner::Failing)?;
    let ending = stand.finish(&mut operation)?;
    ensure!(ending.is_err(), "it has not failed: {ending:?}");
    drop(operation);
    stand.close()
}

fn failed_and_never_polled_again<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (operation, ending) = stand.begin_and_complete(Manner::Failing)?;
    ensure!(ending.as_ref().is_none_or(Result::is_err), "it has not failed: {ending:?}");
    drop(operation);
    stand.close()
}

fn never_polled<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let operation = stand.launch(Manner::Never)?;
    drop(operation);
    ensure_eq!(stand.ledger.open(), 0, "events left of one that was never polled");
    ensure_eq!(stand.ledger.disposed(), 0, "outputs of an event that was never polled");
    stand.close()
}

fn dropped_at_once<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let mut operation = stand.launch(Manner::Never)?;
    let _ = operation.poll(&mut Context::from_waker(Waker::noop()));
    drop(operation);
    stand.close()
}

fn dropped_in_flight<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (operation, _) = stand.begin(Manner::Never)?;
    stand.driver.moment()?;
    drop(operation);
    stand.close()
}

fn cancelled_before_it_started<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let mut operation = stand.launch(Manner::AtOnce)?;
    match operation.poll_cancel(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Cancelled::Cancelled(Err(_))) => {}
        other => return Err(Stop::failed(format!("cancelled unstarted, it says {other:?}"))),
    }
    drop(operation);
    stand.close()
}

fn cancelled<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (mut operation, ending) = stand.begin(Manner::Never)?;
    if ending.is_none() {
        stand.driver.moment()?;
        match stand.cancel(&mut operation)? {
            Cancelled::Cancelled(ending) => {
                ensure!(ending.is_err(), "it was cancelled, and says {ending:?}");
            }
            Cancelled::Completed(ending) => {
                ensure!(!operation.waits(), "it has completed with nothing to complete it");
                good_or_stopped(ending)?;
            }
        }
    }
    drop(operation);
    stand.close()
}

fn cancelled_after_it_completed<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (mut operation, ending) = stand.begin_and_complete(Manner::Later)?;
    if ending.is_none() {
        match stand.cancel(&mut operation)? {
            Cancelled::Completed(ending) => good(ending)?,
            other => return Err(Stop::failed(format!("completed, then cancelled: {other:?}"))),
        }
    }
    drop(operation);
    stand.close()
}

fn cancelled_and_dropped<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (mut operation, ending) = stand.begin(Manner::Never)?;
    if ending.is_none() {
        let _ = operation.poll_cancel(&mut Context::from_waker(Waker::noop()));
    }
    drop(operation);
    stand.close()
}

fn timed_out<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let mut operation = stand.launch(Manner::Never)?;
    operation.bound(SOON);
    let ending = stand.finish(&mut operation)?;
    match ending {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
        ending => {
            ensure!(!operation.waits(), "its time is over, and it says {ending:?}");
            good(ending)?;
        }
    }
    drop(operation);
    stand.close()
}

fn in_time<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let mut operation = stand.launch(Manner::Later)?;
    operation.bound(LATE);
    match operation.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ending) => good(ending)?,
        Poll::Pending => {
            operation.go()?;
            good(stand.finish(&mut operation)?)?;
        }
    }
    drop(operation);
    stand.close()
}

fn restarted<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let mut operation = stand.launch(Manner::AtOnce)?;
    for _ in 0..3 {
        good(stand.finish(&mut operation)?)?;
        operation.restart()?;
    }
    good(stand.finish(&mut operation)?)?;
    drop(operation);
    stand.close()
}

fn restarted_in_flight<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (mut operation, _) = stand.begin(Manner::Never)?;
    operation.restart()?;
    good(stand.finish(&mut operation)?)?;
    stand.driver.until("both events have ended", || stand.ledger.open() == 0)?;
    drop(operation);
    stand.close()
}

fn detached<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (mut operation, ending) = stand.begin(Manner::Later)?;
    if ending.is_none() {
        operation.detach();
        operation.go()?;
        stand.driver.until("the detached event has ended", || stand.ledger.open() == 0)?;
        ensure_eq!(stand.ledger.disposed(), 1, "outputs of the detached event disposed of");
    }
    drop(operation);
    stand.close()
}

fn woken_by_a_panicking_waker<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let grudge = Grudge::new();
    let (mut operation, ending) = stand.begin_with(Manner::Later, &grudge.waker())?;
    if ending.is_none() {
        operation.go()?;
        stand.driver.until("its waker is woken", || grudge.wakes() > 0)?;
    }
    good(ending.map_or_else(|| stand.finish(&mut operation), Ok)?)?;
    drop(operation);
    stand.close()
}

fn woken_by_the_last_waker<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (first, last) = (Signal::new(), Signal::new());
    let (mut operation, mut ending) = stand.begin_with(Manner::Later, &first.waker())?;
    if ending.is_none() {
        match operation.poll(&mut Context::from_waker(&last.waker())) {
            Poll::Ready(early) => ending = Some(early),
            Poll::Pending => {
                operation.go()?;
                stand.driver.until("the last waker is woken", || last.wakes() > 0)?;
            }
        }
    }
    good(ending.map_or_else(|| stand.finish(&mut operation), Ok)?)?;
    drop(operation);
    stand.close()
}

fn finished_on_another_thread<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (operation, ending) = stand.begin(Manner::Later)?;
    let ended = ending.is_some();
    let operation = S::elsewhere(&stand.driver, operation, move |operation: &mut Operation<S>| {
        if ended {
            return Ok(());
        }
        operation.go()?;
        good(futures::executor::block_on(poll_fn(|cx| operation.poll(cx))))
    })?;
    drop(operation);
    stand.close()
}

fn finished_after_its_thread_exited<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let operation = stand.launch(Manner::Later)?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut operation =
        S::elsewhere(&stand.driver, operation, move |operation: &mut Operation<S>| {
            let polled = operation.poll(&mut Context::from_waker(Waker::noop()));
            // The receiver lives until this thread has ended.
            let _ = sender.send(polled);
            Ok(())
        })?;
    match receiver.recv() {
        Ok(Poll::Ready(ending)) => good(ending)?,
        Ok(Poll::Pending) | Err(_) => {
            operation.go()?;
            good(stand.finish(&mut operation)?)?;
        }
    }
    drop(operation);
    stand.close()
}

fn shut_down_in_flight<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (mut operation, ending) = stand.begin(Manner::Never)?;
    let report = stand.driver.shut_down(DEADLINE)?;
    ensure_eq!(report.leaked, 0, "operations leaked");
    if ending.is_none() {
        stand.bench.stage("waiting for the operation that was in flight at the shutdown");
        let ending = stand.finish(&mut operation)?;
        ensure!(!operation.waits() || ending.is_err(), "it was stopped, and says {ending:?}");
    }
    drop(operation);
    stand.close()
}

/// To the driver this is a future that was forgotten: nobody polls it, and nobody drops it as long
/// as there is a driver. It is dropped afterwards, so that what it holds can be counted.
fn forgotten_until_the_driver_was_gone<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (operation, ending) = stand.begin(Manner::Never)?;
    let Stand { driver, ledger, bench, .. } = stand;
    let report = driver.shut_down(DEADLINE)?;
    ensure_eq!(report.leaked, 0, "operations leaked");
    let ended = report.completed + report.cancelled;
    ensure!(ended <= u64::from(ending.is_none()), "the report says of one operation {report:?}");
    ensure_eq!(driver.in_flight().unwrap_or(0), 0, "operations in flight after the shutdown");
    drop(driver);
    bench.stage("dropping a future that has outlived its driver");
    drop(operation);
    // A thread of the driver may have the record for a moment longer.
    bench.await_without_driver("the forgotten event has ended", || ledger.open() == 0)?;
    ledger.balance()
}

fn dropped_after_every_handle<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let (operation, _) = stand.begin(Manner::Never)?;
    let Stand { driver, ledger, bench, .. } = stand;
    drop(driver);
    bench.stage("waiting until a driver without handles has ended its last operation");
    drop(operation);
    bench.await_without_driver("the driver ends what was in flight", || ledger.open() == 0)?;
    ledger.balance()
}

fn refused_after_the_shutdown<S: Kind>(stand: Stand<'_, S>) -> Verdict {
    let report = stand.driver.shut_down(DEADLINE)?;
    ensure_eq!(report.leaked, 0, "operations leaked");
    let mut operation = stand.launch(Manner::AtOnce)?;
    let ending = stand.finish(&mut operation)?;
    ensure!(ending.is_err(), "an event after the shutdown was not refused: {ending:?}");
    drop(operation);
    stand.close()
}
