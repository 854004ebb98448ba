//! `cargo xtask fallback`: the tests of the library and its drivers once more, with no io_uring.
//!
//! `RINGBAHN_IO_URING=never` has every driver that does not ask for something else execute its
//! operations inside the process. So what the tests say of operations, futures and handles is said
//! of the fallback, too. `io-uring-only.txt` names what is left out, and why: whole programs that
//! are about io_uring itself, and single tests of others.

use std::collections::{BTreeMap, BTreeSet};

use crate::features;
use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;

/// The crates whose test programs are run.
const CRATES: [&str; 3] = ["ringbahn", "ringbahn-drivers", "ringbahn-conformance"];

/// The list of what is left out.
const LIST: &str = "io-uring-only.txt";

/// What one line of the list leaves out.
#[derive(Debug, PartialEq, Eq)]
struct Exception {
    /// The name of a file in `tests/`, without its ending.
    program: String,
    /// The path of one test in it, where the rest is run.
    test: Option<String>,
    /// Whether there need not be such a program yet.
    is_early: bool,
    line: usize,
}

impl Exception {
    fn wrong(&self, what: &str) -> Failure {
        Failure(format!("{LIST}:{}: {what}", self.line))
    }
}

/// The source text of each test program, its modules included.
type Programs = BTreeMap<String, String>;

/// Runs the test programs, but for what the list leaves out.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let exceptions = parse(&workspace::read(LIST)?)?;
    let programs = programs()?;
    check(&exceptions, &programs)?;
    let (selected, skipped) = (selected(&exceptions, &programs), skipped(&exceptions));
    // The whole workspace, whose features are then those of the other commands, and nothing is
    // built twice. Programs of the same name in other crates run along.
    let features = features::all_but_peers()?;
    let how = [&["--no-fail-fast"], &selected[..], &["--", "--exact"], &skipped].concat();
    let arguments = features::cargo_arguments("test", &features, &how);
    skips::run_tests_without_io_uring(Program::cargo(&arguments))
}

/// The arguments of cargo that name the programs to run.
fn selected<'a>(exceptions: &[Exception], programs: &'a Programs) -> Vec<&'a str> {
    let left_out: BTreeSet<&str> = exceptions
        .iter()
        .filter(|exception| exception.test.is_none())
        .map(|exception| exception.program.as_str())
        .collect();
    let names = programs.keys().filter(|name| !left_out.contains(name.as_str()));
    names.flat_map(|name| ["--test", name.as_str()]).collect()
}

/// The arguments of the programs that name the tests not to run.
fn skipped(exceptions: &[Exception]) -> Vec<&str> {
    let tests = exceptions.iter().filter_map(|exception| exception.test.as_deref());
    tests.flat_map(|test| ["--skip", test]).collect()
}

/// Lines of the form `<program>: <reason>` and `<program>::<test>: <reason>`.
fn parse(text: &str) -> Result<Vec<Exception>, Failure> {
    let mut exceptions = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let (what, is_early) = match line.strip_prefix("? ") {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        let Some((name, _reason)) = what.split_once(": ") else {
            let form = "`<program>: <reason>`, or `<program>::<test>: <reason>`";
            return Err(Failure(format!("{LIST}:{number}: not of the form {form}")));
        };
        let (program, test) = match name.split_once("::") {
            Some((program, test)) => (program, Some(test.to_string())),
            None => (name, None),
        };
        exceptions.push(Exception { program: program.to_string(), test, is_early, line: number });
    }
    Ok(exceptions)
}

/// The test programs of the crates.
fn programs() -> Result<Programs, Failure> {
    let mut programs = Programs::new();
    for path in workspace::files(".rs")? {
        let Some((_, name)) = path.split_once("/tests/") else { continue };
        if !CRATES.iter().any(|of| path.starts_with(&format!("crates/{of}/tests/"))) {
            continue;
        }
        // A program, or a module in the folder of that name.
        let program = name.split_once('/').map_or(name.trim_end_matches(".rs"), |(top, _)| top);
        programs.entry(program.to_string()).or_default().push_str(&workspace::read(&path)?);
    }
    // What no program is named after is shared by several.
    programs.retain(|name, _| {
        let file = |of: &&str| workspace::root().join(format!("crates/{of}/tests/{name}.rs"));
        CRATES.iter().any(|of| file(of).is_file())
    });
    Ok(programs)
}

/// Sees to it that everything which is left out is there.
fn check(exceptions: &[Exception], programs: &Programs) -> Result<(), Failure> {
    for exception in exceptions {
        let Some(text) = programs.get(&exception.program) else {
            if exception.is_early {
                continue;
            }
            let crates = CRATES.join(", ");
            let program = &exception.program;
            return Err(exception.wrong(&format!("no test program `{program}` in {crates}")));
        };
        if exception.is_early {
            return Err(exception.wrong("the program is there: take the `?` away"));
        }
        if let Some(test) = &exception.test {
            let name = test.rsplit("::").next().unwrap_or(test);
            // A function, or a name in a list of which a macro makes functions.
            let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
            if !text.split(|letter| !is_part(letter)).any(|word| word == name) {
                let message = format!("no test `{name}` in the program `{}`", exception.program);
                return Err(exception.wrong(&message));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs_with(names: &[(&str, &str)]) -> Programs {
        names.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
    }

    const SOME: &[(&str, &str)] =
        &[("pipes", "fn a_pipe_is_read() {"), ("raw_ring", "fn it_is_raw() {"), ("tls", "")];

    #[test]
    fn what_is_left_out_is_not_selected() {
        let list = "# why\nraw_ring: it is raw\npipes::deep::a_pipe_is_read: it is deep\n";
        let exceptions = parse(list).expect("well-formed");
        let programs = programs_with(SOME);
        check(&exceptions, &programs).expect("all of it is there");
        let selected = selected(&exceptions, &programs);
        assert_eq!(selected, ["--test", "pipes", "--test", "tls"]);
        assert_eq!(skipped(&exceptions), ["--skip", "deep::a_pipe_is_read"]);
    }

    #[test]
    fn what_is_not_there_is_an_error_with_its_line() {
        let message = |list: &str| {
            let exceptions = parse(list).expect("well-formed");
            check(&exceptions, &programs_with(SOME)).expect_err("it is wrong").0
        };
        assert!(message("\ngone: it was there\n").starts_with("io-uring-only.txt:2: "));
        assert!(message("tls::gone: it was there\n").contains("no test `gone`"));
        assert!(message("? tls: it is to come\n").contains("`?`"));
    }

    #[test]
    fn what_is_to_come_need_not_be_there() {
        let exceptions = parse("? multishot: the fallback has none\n").expect("well-formed");
        check(&exceptions, &programs_with(SOME)).expect("it is to come");
    }

    #[test]
    fn a_line_without_a_reason_is_an_error() {
        assert!(parse("raw_ring\n").is_err());
    }

    #[test]
    fn the_projects_own_list_is_right() {
        let exceptions = parse(&workspace::read(LIST).expect("there")).expect("well-formed");
        check(&exceptions, &programs().expect("listed")).expect("all of it is there");
    }
}
