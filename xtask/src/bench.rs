//! `cargo xtask bench-op`, `bench-hot`, `bench-sim`, …: the commands of the benchmark tool.
//!
//! | command | what it measures |
//! |---|---|
//! | `bench-echo` | what an echoed message and an idle connection cost a server, over the raw ring |
//! | `bench-op` | what one operation costs over the raw ring, and how often it allocates |
//! | `bench-hot` | what data costs that is in memory already, beside std and tokio |
//! | `bench-sim` | how many operations a simulation makes in a second |
//! | `bench-timers` | what a timer costs among a million: time and memory |

use crate::process::{Failure, Outcome, Program};

/// Runs `command` of the tool, and passes `arguments` on.
pub(crate) fn run(command: &str, arguments: &[&str]) -> Result<Outcome, Failure> {
    let tool = ["run", "--release", "--quiet", "--package", "ringbahn-bench", "--", command];
    Program::cargo(&[&tool[..], arguments].concat()).run()?;
    Ok(Outcome::Done)
}
