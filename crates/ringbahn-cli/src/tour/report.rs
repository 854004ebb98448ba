//! [`Report`]: the results of a tour, and the exit status they amount to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ringbahn_drivers::Counters;
use serde::Serialize;

use super::finding::{Failure, Finding};
use super::machine;

/// The results of a tour.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) version: &'static str,
    pub(crate) kernel: String,
    pub(crate) directory: PathBuf,
    pub(crate) drivers: Vec<DriverReport>,
    pub(crate) summary: String,
    /// The exit status of the command.
    pub(crate) status: u8,
}

/// What was found on one driver.
#[derive(Debug, Serialize)]
pub(crate) struct DriverReport {
    pub(crate) name: &'static str,
    pub(crate) audience: &'static str,
    /// Why the driver cannot be built here, and what to do about it.
    pub(crate) unavailable: Option<String>,
    pub(crate) stops: Vec<StopReport>,
    pub(crate) counters: Option<Tally>,
}

/// What was found at one stop.
#[derive(Debug, Serialize)]
pub(crate) struct StopReport {
    pub(crate) name: &'static str,
    pub(crate) backend: String,
    pub(crate) verdict: Verdict,
    /// What was done; where it did not hold, what was found instead.
    pub(crate) detail: String,
    pub(crate) duration_us: u64,
}

/// Whether a stop held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Held,
    /// It did not hold: a defect of the library, or of the machine.
    Broken,
    /// It could not be tried on this machine. That is no pass.
    Impossible,
}

impl StopReport {
    pub(crate) fn new(
        name: &'static str,
        backend: String,
        duration: Duration,
        finding: Finding,
    ) -> StopReport {
        let (verdict, detail) = match finding {
            Ok(done) => (Verdict::Held, done),
            Err(Failure::Broken(found)) => (Verdict::Broken, found),
            Err(Failure::Impossible(reason)) => (Verdict::Impossible, reason),
        };
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        StopReport { name, backend, verdict, detail, duration_us }
    }
}

impl Report {
    pub(crate) fn new(directory: &Path, drivers: Vec<DriverReport>) -> Report {
        let mut report = Report {
            version: env!("CARGO_PKG_VERSION"),
            kernel: machine::kernel(),
            directory: directory.to_owned(),
            drivers,
            summary: String::new(),
            status: 0,
        };
        report.summary = report.summarize();
        report.status = report.status();
        report
    }

    /// The drivers that could not be built, and why.
    pub(crate) fn unavailable(&self) -> impl Iterator<Item = String> {
        self.drivers.iter().filter_map(|driver| {
            let reason = driver.unavailable.as_ref()?;
            Some(format!("the driver {} is not available: {reason}", driver.name))
        })
    }

    /// The stops with a verdict, each with the name of its driver.
    fn with(&self, verdict: Verdict) -> Vec<String> {
        let of_driver = |driver: &DriverReport| {
            let name = driver.name;
            let stops = driver.stops.iter().filter(move |stop| stop.verdict == verdict);
            stops.map(move |stop| format!("{} on {name}", stop.name)).collect::<Vec<_>>()
        };
        self.drivers.iter().flat_map(of_driver).collect()
    }

    fn status(&self) -> u8 {
        if !self.with(Verdict::Broken).is_empty() {
            return 1;
        }
        let nothing_held = self.with(Verdict::Held).is_empty();
        if nothing_held || self.unavailable().next().is_some() { 2 } else { 0 }
    }

