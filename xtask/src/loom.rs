//! `cargo xtask loom`: the concurrency models, `tests/loom*.rs` of the crates that have them.
//!
//! They are built with `--cfg loom`, which replaces the crates' atomics, locks and cells by those
//! of the model checker. That needs another build of everything, so it has its own directory.

use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

/// Runs every model.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let crates = workspace::crates_with_test("loom")?;
    if crates.is_empty() {
        return Ok(Outcome::NotRun("no crate has a test file tests/loom*.rs".to_string()));
    }
    let mut arguments = vec!["test", "--release"];
    for name in &crates {
        arguments.extend(["--package", name]);
    }
    arguments.extend(["--test", "loom*"]);
    let program = Program::cargo(&arguments)
        .env("CARGO_TARGET_DIR", workspace::target_of("loom"))
        .env("RUSTFLAGS", "--cfg loom")
        // Three preemptions find what is findable in practice, and keep a model to seconds.
        .env_default("LOOM_MAX_PREEMPTIONS", "3")
        .env_default("LOOM_MAX_BRANCHES", "10000");
    skips::run_tests(program)
}
