//! A page of the documentation that a command makes: printed, compared with the one there is, or
//! written in its place.

use std::fs;

use crate::process::Failure;
use crate::workspace;

/// What is to be done with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is printed.
    Print,
    /// It is compared with the one in the documentation.
    Check,
    /// It takes the place of the one in the documentation.
    Write,
}

/// What the arguments of the command `name` ask for.
pub(crate) fn purpose(name: &str, arguments: &[&str]) -> Result<Use, Failure> {
    match arguments {
        [] => Ok(Use::Print),
        ["--check"] => Ok(Use::Check),
        ["--write"] => Ok(Use::Write),
        _ => {
            let given = arguments.join(" ");
            let usage = format!("cargo xtask {name} [--check|--write]");
            Err(Failure(format!("`{given}` is not understood; usage: {usage}")))
        }
    }
}

/// Does with the page `wanted`, which the command `name` has made, what `purpose` says. `path` is
/// where it is in the workspace.
pub(crate) fn settle(purpose: Use, name: &str, path: &str, wanted: &str) -> Result<(), Failure> {
    match purpose {
        Use::Print => Ok(()),
        Use::Check => check(name, path, wanted, &workspace::read(path)?),
        Use::Write => fs::write(workspace::root().join(path), wanted)
            .map_err(|error| Failure(format!("{path}: cannot be written: {error}"))),
    }
}

/// Compares the page that should be with the one that is, and names the first line that differs.
pub(crate) fn check(name: &str, path: &str, wanted: &str, found: &str) -> Result<(), Failure> {
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
    Err(Failure(format!("{path}:{number}: {what}; renew it by cargo xtask {name} --write")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_say_what_the_table_is_for() {
        let purpose = |arguments| purpose("tables", arguments);
        assert_eq!(purpose(&[]).expect("a default"), Use::Print);
        assert_eq!(purpose(&["--check"]).expect("known"), Use::Check);
        assert_eq!(purpose(&["--write"]).expect("known"), Use::Write);
        assert!(purpose(&["--check", "--write"]).is_err());
    }

    #[test]
    fn a_page_that_is_out_of_date_is_told_with_its_line() {
        let check = |wanted, found| check("tables", "docs/tables.md", wanted, found);
        assert!(check("a\nb\n", "a\nb\n").is_ok());
        let message = |found| check("a\nb\n", found).expect_err("they differ").0;
        assert!(message("a\nc\n").starts_with("docs/tables.md:2: `c`"));
        assert!(message("a\n").starts_with("docs/tables.md:2:"));
        assert!(message("a\nb\nc\n").ends_with("renew it by cargo xtask tables --write"));
    }
}
