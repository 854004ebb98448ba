//! What one operation costs over the raw ring, and how often it allocates.
//!
//! A batch of operations is submitted together and awaited together, as fast as one thread can.
//! The ways:
//!
//! | way | what it is |
//! |---|---|
//! | raw | the ring by hand: entries pushed, one enter, CQEs popped |
//! | submissions | each operation is a `Submission` of its own, all polled by one future |
//! | tasks | each operation is awaited by a task of its own on a `LocalExecutor` |

use std::process::ExitCode;
use std::time::Instant;

use crate::sample::Sample;

mod raw;
mod ringbahn;

/// How many operations one figure is made of.
const OPERATIONS: usize = 100_000;

/// How often each way has its turn.
const ROUNDS: usize = 15;

const BATCHES: [usize; 4] = [1, 8, 32, 128];

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

pub(crate) fn run() -> ExitCode {
    for (work, name) in [(Work::Nop, "NOP"), (Work::Read, "read of 64 bytes from /dev/zero")] {
        println!("{name}: nanoseconds for each operation, median of {ROUNDS} rounds [quartiles]");
        println!(
            "{:>5} {:>12} {:<14} {:>24} {:>12}",
            "batch", "raw", "way", "over raw", "allocations"
        );
        for batch in BATCHES {
            if let Err(error) = compare(work, batch) {
                eprintln!("there is no ring to measure: {error}");
                return ExitCode::FAILURE;
            }
        }
        println!();
    }
    ExitCode::SUCCESS
}

fn compare(work: Work, batch: usize) -> std::io::Result<()> {
    let mut raw = raw::Raw::new(work, batch)?;
    let mut ways: Vec<(&str, Box<dyn Way>, Sample)> = Vec::new();
    for (name, way) in ringbahn::ways(work, batch)? {
        ways.push((name, way, Sample::default()));
    }
    let mut base = Sample::default();
    for round in 0..=ROUNDS {
        let figure = time(&mut raw);
        // The first round warms up.
        if round > 0 {
            base.push(figure);
        }
        for (_, way, sample) in &mut ways {
            let figure = time(way.as_mut());
            if round > 0 {
                sample.push(figure);
            }
        }
    }
    for (name, way, sample) in &mut ways {
        let over = sample.over(&base);
        let (low, high) = over.spread();
        let counted = allocation_counter::measure(|| way.run(OPERATIONS));
        println!(
            "{batch:>5} {:>12.1} {name:<14} {:>+8.1} [{low:>+5.1}, {high:>+5.1}] {:>12.3}",
            base.median(),
            over.median(),
            counted.count_total as f64 / OPERATIONS as f64,
        );
    }
    Ok(())
}

fn time(way: &mut dyn Way) -> f64 {
    let start = Instant::now();
    way.run(OPERATIONS);
    start.elapsed().as_nanos() as f64 / OPERATIONS as f64
}
