//! [`Progress`]: what a person sees while it is measured.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::case::Case;

/// What a person sees while it is measured.
///
/// On a terminal it is a bar, which goes by what is still to be measured and how long that takes,
/// so that the time it tells is right even where cases differ. Elsewhere it is a line for each
/// case.
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Instant,
    /// How many cases there are, and how many of them have begun.
    cases: usize,
    begun: Cell<usize>,
}

impl Progress {
    /// So many cases, which take so long.
    pub(crate) fn new(cases: usize, all: Duration) -> Progress {
        let style =
            "{bar:24} {percent:>3} % {elapsed_precise}, {eta_precise} to go  {prefix}: {msg}";
        let style = ProgressStyle::with_template(style).expect("the template is right");
        let bar = ProgressBar::new(milliseconds(all)).with_style(style);
        Progress { bar, began: Instant::now(), cases, begun: Cell::new(0) }
    }

    /// A case begins.
    pub(crate) fn case(&self, case: &Case) {
        self.begun.set(self.begun.get() + 1);
        if self.bar.is_hidden() {
            let elapsed = self.began.elapsed();
            let (left, elapsed) = (HumanDuration(self.left(elapsed)), HumanDuration(elapsed));
            let (begun, cases) = (self.begun.get(), self.cases);
            eprintln!("{begun} of {cases}: {case} (after {elapsed}, about {left} to go)");
        }
        self.bar.set_prefix(case.to_string());
    }

    /// How long it takes from now on, if all is as much slower than planned as what is done was.
    fn left(&self, elapsed: Duration) -> Duration {
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let left = Duration::from_millis(all.saturating_sub(done));
        let slower = elapsed.as_secs_f64() * 1000.0 / done.max(1) as f64;
        if done == 0 { left } else { left.mul_f64(slower.min(10.0)) }
    }

    /// It is the turn of this contender.
    pub(crate) fn turn(&self, contender: &'static str) {
        self.bar.set_message(contender);
    }

    /// Something is done that was to take so long.
    pub(crate) fn step(&self, duration: Duration) {
        self.bar.inc(milliseconds(duration));
    }

    /// Something is left out that was to take so long: there is less to do, and nothing was done.
    pub(crate) fn skip(&self, duration: Duration) {
        let length = self.bar.length().unwrap_or(0);
        self.bar.set_length(length.saturating_sub(milliseconds(duration)));
    }

    /// Prints a line beside the bar.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| println!("{line}"));
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_slower_than_planned_is_waited_for_as_long() {
        let progress = Progress::new(2, Duration::from_secs(10));
        assert_eq!(progress.left(Duration::from_secs(1)), Duration::from_secs(10));
        progress.step(Duration::from_secs(4));
        assert_eq!(progress.left(Duration::from_secs(8)), Duration::from_secs(12));
    }

    #[test]
    fn what_is_left_out_is_not_waited_for() {
        let progress = Progress::new(2, Duration::from_secs(10));
        progress.step(Duration::from_secs(4));
        progress.skip(Duration::from_secs(6));
        assert_eq!(progress.left(Duration::from_secs(8)), Duration::ZERO);
        assert_eq!((progress.bar.position(), progress.bar.length()), (4000, Some(4000)));
        progress.end();
    }
}
