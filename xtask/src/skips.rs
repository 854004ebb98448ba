//! The account of skipped tests.
//!
//! A test that cannot run on a machine (no io_uring, no `strace`, not root) appends the line
//! `SKIPPED: <test name>: <reason>` to the file that `RINGBAHN_SKIP_LOG` names, and returns. The
//! commands that run tests set the variable, and compare the lines with `expected-skips.txt`
//! afterwards: an unexpected skip fails the command. So a test that quietly stops running is
//! noticed, and a skip is never taken for a pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::{Failure, Outcome, Program};
use crate::recap::Recap;
use crate::workspace;

/// The list of skips that are no surprise.
const EXPECTED: &str = "expected-skips.txt";

/// The reason of tests that did not get a ring.
const NO_IO_URING: &str = "no io_uring";

/// The variable by which drivers are told to do without io_uring, and what it is then set to.
const POLICY: (&str, &str) = ("RINGBAHN_IO_URING", "never");

/// The line of a log whose tests were told so.
const TOLD_NEVER: &str = "RINGBAHN_IO_URING=never";

/// Whether something may have kept the tests of `log` from using io_uring: what they were told, the
/// kernel's switch, or a seccomp filter. Not found out by trying, which is what the tests are there
/// for.
fn forbids_io_uring(log: &str) -> bool {
    let told = std::env::var(POLICY.0).is_ok_and(|policy| policy == POLICY.1);
    if told || log.lines().any(|line| line == TOLD_NEVER) {
        return true;
    }
    let switch = fs::read_to_string("/proc/sys/kernel/io_uring_disabled").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let filtered = !status.lines().any(|line| line.replace('\t', " ") == "Seccomp: 0");
    switch.trim() != "0" || filtered
}

/// One skipped test.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Skip {
    test: String,
    reason: String,
}

/// One line of the list: which tests may skip, and for what reason.
#[derive(Debug)]
struct Expectation {
    test_prefix: String,
    reason_prefix: String,
}

impl Expectation {
    fn covers(&self, skip: &Skip) -> bool {
        let test = self.test_prefix == "*" || skip.test.starts_with(&self.test_prefix);
        test && skip.reason.starts_with(&self.reason_prefix)
    }
}

/// What was skipped, held against what may be.
#[derive(Debug)]
struct Account {
    skips: Vec<Skip>,
    unexpected: Vec<Skip>,
}

impl Account {
    /// The account of `log`. On a machine that `forbids_io_uring` in no way, tests that did not
    /// get a ring have found a defect.
    fn new(log: &str, expected: &str, forbids_io_uring: bool) -> Result<Account, Failure> {
        let mut expectations = parse_expected(expected)?;
        expectations.retain(|line| forbids_io_uring || line.reason_prefix != NO_IO_URING);
        let mut account = Account { skips: Vec::new(), unexpected: Vec::new() };
        for skip in parse_log(log) {
            let expected = expectations.iter().any(|expectation| expectation.covers(&skip));
            if expected { &mut account.skips } else { &mut account.unexpected }.push(skip);
        }
        Ok(account)
    }

    fn count(&self) -> usize {
        self.skips.len() + self.unexpected.len()
    }

    fn summary(&self) -> String {
        match (self.count(), self.unexpected.len()) {
            (0, _) => "no test was skipped".to_string(),
            (count, 0) => format!("{count} skipped, all expected"),
            (count, unexpected) => format!("{count} skipped, {unexpected} of them unexpected"),
        }
    }
}

/// The lines of the log, each test once; other lines are ignored.
fn parse_log(log: &str) -> Vec<Skip> {
    let mut skips: Vec<Skip> = log
        .lines()
        .filter_map(|line| line.strip_prefix("SKIPPED: ")?.split_once(": "))
        .map(|(test, reason)| Skip { test: test.to_string(), reason: reason.trim().to_string() })
        .collect();
    skips.sort();
    skips.dedup();
    skips
}

fn parse_expected(text: &str) -> Result<Vec<Expectation>, Failure> {
    let mut expectations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((test, reason)) = line.split_once(": ") else {
            return Err(Failure(format!(
                "{EXPECTED}:{}: not of the form `<test name prefix>: <reason prefix>`",
                index + 1
            )));
        };
        let (test_prefix, reason_prefix) = (test.to_string(), reason.trim().to_string());
        expectations.push(Expectation { test_prefix, reason_prefix });
    }
    Ok(expectations)
}

fn log_path() -> PathBuf {
    workspace::target().join("skips.txt")
}

/// How many test commands have succeeded at the second try only.
static SECOND_TRIES: AtomicU32 = AtomicU32::new(0);

/// Runs a program that runs tests, and then accounts for those that were skipped.
///
/// One that fails is run once more: many tests measure time or race with the kernel, and a machine
/// may be busy for a moment. What fails twice has failed; what did not is counted, and told at the
/// end, for it may be a defect that shows seldom.
pub(crate) fn run_tests(program: Program) -> Result<Outcome, Failure> {
    run_with_log(program, "")
}

/// The same with drivers that do without io_uring.
pub(crate) fn run_tests_without_io_uring(program: Program) -> Result<Outcome, Failure> {
    run_with_log(program.env(POLICY.0, POLICY.1), &format!("{TOLD_NEVER}\n"))
}

