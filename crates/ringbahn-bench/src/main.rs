//! Benchmarks of ringbahn.
//!
//! Whatever is compared is measured in one run, in turns, so that what the machine does besides
//! falls on all alike. Figures are medians, with the spread of the middle half.
//!
//! | command | what it measures |
//! |---|---|
//! | `hot` | what data costs that is in memory already, beside std and tokio |
//! | `op` | the cost of one operation over the raw ring, and its allocations |

mod hot;
mod op;
mod sample;

fn main() -> std::process::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("hot") => match hot::run() {
            Ok(()) => std::process::ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                std::process::ExitCode::FAILURE
            }
        },
        Some("op") => op::run(),
        _ => {
            eprintln!("usage: ringbahn-bench hot | op");
            std::process::ExitCode::from(2)
        }
    }
}
