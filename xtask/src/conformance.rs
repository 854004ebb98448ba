//! `cargo xtask conformance`: the conformance suite on every driver of the project, as a table.
//!
//! The test program of ringbahn-conformance makes the table; this command says where to put it, and
//! holds it against the one in the documentation. The table knows no times, so it is the same
//! whenever the drivers are.

use std::fs;
use std::path::PathBuf;

use crate::features;
use crate::page::{self, Use};
use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

/// The table in the documentation, relative to the root of the workspace.
const PAGE: &str = "docs/conformance.md";

const HEAD: &str = "\
# Conformance

Every driver passes one suite, `ringbahn-conformance`; this is what came of it. A cell says how many
cases of a group passed, how many differ as expected, and how many say nothing of that driver. The
page is written by `cargo xtask conformance --write`, on Linux 6.18.

";

/// Runs the suite on all drivers, and does with the table what `purpose` says.
pub(crate) fn run(purpose: Use) -> Result<Outcome, Failure> {
    // Of the whole workspace, and with all features, as other commands build it: so nothing is
    // built twice.
    let features = features::all_but_peers()?;
    let test = features::cargo_arguments("test", &features, &["--test", "conformance"]);
    skips::run_tests(with_table(Program::cargo(&test)))?;
    settle(purpose)
}

/// A program that runs the suite among other tests, and is to leave its table behind.
pub(crate) fn with_table(program: Program) -> Program {
    let path = path();
    // What is not there after the run was not made by it.
    let _ = fs::remove_file(&path);
    program.env("RINGBAHN_CONFORMANCE_TABLE", &path)
}

/// Holds the table that the last run has left behind against the page.
pub(crate) fn check_last() -> Result<Outcome, Failure> {
    settle(Use::Check)
}

fn path() -> PathBuf {
    workspace::target().join("conformance.md")
}

fn settle(purpose: Use) -> Result<Outcome, Failure> {
    let Ok(table) = fs::read_to_string(path()) else {
        return Ok(Outcome::NotRun("no driver can be made on this machine".to_string()));
    };
    print!("{table}");
    let wanted = format!("{HEAD}{table}");
    page::settle(purpose, "conformance", PAGE, &wanted).map(|()| Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_begins_as_it_is_written() {
        assert!(workspace::read(PAGE).expect("there").starts_with(HEAD));
    }
}
