//! `cargo xtask bench-op`: what one operation costs over the raw ring, and how often it allocates.
//!
//! It runs the command `op` of the benchmark tool, and passes its arguments on.

use crate::process::{Failure, Outcome, Program};

pub(crate) fn run(arguments: &[&str]) -> Result<Outcome, Failure> {
    let command = ["run", "--release", "--quiet", "--package", "ringbahn-bench", "--", "op"];
    Program::cargo(&[&command[..], arguments].concat()).run()?;
    Ok(Outcome::Done)
}