    fn summarize(&self) -> String {
        let [held, broken, impossible] =
            [Verdict::Held, Verdict::Broken, Verdict::Impossible].map(|verdict| self.with(verdict));
        let visited = self.drivers.iter().filter(|driver| !driver.stops.is_empty()).count();
        if visited == 0 {
            return "no driver is available, so nothing was tried".to_owned();
        }
        let tried = held.len() + broken.len();
        let tour = format!("{} on {}", counted(tried, "stop"), counted(visited, "driver"));
        let mut summary = if broken.is_empty() {
            format!("{tour}, all held")
        } else {
            format!("{tour}, {} did not hold: {}", broken.len(), broken.join(", "))
        };
        if !impossible.is_empty() {
            summary += &format!("; not possible here: {}", impossible.join(", "));
        }
        let missing = self.unavailable().count();
        if missing > 0 {
            summary += &format!("; {} not available", counted(missing, "driver"));
        }
        summary
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The counters of a driver at the end, and the descriptors of the process.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Tally {
    pub(crate) submitted: u64,
    pub(crate) completed: u64,
    pub(crate) in_flight: u64,
    pub(crate) cancelled: u64,
    pub(crate) disposed: u64,
    pub(crate) repeated: u64,
    pub(crate) served_at_once: u64,
    pub(crate) enters: u64,
    pub(crate) failed_enters: u64,
    pub(crate) full_queue_waits: u64,
    pub(crate) overflows: u64,
    pub(crate) unknown_cqes: u64,
    pub(crate) panics: u64,
    /// Open before the driver was built, and after it was gone, where that can be told.
    pub(crate) descriptors_before: Option<usize>,
    pub(crate) descriptors_after: Option<usize>,
}

impl Tally {
    pub(crate) fn new(counters: Counters) -> Tally {
        Tally {
            submitted: counters.submitted,
            completed: counters.completed,
            in_flight: counters.in_flight,
            cancelled: counters.cancelled,
            disposed: counters.disposed,
            repeated: counters.repeated,
            served_at_once: counters.served_at_once,
            enters: counters.enters,
            failed_enters: counters.failed_enters,
            full_queue_waits: counters.full_queue_waits,
            overflows: counters.overflows,
            unknown_cqes: counters.unknown_cqes,
            panics: counters.panics,
            descriptors_before: None,
            descriptors_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> Finding {
        Err(Failure::Broken("byte 7 is wrong".to_owned()))
    }

    fn impossible() -> Finding {
        Err(Failure::Impossible("no ::1".to_owned()))
    }

    fn driver(name: &'static str, findings: Vec<Finding>) -> DriverReport {
        let stops = findings.into_iter().zip(["one", "two", "three"]).map(|(finding, name)| {
            StopReport::new(name, "io_uring".to_owned(), Duration::from_millis(1), finding)
        });
        let stops = stops.collect();
        DriverReport { name, audience: "tests", unavailable: None, stops, counters: None }
    }

    fn unavailable() -> DriverReport {
        DriverReport { unavailable: Some("it is blocked".to_owned()), ..driver("away", vec![]) }
    }

    fn end(drivers: Vec<DriverReport>) -> (u8, String) {
        let report = Report::new(Path::new("/tmp"), drivers);
        (report.status, report.summary)
    }

    #[test]
    fn all_that_held_is_status_0() {
        let held = || Ok("done".to_owned());
        let drivers = vec![driver("a", vec![held(), held()]), driver("b", vec![held()])];
        assert_eq!(end(drivers), (0, "3 stops on 2 drivers, all held".to_owned()));
    }

    #[test]
    fn what_did_not_hold_is_status_1_and_named() {
        let findings = vec![Ok("done".to_owned()), broken(), impossible()];
        let drivers = vec![driver("a", findings), unavailable()];
        let summary = "2 stops on 1 driver, 1 did not hold: two on a; not possible here: three on \
                       a; 1 driver not available";
        assert_eq!(end(drivers), (1, summary.to_owned()));
    }

    #[test]
    fn what_cannot_be_tried_is_no_failure_and_no_pass() {
        let drivers = vec![driver("a", vec![Ok("done".to_owned()), impossible()])];
        let summary = "1 stop on 1 driver, all held; not possible here: two on a";
        assert_eq!(end(drivers), (0, summary.to_owned()));
        assert_eq!(end(vec![driver("a", vec![impossible()])]).0, 2);
    }

    #[test]
    fn without_the_driver_it_is_status_2() {
        let summary = "no driver is available, so nothing was tried";
        assert_eq!(end(vec![unavailable()]), (2, summary.to_owned()));
        let drivers = vec![unavailable(), driver("a", vec![Ok("done".to_owned())])];
        assert_eq!(end(drivers).0, 2);
        let report = Report::new(Path::new("/tmp"), vec![unavailable()]);
        let reasons: Vec<_> = report.unavailable().collect();
        assert_eq!(reasons, ["the driver away is not available: it is blocked"]);
    }
}
