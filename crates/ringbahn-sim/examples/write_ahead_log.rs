//! A write-ahead log that believes every write to be whole, and the simulation that finds it out.
//!
//! ```text
//! cargo run --release --example write_ahead_log -- 100000
//! ```
//!
//! runs the log with its bug until a seed shows it, and the mended one for as many seeds as asked
//! for, a thousand if not.

use std::process::ExitCode;
use std::time::Instant;

#[path = "write_ahead_log/log.rs"]
mod log;

use log::{Append, simulate};

fn main() -> ExitCode {
    let seeds = match std::env::args().nth(1).map(|number| number.parse()) {
        None => 1000,
        Some(Ok(seeds)) => seeds,
        Some(Err(_)) => {
            eprintln!("usage: write_ahead_log [number of seeds]");
            return ExitCode::FAILURE;
        }
    };

    let begin = Instant::now();
    let found = ringbahn_sim::seeds(0..u64::MAX)
        .find_map(|seed| simulate(seed, Append::Believing).err().map(|lost| (seed, lost)));
    match found {
        Some((seed, lost)) => {
            println!("believing: seed {seed} shows it after {:?}: {lost}", begin.elapsed());
        }
        None => println!("believing: this seed does not show it"),
    }

    let begin = Instant::now();
    for seed in ringbahn_sim::seeds(0..seeds) {
        if let Err(lost) = simulate(seed, Append::Whole) {
            println!("whole: seed {seed}: {lost}");
            return ExitCode::FAILURE;
        }
    }
    println!("whole: {seeds} seeds have lost nothing, in {:?}", begin.elapsed());
    ExitCode::SUCCESS
}
