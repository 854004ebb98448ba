//! One driver, from stop to stop, and whether everything was given back at the end.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use super::finding::{Failure, Finding, equal};
use super::report::{DriverReport, StopReport, Tally};
use super::route::{Line, Stop, Toured, stops};
use super::site::Site;
use super::{Session, machine};

/// How long the descriptors of a driver that is gone may take to be closed.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// Builds the driver, makes every stop on it, and looks whether everything was given back.
pub(crate) fn visit<D: Toured>(
    line: &Line,
    session: &Session,
    build: fn() -> io::Result<D>,
) -> DriverReport {
    let mut report = DriverReport {
        name: line.name,
        audience: line.audience,
        unavailable: None,
        stops: Vec::new(),
        counters: None,
    };
    let before = machine::open_descriptors();
    session.watchdog.begin(format!("the driver {}", line.name));
    let driver = match build() {
        Ok(driver) => driver,
        Err(error) => {
            report.unavailable = Some(error.to_string());
            return report;
        }
    };
    // Each driver makes the same files.
    let directory = session.directory.path().join(line.name);
    if let Err(error) = std::fs::create_dir(&directory) {
        report.unavailable = Some(format!("{}: {error}", directory.display()));
        return report;
    }
    let site = Site::new(driver, &directory);
    for stop in stops::<D>() {
        session.watchdog.begin(format!("the stop \"{}\" on the driver {}", stop.name, line.name));
        report.stops.push(make(stop, &site));
    }
    session.watchdog.begin(format!("the end of the driver {}", line.name));
    let begin = Instant::now();
    let mut tally = Tally::new(site.driver.counters());
    let backend = site.driver.backend();
    drop(site);
    tally.descriptors_before = before;
    tally.descriptors_after = settled_descriptors(before);
    let finding = balance(&tally);
    report.stops.push(StopReport::new("balance", backend, begin.elapsed(), finding));
    report.counters = Some(tally);
    report
}

/// Makes one stop. A panic does not hold, and is no reason to leave out the stops behind it.
fn make<D: Toured>(stop: Stop<D>, site: &Site<D>) -> StopReport {
    let begin = Instant::now();
    let finding = catch_unwind(AssertUnwindSafe(|| (stop.visit)(site)));
    let finding = finding.unwrap_or_else(|panic| {
        Err(Failure::Broken(format!("it panicked: {}", message(panic.as_ref()))))
    });
    StopReport::new(stop.name, site.driver.backend(), begin.elapsed(), finding)
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// How many descriptors are open, once they are as many as `before`, or that takes too long: a
/// driver that is gone closes them from a thread of its own.
fn settled_descriptors(before: Option<usize>) -> Option<usize> {
    let begin = Instant::now();
    loop {
        let after = machine::open_descriptors();
        if after == before || begin.elapsed() > CLOSING_TIME {
            return after;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether everything that was taken was given back.
fn balance(tally: &Tally) -> Finding {
    equal("operations completed", tally.completed, tally.submitted)?;
    equal("operations in flight", tally.in_flight, 0)?;
    equal("unknown CQEs", tally.unknown_cqes, 0)?;
    equal("panics", tally.panics, 0)?;
    let done = format!("{} operations submitted, as many ended", tally.submitted);
    let (Some(before), Some(after)) = (tally.descriptors_before, tally.descriptors_after) else {
        return Ok(done);
    };
    equal("open descriptors", after, before)?;
    Ok(format!("{done}; no descriptor left open"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use ringbahn::{CancelTarget, Completion, Counters, Drive, Reservation, Shared};

    use super::*;
    use crate::tour::report::{Report, Verdict};
    use crate::tour::watchdog::Watchdog;

    fn balanced(change: fn(&mut Tally)) -> Finding {
        let mut tally = Tally::new(Counters::default());
        change(&mut tally);
        balance(&tally)
    }

    #[test]
    fn what_was_not_given_back_is_found() {
        balanced(|_| {}).unwrap();
        balanced(|tally| tally.submitted = 1).unwrap_err();
        balanced(|tally| tally.in_flight = 1).unwrap_err();
        balanced(|tally| tally.unknown_cqes = 1).unwrap_err();
        balanced(|tally| tally.panics = 1).unwrap_err();
        let descriptors = |tally: &mut Tally| {
            (tally.descriptors_before, tally.descriptors_after) = (Some(6), Some(7));
        };
        balanced(descriptors).unwrap_err();
    }

    /// A driver that takes no event.
    #[derive(Clone)]
    struct Refusing;

    impl Drive for Refusing {
        type Sharing = Shared;

        fn poll_prepare<'cx>(
            self: Pin<&mut Self>,
            _cx: &mut Context<'cx>,
            _count: u32,
            _prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
        ) -> Poll<io::Result<Completion<'cx>>> {
            Poll::Ready(Err(io::Error::other("refused")))
        }

        fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
            Poll::Ready(Ok(0))
        }

        fn cancel(self: Pin<&mut Self>, _target: CancelTarget) {}
    }

    impl Toured for Refusing {
        fn backend(&self) -> String {
            "none".to_owned()
        }

        fn queue_sizes(&self) -> (u32, u32) {
            (0, 0)
        }

        fn counters(&self) -> Counters {
            Counters::default()
        }

        async fn shut_down(&self, _deadline: Duration) -> ringbahn::Report {
            ringbahn::Report::default()
        }
    }

    fn line() -> Line {
        Line { name: "refusing", audience: "tests", tour: |_, _| unreachable!() }
    }

    fn session() -> Session {
        let directory = tempfile::tempdir().unwrap();
        let watchdog = Watchdog::new(directory.path().to_owned());
        Session { directory, watchdog }
    }

    #[test]
    fn a_driver_that_does_not_work_is_found_at_every_stop_and_is_status_1() {
        let session = session();
        let driver = visit(&line(), &session, || Ok(Refusing));
        let names: Vec<_> = driver.stops.iter().map(|stop| stop.name).collect();
        assert_eq!(names.len(), stops::<Refusing>().len() + 1);
        for stop in &driver.stops {
            // Other tests open and close files meanwhile, so the balance says nothing here.
            if stop.verdict != Verdict::Broken && stop.name != "balance" {
                let reason = (stop.verdict, &*stop.detail);
                assert_eq!(reason, (Verdict::Impossible, "this machine has no ::1"));
            }
        }
        assert_eq!(Report::new(session.directory.path(), vec![driver]).status, 1);
    }

    #[test]
    fn a_driver_that_cannot_be_built_is_status_2_and_says_why() {
        let session = session();
        let build = || Err::<Refusing, _>(io::Error::other("it is blocked; allow it"));
        let driver = visit(&line(), &session, build);
        assert_eq!(driver.unavailable.as_deref(), Some("it is blocked; allow it"));
        assert_eq!(Report::new(session.directory.path(), vec![driver]).status, 2);
    }

    #[test]
    fn a_stop_that_fails_or_panics_does_not_hold() {
        let site = Site::new(Refusing, Path::new("/tmp"));
        let verdict = |visit| {
            let made = make(Stop { name: "one", visit }, &site);
            (made.verdict, made.detail)
        };
        assert_eq!(verdict(|_| Ok("done".to_owned())), (Verdict::Held, "done".to_owned()));
        let broken = |_: &Site<_>| Err(Failure::Broken("byte 7 is wrong".to_owned()));
        assert_eq!(verdict(broken), (Verdict::Broken, "byte 7 is wrong".to_owned()));
        let panics = |_: &Site<_>| panic!("at stop {}", 7);
        assert_eq!(verdict(panics), (Verdict::Broken, "it panicked: at stop 7".to_owned()));
    }
}
