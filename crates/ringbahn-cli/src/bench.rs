//! `ringbahn bench`: the benchmarks of `ringbahn-bench`.

use std::process::ExitCode;

use crate::arguments::BenchArguments;

pub(crate) fn run(arguments: &BenchArguments) -> ExitCode {
    match ringbahn_bench::run(&arguments.job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringbahn: {error}");
            ExitCode::FAILURE
        }
    }
}
