//! `cargo xtask miri`: the tests that make no system calls, under Miri.
//!
//! Miri knows no io_uring, so this is the core crate: its table, its entries and its buffers.

use crate::process::{Failure, Outcome, Program, cargo_has};
use crate::skips;
use crate::workspace;

/// Runs the core's tests under Miri.
pub(crate) fn run() -> Result<Outcome, Failure> {
    if !cargo_has(&["+nightly", "miri"]) {
        return Ok(Outcome::NotRun("no nightly toolchain with Miri".to_string()));
    }
    let program = Program::cargo(&["+nightly", "miri", "test", "--package", "ringbahn-core"])
        .env("CARGO_TARGET_DIR", workspace::target_of("miri"))
        .env_default("MIRIFLAGS", "-Zmiri-strict-provenance -Zmiri-disable-isolation");
    skips::run_tests(program)
}
