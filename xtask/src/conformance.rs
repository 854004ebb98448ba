//! `cargo xtask conformance`: the conformance suite on every driver of the project, as a table.
//!
//! The test program of ringbahn-conformance makes the table; this command says where to put it, and
//! holds it against the one in the documentation. The table knows no times, so it is the same
//! whenever the drivers are.

use std::fs;

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

/// What is to be done with the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is printed.
    Print,
    /// It is compared with the one in the documentation.
    Check,
    /// It takes the place of the one in the documentation.
    Write,
}

/// What the arguments of the command ask for.
pub(crate) fn purpose(arguments: &[&str]) -> Result<Use, Failure> {
    match arguments {
        [] => Ok(Use::Print),
        ["--check"] => Ok(Use::Check),
        ["--write"] => Ok(Use::Write),
        _ => {
            let given = arguments.join(" ");
            Err(Failure(format!(
                "`{given}` is not understood; usage: cargo xtask conformance [--check|--write]"
            )))
        }
    }
}

/// Runs the suite on all drivers, and does with the table what `purpose` says.
pub(crate) fn run(purpose: Use) -> Result<Outcome, Failure> {
    let path = workspace::target().join("conformance.md");
    // What is not there after the run was not made by it.
    let _ = fs::remove_file(&path);
    // Of the whole workspace, and with all features, as other commands build it: so nothing is
    // built twice.
    let test = ["test", "--workspace", "--all-features", "--test", "conformance"];
    let program = Program::cargo(&test).env("RINGBAHN_CONFORMANCE_TABLE", &path);
    skips::run_tests(program)?;
    let Ok(table) = fs::read_to_string(&path) else {
        return Ok(Outcome::NotRun("no driver can be made on this machine".to_string()));
    };
    print!("{table}");
    let page = format!("{HEAD}{table}");
    match purpose {
        Use::Print => Ok(Outcome::Done),
        Use::Check => check(&page, &workspace::read(PAGE)?).map(|()| Outcome::Done),
        Use::Write => fs::write(workspace::root().join(PAGE), page)
            .map(|()| Outcome::Done)
            .map_err(|error| Failure(format!("{PAGE}: cannot be written: {error}"))),
    }
}

/// Compares the page that should be with the one that is, and names the first line that differs.
fn check(wanted: &str, found: &str) -> Result<(), Failure> {
    if wanted == found {
        return Ok(());
    }
    let mut lines = wanted.lines().zip(found.lines()).zip(1..);
    let (what, number) = match lines.find(|((wanted, found), _)| wanted != found) {
        Some(((wanted, found), number)) => {
            (format!("`{found}`, where it should be `{wanted}`"), number)
        }
        None => {
            let both = wanted.lines().count().min(found.lines().count());
            ("it ends there, or goes on, where it should not".to_string(), both + 1)
        }
    };
    Err(Failure(format!("{PAGE}:{number}: {what}; renew it by cargo xtask conformance --write")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_say_what_the_table_is_for() {
        assert_eq!(purpose(&[]).expect("a default"), Use::Print);
        assert_eq!(purpose(&["--check"]).expect("known"), Use::Check);
        assert_eq!(purpose(&["--write"]).expect("known"), Use::Write);
        assert!(purpose(&["--check", "--write"]).is_err());
    }

    #[test]
    fn a_page_that_is_out_of_date_is_told_with_its_line() {
        assert!(check("a\nb\n", "a\nb\n").is_ok());
        let message = |found| check("a\nb\n", found).expect_err("they differ").0;
        assert!(message("a\nc\n").starts_with("docs/conformance.md:2: `c`"));
        assert!(message("a\n").starts_with("docs/conformance.md:2:"));
        assert!(message("a\nb\nc\n").starts_with("docs/conformance.md:3:"));
    }

    #[test]
    fn the_page_begins_as_it_is_written() {
        assert!(workspace::read(PAGE).expect("there").starts_with(HEAD));
    }
}
