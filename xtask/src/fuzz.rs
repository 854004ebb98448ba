//! `cargo xtask fuzz`: looks for inputs that break a fuzz target.
//!
//! The targets are in `fuzz/`, and an ordinary test run replays their corpora. Here the program is
//! built with the instrumentation by which libFuzzer sees what an input reaches, and with
//! AddressSanitizer: nightly features of rustc. What is found on the way is kept in the build
//! directory, so that the next run goes on from there; an input that breaks the target is named by
//! libFuzzer and kept, too. Once the fault is mended it belongs into the corpus.

use std::fs;

use crate::process::{Failure, Outcome, Program};
use crate::sanitize::host;
use crate::workspace;

const PACKAGE: &str = "ringbahn-fuzz";

/// The longest input that is tried, in bytes; a file of a corpus is shorter.
const LENGTH_MAX: u32 = 4095;

/// What has rustc count which branches an input takes and what it compares, and look after memory.
const FLAGS: &[&str] = &[
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
    // Optimised, and all that is asserted is looked at all the same.
    "-Cdebug-assertions=yes",
];

/// Which target, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    target: String,
    seconds: u64,
}

impl Options {
    /// What the arguments of the command ask for.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, Failure> {
        let words: Vec<&str> = arguments.iter().flat_map(|word| word.split('=')).collect();
        let seconds = match words.as_slice() {
            [_] => Some(60),
            [_, "--seconds", number] => number.replace('_', "").parse().ok(),
            _ => None,
        };
        match (words.first(), seconds) {
            (Some(target), Some(seconds)) if seconds > 0 && !target.starts_with('-') => {
                Ok(Options { target: target.to_string(), seconds })
            }
            _ => Err(Failure(format!(
                "`{}` is not understood; usage: cargo xtask fuzz <target> [--seconds N]",
                arguments.join(" ")
            ))),
        }
    }
}

/// Builds the fuzzer, and runs it with one target.
pub(crate) fn run(options: &Options) -> Result<Outcome, Failure> {
    let Options { target, seconds } = options;
    let corpus = workspace::root().join("fuzz/corpus").join(target);
    if !corpus.is_dir() {
        let known = targets()?.join(", ");
        return Err(Failure(format!("there is no target `{target}`; there are {known}")));
    }
    let Some(version) = Program::cargo(&["+nightly", "-vV"]).output() else {
        return Ok(Outcome::NotRun("no nightly toolchain".to_string()));
    };
    let Some(host) = host(&version) else {
        return Err(Failure("the nightly rustc does not name its host".to_string()));
    };
    let built = workspace::target_of("fuzz");
    // With a target named, what runs while building is spared the instrumentation.
    let what = ["+nightly", "build", "--release", "--package", PACKAGE, "--bin", "fuzz"];
    Program::cargo(&[&what[..], &["--target", host]].concat())
        .env("CARGO_TARGET_DIR", &built)
        .env("RUSTFLAGS", FLAGS.join(" "))
        .run()?;

    let (found, broken) = (built.join("found").join(target), built.join("broken").join(target));
    for folder in [&found, &broken] {
        fs::create_dir_all(folder).map_err(|error| {
            Failure(format!("{}: cannot be created: {error}", folder.display()))
        })?;
    }
    let program = built.join(host).join("release/fuzz").display().to_string();
    let arguments = [
        format!("-max_total_time={seconds}"),
        format!("-max_len={LENGTH_MAX}"),
        format!("-artifact_prefix={}/", broken.display()),
        // The first folder is the one that is added to.
        found.display().to_string(),
        corpus.display().to_string(),
    ];
    Program::new(&program, &arguments.each_ref().map(String::as_str))
        .env("RINGBAHN_FUZZ_TARGET", target)
        .run()?;
    Ok(Outcome::Done)
}

/// The names of the targets: those of the corpora.
fn targets() -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = workspace::files("")?
        .iter()
        .filter_map(|path| path.strip_prefix("fuzz/corpus/")?.split_once('/'))
        .map(|(name, _)| name.to_string())
        .collect();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_understood() {
        let options = |seconds| Options { target: "parts".to_string(), seconds };
        assert_eq!(Options::parse(&["parts"]).expect("a name"), options(60));
        assert_eq!(Options::parse(&["parts", "--seconds", "5"]).expect("a time"), options(5));
        assert_eq!(Options::parse(&["parts", "--seconds=1_000"]).expect("a time"), options(1000));
    }

    #[test]
    fn anything_else_is_an_error() {
        for arguments in [&[][..], &["--seconds", "5"], &["parts", "5"], &["parts", "--seconds=0"]]
        {
            assert!(Options::parse(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn a_target_that_there_is_not_is_an_error_that_names_those_there_are() {
        let options = Options { target: "weather".to_string(), seconds: 1 };
        let Err(Failure(message)) = run(&options) else { panic!("it was fuzzed") };
        assert!(message.contains("`weather`") && message.contains("operations"), "{message}");
    }
}
