//! Running other programs, and what can come of it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::workspace;

/// What became of a command that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran and found nothing wrong.
    Done,
    /// It could not run here, for this reason. It is reported, and never counts as a pass.
    NotRun(String),
}

/// Why a command failed, in words for whoever ran it.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

/// A program with its arguments, run at the root of the workspace and without an input.
pub(crate) struct Program {
    command: Command,
    shown: String,
}

impl Program {
    /// `cargo`, with these arguments.
    pub(crate) fn cargo(arguments: &[&str]) -> Program {
        Program::new("cargo", arguments)
    }

    /// The program of this name, with these arguments.
    pub(crate) fn new(name: &str, arguments: &[&str]) -> Program {
        let mut command = Command::new(name);
        command.args(arguments).current_dir(workspace::root()).stdin(Stdio::null());
        Program { command, shown: format!("{name} {}", arguments.join(" ")) }
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Program {
        let value = value.as_ref();
        self.shown = format!("{name}={:?} {}", value.to_string_lossy(), self.shown);
        self.command.env(name, value);
        self
    }

    /// Sets a variable that the environment may already set to something else.
    pub(crate) fn env_default(self, name: &str, value: &str) -> Program {
        if std::env::var_os(name).is_some() { self } else { self.env(name, value) }
    }

    /// Runs it with its output going where ours goes.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        println!("$ {}", self.shown);
        let status = self
            .command
            .status()
            .map_err(|error| Failure(format!("cannot run `{}`: {error}", self.shown)))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure(format!("`{}` failed: {status}", self.shown)))
        }
    }

    /// Runs it with its output going where ours goes, and yields what it wrote to the standard one.
    pub(crate) fn run_and_read(mut self) -> Result<String, Failure> {
        println!("$ {}", self.shown);
        let failed = |shown: &str, error| Failure(format!("cannot run `{shown}`: {error}"));
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&self.shown, error))?;
        let mut text = String::new();
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).split(b'\n') {
                let line = line.map_err(|error| failed(&self.shown, error))?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                text.push_str(&line);
                text.push('\n');
            }
        }
        let status = child.wait().map_err(|error| failed(&self.shown, error))?;
        if status.success() {
            Ok(text)
        } else {
            Err(Failure(format!("`{}` failed: {status}", self.shown)))
        }
    }

    /// Runs it unseen, and says whether it succeeded.
    pub(crate) fn succeeds(mut self) -> bool {
        let status = self.command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// Runs it unseen for what it prints.
    pub(crate) fn output(mut self) -> Option<String> {
        let output = self.command.stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Whether cargo has the subcommand: `fmt`, `clippy`, and with `+nightly` before it `miri`.
pub(crate) fn cargo_has(subcommand: &[&str]) -> bool {
    Program::cargo(&[subcommand, &["--version"]].concat()).succeeds()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_in_the_failure() {
        let Err(Failure(message)) = Program::cargo(&["--no-such-option"]).run() else {
            panic!("cargo knows --no-such-option");
        };
        assert!(message.contains("cargo --no-such-option"));
    }

    #[test]
    fn what_a_program_writes_is_read() {
        let text = Program::cargo(&["--version"]).run_and_read().expect("cargo runs");
        assert!(text.starts_with("cargo ") && text.ends_with('\n'));
        assert!(Program::cargo(&["--no-such-option"]).run_and_read().is_err());
    }

    #[test]
    fn a_missing_subcommand_is_noticed() {
        assert!(cargo_has(&[]));
        assert!(!cargo_has(&["no-such-subcommand"]));
    }
}
