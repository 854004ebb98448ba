//! `cargo xtask loom`: the concurrency models, which are of two kinds.
//!
//! | where | what |
//! |---|---|
//! | `tests/loom*.rs` | models of what a crate shows |
//! | `loom*.rs` anywhere in `src` | models of what it does not show, as unit tests |
//!
//! They are built with `--cfg loom`, which replaces the crates' atomics, locks and cells by those
//! of the model checker. That needs another build of everything, so it has its own directory.

use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

/// Runs every model, and says how many there were.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let kinds: [(Vec<String>, &[&str]); 2] = [
        // The name of the module is part of the name of each of its tests.
        (workspace::crates_with_module("loom")?, &["--lib", "loom"]),
        (workspace::crates_with_test("loom")?, &["--test", "loom*"]),
    ];
    let log = skips::start_log()?;
    let mut models = 0;
    for (crates, targets) in kinds.iter().filter(|(crates, _)| !crates.is_empty()) {
        let text = skips::logged(program(crates, targets), &log).run_and_read()?;
        models += passed(&text);
    }
    if models == 0 {
        return Ok(Outcome::NotRun("there is no model: no loom*.rs in src or tests".to_string()));
    }
    println!("loom: {models} models");
    skips::run()
}

/// The program that runs the models among these targets of these crates.
fn program(crates: &[String], targets: &[&str]) -> Program {
    let mut arguments = vec!["test", "--release"];
    for name in crates {
        arguments.extend(["--package", name]);
    }
    arguments.extend(targets);
    Program::cargo(&arguments)
        .env("CARGO_TARGET_DIR", workspace::target_of("loom"))
        .env("RUSTFLAGS", "--cfg loom")
        // Three preemptions find what is findable in practice, and keep a model to seconds.
        .env_default("LOOM_MAX_PREEMPTIONS", "3")
        .env_default("LOOM_MAX_BRANCHES", "10000")
}

/// How many tests have passed by the account of the test programs that wrote `text`.
fn passed(text: &str) -> usize {
    text.lines()
        .filter_map(|line| line.strip_prefix("test result: ok. ")?.split_once(" passed"))
        .filter_map(|(count, _)| count.parse::<usize>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_counted_over_all_test_programs() {
        let text = "running 3 tests\ntest a ... ok\n\n\
                    test result: ok. 3 passed; 0 failed; 0 ignored; 8 filtered out\n\
                    test result: ok. 0 passed; 0 failed; 0 ignored; 97 filtered out\n\
                    test result: ok. 12 passed; 0 failed; 0 ignored; 0 filtered out\n";
        assert_eq!(passed(text), 15);
        assert_eq!(passed("running 0 tests\n"), 0);
    }
}
