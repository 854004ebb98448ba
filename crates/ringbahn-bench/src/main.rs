//! Benchmarks of ringbahn.
//!
//! Whatever is compared is measured in one run, in turns, so that what the machine does besides
//! falls on all alike. Figures are medians, with the spread of the middle half.
//!
//! | command | what it measures |
//! |---|---|
//! | `echo` | what an echoed message and an idle connection cost a server, over the raw ring |
//! | `hot` | what data costs that is in memory already, beside std and tokio |
//! | `op` | the cost of one operation over the raw ring, and its allocations |
//! | `sim` | how many operations a simulation makes in a second |
//! | `timers` | what a timer costs among a million: time and memory |

use std::process::ExitCode;

mod allocations;
mod echo;
mod hot;
mod op;
mod sample;
mod sim;
mod timers;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ran = match arguments.split_first() {
        Some((command, rest)) if command == "op" => op::run(rest),
        Some((command, rest)) if command == "echo" => echo::run(rest),
        Some((command, [])) if command == "hot" => hot::run(),
        Some((command, [])) if command == "sim" => sim::run(),
        Some((command, rest)) if command == "timers" => timers::run(rest),
        _ => {
            Err("usage: ringbahn-bench echo [options] | hot | op [options] | sim | timers [number]"
                .into())
        }
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
