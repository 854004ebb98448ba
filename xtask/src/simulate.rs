//! `cargo xtask simulate`: random operations on the simulated kernel, under random faults.
//!
//! It is the test `swarm` of ringbahn-sim, in a release build. An ordinary test run does some ten
//! thousand operations; the variables set here make it do more, and say on which seeds. The test
//! prints the counts; one that fails prints its seed.

use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

const PACKAGE: &str = "ringbahn-sim";

/// How much is to be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    operations: u64,
    seeds: u64,
    first: u64,
}

impl Options {
    /// What the arguments of the command ask for.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, Failure> {
        let mut options = Options { operations: 2_000_000, seeds: 200, first: 0 };
        let words: Vec<&str> = arguments.iter().flat_map(|word| word.split('=')).collect();
        for pair in words.chunks(2) {
            let number = pair.get(1).and_then(|number| number.replace('_', "").parse().ok());
            match (pair[0], number) {
                ("--operations", Some(number)) => options.operations = number,
                ("--seeds", Some(number)) if number > 0 => options.seeds = number,
                ("--first", Some(number)) => options.first = number,
                _ => {
                    let given = arguments.join(" ");
                    return Err(Failure(format!(
                        "`{given}` is not understood; usage: cargo xtask simulate \
                         [--operations N] [--seeds N] [--first N]"
                    )));
                }
            }
        }
        Ok(options)
    }
}

/// Runs the simulations.
pub(crate) fn run(options: Options) -> Result<Outcome, Failure> {
    if !workspace::crates_with_test("sim")?.iter().any(|name| name == PACKAGE) {
        return Ok(Outcome::NotRun(format!("{PACKAGE} has no test file tests/sim.rs")));
    }
    let test = ["test", "--release", "--package", PACKAGE, "--test", "sim"];
    let to_the_test = ["--", "--nocapture", "swarm::swarm"];
    let program = Program::cargo(&[&test[..], &to_the_test].concat())
        .env("RINGBAHN_SIM_OPERATIONS", options.operations.to_string())
        .env("RINGBAHN_SIM_SEEDS", options.seeds.to_string())
        .env("RINGBAHN_SIM_FIRST_SEED", options.first.to_string());
    skips::run_tests(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_understood() {
        let options = Options::parse(&[]).expect("defaults");
        assert_eq!((options.operations, options.seeds, options.first), (2_000_000, 200, 0));
        let options = Options::parse(&["--operations", "5_000", "--seeds=3"]).expect("numbers");
        assert_eq!((options.operations, options.seeds), (5000, 3));
    }

    #[test]
    fn anything_else_is_an_error() {
        for arguments in [&["--operations"][..], &["--seeds", "0"], &["25"], &["--first", "x"]] {
            assert!(Options::parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