/// Has the log begin with `beginning`.
fn run_with_log(program: Program, beginning: &str) -> Result<Outcome, Failure> {
    let log = log_path();
    let mut program = logged(program, &log);
    let mut attempt = || {
        let mut recap = Recap::default();
        let result = write_log(&log, beginning)
            .and_then(|()| program.run_and_tell(|line| recap.read(line)))
            .and_then(|()| account(|line| recap.read(line)));
        if result.is_err() {
            recap.tell_at_the_end();
        }
        result
    };
    let why = match attempt() {
        Ok(outcome) => return Ok(outcome),
        Err(Failure(why)) => why,
    };
    println!("{why}\nFAILED ONCE; it is tried once more");
    let outcome = attempt()?;
    // Relaxed: a count, read by the same thread.
    SECOND_TRIES.fetch_add(1, Ordering::Relaxed);
    Ok(outcome)
}

/// What is to be said of commands that succeeded at the second try only, if there were any.
pub(crate) fn second_tries() -> Option<String> {
    match SECOND_TRIES.load(Ordering::Relaxed) {
        0 => None,
        count => Some(format!("{count} test commands FAILED ONCE, and not at the second try")),
    }
}

/// Empties the log, and says where it is.
pub(crate) fn start_log() -> Result<PathBuf, Failure> {
    let path = log_path();
    write_log(&path, "")?;
    Ok(path)
}

fn write_log(path: &Path, text: &str) -> Result<(), Failure> {
    fs::create_dir_all(workspace::target())
        .and_then(|()| fs::write(path, text))
        .map_err(|error| Failure(format!("{}: cannot be written: {error}", path.display())))
}

/// The program, with its tests told where to log that they were skipped.
pub(crate) fn logged(program: Program, log: &Path) -> Program {
    program.env("RINGBAHN_SKIP_LOG", log)
}

/// Prints what the last test command skipped; fails where that is not all expected.
pub(crate) fn run() -> Result<Outcome, Failure> {
    account(|_line| ())
}

/// The same, with every line read.
fn account(mut read: impl FnMut(&str)) -> Result<Outcome, Failure> {
    let Ok(log) = fs::read_to_string(log_path()) else {
        return Ok(Outcome::NotRun("no test command has run yet".to_string()));
    };
    let account = Account::new(&log, &workspace::read(EXPECTED)?, forbids_io_uring(&log))?;
    for skip in &account.skips {
        println!("skipped as expected: {}: {}", skip.test, skip.reason);
    }
    for skip in &account.unexpected {
        let line = format!("SKIPPED UNEXPECTEDLY: {}: {}", skip.test, skip.reason);
        println!("{line}");
        read(&line);
    }
    println!("skips: {}", account.summary());
    if account.unexpected.is_empty() {
        Ok(Outcome::Done)
    } else {
        Err(Failure(format!("skips: {}; see {EXPECTED}", account.summary())))
    }
}

/// The account of the last test command, in a few words for a summary.
pub(crate) fn last_summary() -> Option<String> {
    let log = fs::read_to_string(log_path()).ok()?;
    let expected = workspace::read(EXPECTED).ok()?;
    let account = Account::new(&log, &expected, forbids_io_uring(&log)).ok()?;
    (account.count() > 0).then(|| account.summary())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# comment\n\n*: strace is not installed\nfallback::: not root\n";

    fn account(log: &str) -> Account {
        Account::new(log, LIST, true).expect("the list is well-formed")
    }

    #[test]
    fn nothing_skipped_is_said_so() {
        assert_eq!(account("").summary(), "no test was skipped");
    }

    #[test]
    fn an_expected_reason_may_go_on() {
        let account = account("SKIPPED: faults::eintr: strace is not installed (PATH=/bin)\n");
        assert_eq!(account.summary(), "1 skipped, all expected");
    }

    #[test]
    fn a_skip_for_another_reason_is_unexpected() {
        let account = account("SKIPPED: faults::eintr: the moon is full\n");
        assert_eq!(account.summary(), "1 skipped, 1 of them unexpected");
    }

    #[test]
    fn an_expected_reason_of_another_test_is_unexpected() {
        let log = "SKIPPED: fallback::seccomp: not root\nSKIPPED: files::chown: not root\n";
        let account = account(log);
        assert_eq!(account.summary(), "2 skipped, 1 of them unexpected");
        assert_eq!(account.unexpected[0].test, "files::chown");
    }

    #[test]
    fn a_test_without_a_ring_is_unexpected_where_nothing_forbids_one() {
        let skipped = |forbidden| {
            let log = "SKIPPED: a::b: no io_uring: ring refused\n";
            Account::new(log, "*: no io_uring\n", forbidden).expect("well-formed").unexpected.len()
        };
        assert_eq!((skipped(true), skipped(false)), (0, 1));
    }

    #[test]
    fn tests_that_were_told_to_do_without_may_say_so() {
        assert!(forbids_io_uring("RINGBAHN_IO_URING=never\nSKIPPED: a::b: no io_uring: told\n"));
    }

    #[test]
    fn a_test_that_skips_twice_counts_once() {
        let line = "SKIPPED: a::b: strace is not installed\n";
        assert_eq!(account(&line.repeat(2)).summary(), "1 skipped, all expected");
    }

    #[test]
    fn a_malformed_list_names_its_line() {
        let Err(Failure(message)) = Account::new("", "# fine\nno colon here\n", true) else {
            panic!("the list was accepted");
        };
        assert!(message.starts_with("expected-skips.txt:2:"));
    }

    #[test]
    fn the_projects_own_list_is_well_formed() {
        parse_expected(&workspace::read(EXPECTED).expect("there")).expect("well-formed");
    }
}
