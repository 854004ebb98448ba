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
//! | sharded | the same, on the driver of several rings, of which it uses one |
//! | sqpoll | the same, on the driver whose entries a thread of the kernel takes |
//!
//! The last three start threads, after which allocating is slower in the whole process. So they are
//! measured when the others have been, beside the raw ring once more.
//!
//! What is measured is the time that the thread has run, in the program and in the kernel: an
//! operation's work is done by this thread, and what other programs do does not count. Nor does
//! what the kernel's thread does, or a helper thread: of those ways it is what they cost the
//! program's own thread.

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
    for threads in [false, true] {
        for &(work, name) in &options.works {
            table(work, name, threads, &options)?;
        }
    }
    Ok(())
}

/// Compares the ways that start threads, or those that do not.
fn table(work: Work, name: &str, threads: bool, options: &Options) -> Result<(), Box<dyn Error>> {
    let mut begun = false;
    for &batch in &options.batches {
        let mut ways = ringbahn::ways(work, batch)?;
        let only = options.way.as_deref();
        ways.retain(|way| way.threads == threads && only.is_none_or(|only| only == way.name));
        let raw_alone = only == Some("raw") && !threads;
        if ways.is_empty() && !raw_alone {
            continue;
        }
        if !std::mem::replace(&mut begun, true) {
            println!(
                "{name}: nanoseconds for each operation, median of {ROUNDS} rounds [quartiles]"
            );
            println!(
                "{:>5} {:>12} {:<14} {:>24} {:>12}",
                "batch", "raw", "way", "over raw", "allocations"
            );
        }
        compare(work, batch, ways, options)
            .map_err(|error| format!("there is no ring to measure: {error}"))?;
    }
    if begun {
        println!();
    }
    Ok(())
}

/// Compares `ways`, each of which begins here, with the raw ring; without any, measures that alone.
fn compare(
    work: Work,
    batch: usize,
    ways: Vec<ringbahn::Candidate>,
    options: &Options,
) -> io::Result<()> {
    let mut raw = raw::Raw::new(work, batch)?;
    if ways.is_empty() {
        println!("{batch:>5} {:>12.1}", time(&mut raw, options.operations));
        return Ok(());
    }
    let begin = |way: ringbahn::Candidate| Ok((way.name, way.begin()?));
    let mut ways = ways.into_iter().map(begin).collect::<io::Result<Vec<_>>>()?;
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
