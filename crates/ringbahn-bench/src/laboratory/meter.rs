//! [`Meter`]: decides how long a workload goes on, and measures the part that counts.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::contender::Backend;
use super::ground::Ground;
use super::snapshot::{self, Snapshot, SystemCalls, Used};

/// Decides how long a workload goes on, and measures the part that counts.
///
/// A workload is done in laps, of some ten microseconds to some ten milliseconds each, at whose
/// ends little or nothing is in flight:
///
/// ```ignore
/// while meter.goes_on() {
///     // … some operations …
///     meter.did(operations);
/// }
/// ```
///
/// The first laps warm up, and are not measured.
pub(crate) struct Meter {
    ground: Ground,
    timed_one_of: Option<u32>,
    began: Instant,
    warm_up: Duration,
    measured: Duration,
    system_calls: Option<SystemCalls>,
    start: Option<Snapshot>,
    end: Option<Snapshot>,
    operations: u64,
    latencies: Histogram<u64>,
    backend: Option<Backend>,
}

/// What a meter has measured.
pub(crate) struct Reading {
    pub(crate) used: Used,
    pub(crate) operations: u64,
    pub(crate) latencies: Histogram<u64>,
}

/// Latencies of one task, which it hands to the meter at the end of a lap, or of its life.
///
/// Each task has its own, since tasks of some contenders are on several threads.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    one_of: Option<u32>,
    passed: u32,
    taken: Vec<u64>,
}

impl Meter {
    pub(crate) fn new(
        ground: Ground,
        timed_one_of: Option<u32>,
        warm_up: Duration,
        measured: Duration,
        system_calls: Option<SystemCalls>,
    ) -> Meter {
        Meter {
            ground,
            timed_one_of,
            began: Instant::now(),
            warm_up,
            measured,
            system_calls,
            start: None,
            end: None,
            operations: 0,
            latencies: histogram(),
            backend: None,
        }
    }

    /// The files to work on.
    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Whether there is another lap to go. Called before each of them.
    pub(crate) fn goes_on(&mut self) -> bool {
        match &self.start {
            None if self.began.elapsed() < self.warm_up => true,
            None => {
                self.operations = 0;
                self.latencies.clear();
                self.began = Instant::now();
                self.start = Some(Snapshot::take(self.system_calls.as_mut()));
                true
            }
            Some(_) if self.began.elapsed() < self.measured => true,
            Some(_) => {
                self.end = Some(Snapshot::take(self.system_calls.as_mut()));
                // What it has used is still open, and will be gone when the workload returns.
                self.backend = snapshot::backend().ok();
                false
            }
        }
    }

    /// A lap was one of so many operations.
    pub(crate) fn did(&mut self, operations: u64) {
        self.operations += operations;
    }

    /// A stopwatch for a task.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        Stopwatch { one_of: self.timed_one_of, passed: 0, taken: Vec::new() }
    }

    /// Takes the latencies of a task over, and leaves its stopwatch empty.
    pub(crate) fn took(&mut self, stopwatch: &mut Stopwatch) {
        for nanoseconds in stopwatch.taken.drain(..) {
            self.latencies.saturating_record(nanoseconds);
        }
    }

    /// By what means the work was done; `None` before it has been.
    pub(crate) fn backend(&self) -> Option<Backend> {
        self.backend
    }

    /// What was measured; `None` if the workload has not gone on for long enough.
    pub(crate) fn read(self) -> Option<Reading> {
        let used = self.start?.until(&self.end?);
        Some(Reading { used, operations: self.operations, latencies: self.latencies })
    }
}

impl Stopwatch {
    /// An operation begins. `None` if it is one of those that are not timed.
    pub(crate) fn start(&mut self) -> Option<Instant> {
        let one_of = self.one_of?;
        self.passed = (self.passed + 1) % one_of;
        (self.passed == 0).then(Instant::now)
    }

    /// The operation that began with `start` has ended.
    pub(crate) fn stop(&mut self, start: Option<Instant>) {
        if let Some(start) = start {
            self.taken.push(start.elapsed().as_nanos() as u64);
        }
    }
}

/// A histogram for nanoseconds up to a minute, with three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order")
}
