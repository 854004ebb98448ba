//! `cargo xtask test`: the tests of the workspace, those in the documentation included.
//!
//! They run with all features, but for the peers of the benchmarks. Without features everything is
//! only type-checked: a feature adds and never changes, so there is nothing else to run.

use crate::conformance;
use crate::features;
use crate::process::{Failure, Outcome, Program};
use crate::skips;

/// Checks the workspace without features, and runs its tests with all of them.
pub(crate) fn run() -> Result<Outcome, Failure> {
    Program::cargo(&["check", "--workspace", "--all-targets"]).run()?;
    let features = features::all_but_peers()?;
    let tests = features::cargo_arguments("test", &features, &["--no-fail-fast"]);
    skips::run_tests(conformance::with_table(Program::cargo(&tests)))
}
