//! `cargo xtask sanitize`: the tests under AddressSanitizer, which brings LeakSanitizer on Linux.
//!
//! Sanitizers are a nightly feature of rustc. They see what the program does to memory and not
//! what the kernel does to it, so late writes of the kernel are the stress test's to find.

use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

/// Runs the tests of the libraries and the command, without the documentation's.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let Some(version) = Program::cargo(&["+nightly", "-vV"]).output() else {
        return Ok(Outcome::NotRun("no nightly toolchain".to_string()));
    };
    let Some(host) = host(&version) else {
        return Err(Failure("the nightly rustc does not name its host".to_string()));
    };
    let arguments = ["+nightly", "test", "--workspace", "--exclude", "xtask", "--all-features"];
    let program = Program::cargo(&[&arguments[..], &["--tests", "--target", host]].concat())
        .env("CARGO_TARGET_DIR", workspace::target_of("sanitize"))
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env_default("ASAN_OPTIONS", "detect_leaks=1");
    skips::run_tests(program)
}

/// The host that the output of `cargo -vV` or `rustc -vV` names.
fn host(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_in_the_version() {
        let version = "cargo 1.0.0-nightly\nrelease: 1.0.0\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(host(version), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host("cargo 1.0.0"), None);
    }
}
