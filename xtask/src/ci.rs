//! `cargo xtask ci`: everything that must hold before a change is merged.
//!
//! All steps run, also after one has failed, so that one run shows everything there is to mend.
//! The summary at the end lists for each step how it went and how long it took. What could not
//! run on this machine is in it as NOT RUN, with the reason, and every count of skipped tests.

use std::time::{Duration, Instant};

use crate::process::{Failure, Outcome, Program, cargo_has};
use crate::{
    conformance, deadline, fallback, features, loom, miri, opcodes, page, recap, sanitize,
    simulate, skips, stress, test, tidy,
};

/// One step: its name, what it does, and whether it runs tests that may be skipped.
struct Step {
    name: &'static str,
    run: fn() -> Result<Outcome, Failure>,
    has_skips: bool,
}

impl Step {
    const fn check(name: &'static str, run: fn() -> Result<Outcome, Failure>) -> Step {
        Step { name, run, has_skips: false }
    }

    const fn tests(name: &'static str, run: fn() -> Result<Outcome, Failure>) -> Step {
        Step { name, run, has_skips: true }
    }
}

/// Cheap ones first: whoever broke the formatting learns it in a second.
const STEPS: &[Step] = &[
    Step::check("fmt", fmt),
    Step::check("tidy", tidy::run),
    Step::check("opcodes", || opcodes::run(page::Use::Check)),
    Step::check("clippy", clippy),
    Step::check("peers", clippy_of_peers),
    Step::check("doc", doc),
    Step::tests("test", test::run),
    Step::tests("fallback", fallback::run),
    // Run it was among the tests.
    Step::check("suite", conformance::check_last),
    Step::tests("loom", loom::run),
    Step::tests("stress", || stress::run(stress::OPERATIONS_DEFAULT)),
    Step::tests("simulate", || simulate::run(simulate::Options::parse(&[])?)),
    Step::tests("sanitize", sanitize::run),
    Step::tests("miri", miri::run),
    Step::check("tour", tour),
];

/// How long all steps may take. A third of it is enough; what is left is for slow machines and
/// second tries, and what is beyond is a test that hangs.
const TIME_MAX: Duration = Duration::from_secs(4500);

/// How a step went.
struct Entry {
    name: &'static str,
    result: Result<Outcome, Failure>,
    skipped: Option<String>,
    took: Duration,
}

impl Entry {
    fn line(&self) -> String {
        let what = match &self.result {
            Ok(Outcome::Done) => "ok".to_string(),
            Ok(Outcome::NotRun(reason)) => format!("NOT RUN: {reason}"),
            Err(Failure(message)) => format!("FAILED: {message}"),
        };
        let skipped = self.skipped.as_deref().map(|text| format!(" ({text})"));
        let seconds = self.took.as_secs_f64();
        format!("{:<9} {seconds:>7.1} s  {what}{}", self.name, skipped.unwrap_or_default())
    }
}

/// Runs every step.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let start = Instant::now();
    deadline::begin(TIME_MAX);
    let mut entries = Vec::new();
    for step in STEPS {
        println!("\n== {} ==", step.name);
        let start = Instant::now();
        let result = match deadline::time_left().is_zero() {
            false => (step.run)(),
            true => Err(Failure("not run: no time was left".to_string())),
        };
        let passed = matches!(result, Ok(Outcome::Done));
        let skipped = if step.has_skips && passed { skips::last_summary() } else { None };
        let entry = Entry { name: step.name, result, skipped, took: start.elapsed() };
        println!("{}", entry.line());
        entries.push(entry);
    }
    println!("\n== summary ==");
    for entry in &entries {
        println!("{}", entry.line());
    }
    if let Some(second_tries) = skips::second_tries() {
        println!("{second_tries}");
    }
    println!("{:<9} {:>7.1} s", "all", start.elapsed().as_secs_f64());
    for line in recap::all() {
        println!("failed once or twice: {line}");
    }
    verdict(&entries)
}

fn verdict(entries: &[Entry]) -> Result<Outcome, Failure> {
    let failed: Vec<_> = entries.iter().filter(|entry| entry.result.is_err()).collect();
    if failed.is_empty() {
        return Ok(Outcome::Done);
    }
    let names: Vec<&str> = failed.iter().map(|entry| entry.name).collect();
    Err(Failure(format!("failed: {}", names.join(", "))))
}

fn fmt() -> Result<Outcome, Failure> {
    if !cargo_has(&["fmt"]) {
        return Ok(Outcome::NotRun("rustfmt is not installed".to_string()));
    }
    Program::cargo(&["fmt", "--all", "--check"]).run()?;
    Ok(Outcome::Done)
}

fn clippy() -> Result<Outcome, Failure> {
    if !cargo_has(&["clippy"]) {
        return Ok(Outcome::NotRun("clippy is not installed".to_string()));
    }
    let features = features::all_but_peers()?;
    let how = ["--all-targets", "--", "-D", "warnings"];
    Program::cargo(&features::cargo_arguments("clippy", &features, &how)).run()?;
    Ok(Outcome::Done)
}

/// Looks at the contenders that are other libraries, which no other step builds.
fn clippy_of_peers() -> Result<Outcome, Failure> {
    if !cargo_has(&["clippy"]) {
        return Ok(Outcome::NotRun("clippy is not installed".to_string()));
    }
    let what = ["--package", "ringbahn-bench", "--features", "peers"];
    // It fetches what it is to show, and nothing is built for it.
    if !Program::cargo(&[&["tree"], &what[..]].concat()).succeeds() {
        let reason = "the crates of other libraries cannot be fetched, or do not go together";
        return Ok(Outcome::NotRun(reason.to_string()));
    }
    let how = ["--all-targets", "--", "-D", "warnings"];
    Program::cargo(&[&["clippy"], &what[..], &how].concat()).run()?;
    Ok(Outcome::Done)
}

fn doc() -> Result<Outcome, Failure> {
    let features = features::all_but_peers()?;
    Program::cargo(&features::cargo_arguments("doc", &features, &["--no-deps"]))
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(Outcome::Done)
}

fn tour() -> Result<Outcome, Failure> {
    Program::cargo(&["run", "--release", "--package", "ringbahn-cli", "--", "tour"]).run()?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(result: Result<Outcome, Failure>) -> Entry {
        Entry { name: "step", result, skipped: None, took: Duration::from_secs(2) }
    }

    #[test]
    fn a_step_that_did_not_run_is_visible_and_no_failure() {
        let entry = entry(Ok(Outcome::NotRun("no tool".to_string())));
        assert_eq!(entry.line(), "step          2.0 s  NOT RUN: no tool");
        assert_eq!(verdict(&[entry]).expect("no failure"), Outcome::Done);
    }

    #[test]
    fn one_failure_among_passes_fails() {
        let failed = entry(Err(Failure("it broke".to_string())));
        assert!(failed.line().ends_with("FAILED: it broke"));
        let Err(Failure(message)) = verdict(&[entry(Ok(Outcome::Done)), failed]) else {
            panic!("the failure was overlooked");
        };
        assert_eq!(message, "failed: step");
    }

    #[test]
    fn skips_are_in_the_line_of_their_step() {
        let skipped = Some("3 skipped, all expected".to_string());
        let line = Entry { skipped, ..entry(Ok(Outcome::Done)) }.line();
        assert!(line.ends_with("ok (3 skipped, all expected)"));
    }
}
