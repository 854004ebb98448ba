//! The workspace's own tools: `cargo xtask <command>`, one file per command.
//!
//! It is the only entry point: what continuous integration runs is `cargo xtask ci`, and each of
//! its steps can be run by itself.

mod bench;
mod ci;
mod conformance;
mod coverage;
mod deadline;
mod fallback;
mod features;
mod fuzz;
mod help;
mod loom;
mod miri;
mod opcodes;
mod page;
mod process;
mod recap;
mod sanitize;
mod simulate;
mod skips;
mod stress;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use process::{Failure, Outcome};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NotRun(reason)) => {
            println!("NOT RUN: {reason}");
            ExitCode::SUCCESS
        }
        Err(Failure(message)) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that `arguments` name.
fn run(arguments: &[String]) -> Result<Outcome, Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => help::run(),
        ["bench", rest @ ..] => bench::laboratory(rest),
        ["bench-echo", rest @ ..] => bench::run("echo", rest),
        ["bench-hot", rest @ ..] => bench::run("hot", rest),
        ["bench-op", rest @ ..] => bench::run("op", rest),
        ["bench-sim", rest @ ..] => bench::run("sim", rest),
        ["bench-timers", rest @ ..] => bench::run("timers", rest),
        ["ci"] => ci::run(),
        ["conformance", rest @ ..] => conformance::run(page::purpose("conformance", rest)?),
        ["coverage", rest @ ..] => coverage::run(&coverage::Options::parse(rest)?),
        ["fallback"] => fallback::run(),
        ["fuzz", rest @ ..] => fuzz::run(&fuzz::Options::parse(rest)?),
        ["loom"] => loom::run(),
        ["miri"] => miri::run(),
        ["opcodes", rest @ ..] => opcodes::run(page::purpose("opcodes", rest)?),
        ["sanitize"] => sanitize::run(),
        ["simulate", rest @ ..] => simulate::run(simulate::Options::parse(rest)?),
        ["skips"] => skips::run(),
        ["stress", rest @ ..] => stress::run(stress::operations(rest)?),
        ["test"] => test::run(),
        ["tidy"] => tidy::run(),
        _ => Err(Failure(format!(
            "unknown command `{}`; `cargo xtask help` lists those there are",
            words.join(" ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_an_error_that_names_it() {
        let Err(Failure(message)) = run(&["polish".to_string()]) else {
            panic!("it was taken for a command");
        };
        assert!(message.contains("`polish`"));
    }

    #[test]
    fn help_is_a_command() {
        assert_eq!(run(&[]).expect("help works"), Outcome::Done);
    }
}
