//! What one operation costs over the raw ring, and how often it allocates.
//!
//! A batch of operations is submitted together and awaited together, as fast as one thread can.
//! The ways:
//!
//! | way | what it is |
//! |---|---|
//! | raw | the ring by hand: entries pushed, one enter, CQEs popped |
//! | submissions | each operation is a `Submission` of its own, all polled by one future |
//! | restarted | the same, with each submission restarted, so that its memory serves again |
//! | tasks | each operation is awaited by a task of its own on a `LocalExecutor` |
//! | shared | as `submissions`, on the driver that threads share |
//! | tokio-shared | each operation is awaited by a task of tokio, on one thread, with that driver |
//! | tokio-hosted | the same, with the driver that lives in the runtime |
//!
//! What is measured is the time that the thread has run, in the program and in the kernel: an
//! operation's work is done by this thread, and what other programs do does not count.

use std::error::Error;
use std::io;

use rustix::time::{ClockId, clock_gettime};

use crate::allocations;
use crate::sample::Sample;

mod options;
mod raw;
mod ringbahn;

use options::Options;

/// How often each way has its turn.
const ROUNDS: usize = 15;

/// What is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Nothing.
    Nop,
    /// A read of 64 bytes from `/dev/zero`.
    Read,
}

/// One way of doing it: as many operations as asked for, in batches.
pub(crate) trait Way {
    fn run(&mut self, operations: usize);
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let options = Options::parse(arguments)?;
    for &(work, name) in &options.works {
        println!("{name}: nanoseconds for each operation, median of {ROUNDS} rounds [quartiles]");
        println!(
            "{:>5} {:>12} {:<14} {:>24} {:>12}",
            "batch", "raw", "way", "over raw", "allocations"
        );
        for &batch in &options.batches {
            compare(work, batch, &options)
                .map_err(|error| format!("there is no ring to measure: {error}"))?;
        }
        println!();
    }
    Ok(())
}

fn compare(work: Work, batch: usize, options: &Options) -> io::Result<()> {
    if options.way.as_deref() == Some("raw") {
        println!("{batch:>5} {:>12.1}", time(&mut raw::Raw::new(work, batch)?, options.operations));
        return Ok(());
    }
    let mut raw = raw::Raw::new(work, batch)?;
    let mut ways = ringbahn::ways(work, batch)?;
    if let Some(only) = &options.way {
        ways.retain(|(name, ..)| name == only);
    }
    let mut samples = vec![Sample::default(); ways.len()];
    let mut base = Sample::default();
    // The first round warms up.
    for round in 0..=ROUNDS {
        let figure = time(&mut raw, options.operations);
        if round > 0 {
            base.push(figure);
        }
        for ((_, way), sample) in ways.iter_mut().zip(&mut samples) {
            let figure = time(way.as_mut(), options.operations);
            if round > 0 {
                sample.push(figure);
            }
        }
    }
    for ((name, way), sample) in ways.iter_mut().zip(&samples) {
        let over = sample.over(&base);
        let (low, high) = over.spread();
        let allocations = allocations::count(|| way.run(options.operations));
        println!(
            "{batch:>5} {:>12.1} {name:<14} {:>+8.1} [{low:>+5.1}, {high:>+5.1}] {:>12.3}",
            base.median(),
            over.median(),
            allocations as f64 / options.operations as f64,
        );
    }
    Ok(())
}

/// Nanoseconds of this thread for each operation.
fn time(way: &mut dyn Way, operations: usize) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    };
    let start = now();
    way.run(operations);
    (now() - start) / operations as f64
}
