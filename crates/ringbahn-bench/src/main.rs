//! The command `ringbahn-bench`: the benchmarks of [`ringbahn_bench`], by themselves.

use std::process::ExitCode;

use clap::Parser;
use ringbahn_bench::Job;

/// Benchmarks of ringbahn
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    job: Job,
}

fn main() -> ExitCode {
    match ringbahn_bench::run(&Arguments::parse().job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
