//! `cargo xtask stress`: random operations, drops and cancels on real rings with tiny queues.
//!
//! Two kinds of tests. `stress` of ringbahn-drivers does random things; an ordinary test run does
//! a few thousand operations, and `RINGBAHN_STRESS_OPERATIONS` makes it do more. The tests of
//! ringbahn named `…_in_long_select` read and accept in loops that drop what they wait for again
//! and again; `RINGBAHN_SELECT_TURNS` says how often.

use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

const PACKAGE: &str = "ringbahn-drivers";

/// The tests of ringbahn that are loops.
const LOOPS: [&str; 2] = ["read_in_long_select", "accept_in_long_select"];

/// Each of the loops, which are twenty, makes one turn for so many operations.
const OPERATIONS_PER_TURN: u64 = 10;

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

/// Runs the stress test with so many operations, and the loops with a tenth as many turns each.
pub(crate) fn run(operations: u64) -> Result<Outcome, Failure> {
    if !workspace::crates_with_test("stress")?.iter().any(|name| name == PACKAGE) {
        return Ok(Outcome::NotRun(format!("{PACKAGE} has no test file tests/stress.rs")));
    }
    let packages = ["test", "--release", "--package", PACKAGE, "--package", "ringbahn"];
    let tests = ["stress", LOOPS[0], LOOPS[1]].map(|test| ["--test", test]).concat();
    let to_the_tests = ["--", "--include-ignored", "--nocapture"];
    let program = Program::cargo(&[&packages[..], &tests, &to_the_tests].concat())
        .env("RINGBAHN_STRESS_OPERATIONS", operations.to_string())
        .env("RINGBAHN_SELECT_TURNS", turns(operations).to_string());
    skips::run_tests(program)
}

/// How many turns the loops make: enough that each has something to do.
fn turns(operations: u64) -> u64 {
    (operations / OPERATIONS_PER_TURN).max(1000)
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
    fn the_loops_make_a_hundred_thousand_turns_unless_told() {
        assert_eq!(turns(OPERATIONS_DEFAULT), 100_000);
        assert_eq!(turns(25), 1000);
    }

    #[test]
    fn the_loops_are_there() {
        let files = workspace::files(".rs").expect("listed");
        for test in LOOPS {
            assert!(files.contains(&format!("crates/ringbahn/tests/{test}.rs")), "{test}");
        }
    }

    #[test]
    fn anything_else_is_an_error() {
        for arguments in [&["--operations"][..], &["--operations", "many"], &["25"], &["a", "b"]] {
            assert!(operations(arguments).is_err(), "{arguments:?}");
        }
    }
}
