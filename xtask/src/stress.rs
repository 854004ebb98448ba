//! `cargo xtask stress`: random operations, drops and cancels on real rings with tiny queues.
//!
//! It is the test `stress` of ringbahn-drivers. An ordinary test run does a few thousand
//! operations; `RINGBAHN_STRESS_OPERATIONS` makes it do more.

use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

const PACKAGE: &str = "ringbahn-drivers";

/// How many operations are run where nobody says otherwise.
pub(crate) const OPERATIONS_DEFAULT: u64 = 1_000_000;

/// The number of operations that the arguments of the command ask for.
pub(crate) fn operations(arguments: &[&str]) -> Result<u64, Failure> {
    let number = match arguments {
        [] => return Ok(OPERATIONS_DEFAULT),
        ["--operations", number] => number,
        [argument] => match argument.strip_prefix("--operations=") {
            Some(number) => number,
            None => return Err(usage(arguments)),
        },
        _ => return Err(usage(arguments)),
    };
    number.replace('_', "").parse().map_err(|_| usage(arguments))
}

fn usage(arguments: &[&str]) -> Failure {
    let given = arguments.join(" ");
    Failure(format!("`{given}` is not understood; usage: cargo xtask stress [--operations N]"))
}

/// Runs the stress test with so many operations.
pub(crate) fn run(operations: u64) -> Result<Outcome, Failure> {
    if !workspace::crates_with_test("stress")?.iter().any(|name| name == PACKAGE) {
        return Ok(Outcome::NotRun(format!("{PACKAGE} has no test file tests/stress.rs")));
    }
    let arguments = ["test", "--release", "--package", PACKAGE, "--test", "stress"];
    let to_the_test = ["--", "--include-ignored", "--nocapture"];
    let program = Program::cargo(&[&arguments[..], &to_the_test].concat())
        .env("RINGBAHN_STRESS_OPERATIONS", operations.to_string());
    skips::run_tests(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_operations_is_understood() {
        assert_eq!(operations(&[]).expect("a default"), OPERATIONS_DEFAULT);
        assert_eq!(operations(&["--operations", "25"]).expect("a number"), 25);
        assert_eq!(operations(&["--operations=2_000"]).expect("a number"), 2_000);
    }

    #[test]
    fn anything_else_is_an_error() {
        for arguments in [&["--operations"][..], &["--operations", "many"], &["25"], &["a", "b"]] {
            assert!(operations(arguments).is_err(), "{arguments:?}");
        }
    }
}
