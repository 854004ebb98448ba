//! Running other programs, and what can come of it.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::deadline;
use crate::workspace;

/// How long to wait before another look whether a program has ended.
const LOOK_TIME: Duration = Duration::from_millis(20);

/// How long a program may print nothing before a look whether it has ended.
const SILENCE_TIME: Duration = Duration::from_secs(1);

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
    pub(crate) fn run(&mut self) -> Result<(), Failure> {
        println!("$ {}", self.shown);
        let child = self.spawn()?;
        self.judge(child)
    }

    /// Runs it with its output going where ours goes, and yields what it wrote.
    pub(crate) fn run_and_read(mut self) -> Result<String, Failure> {
        let mut text = String::new();
        self.run_and_tell(|line| {
            text.push_str(line);
            text.push('\n');
        })?;
        Ok(text)
    }

    /// Runs it with its output going where ours goes, and has every line of both kinds read.
    pub(crate) fn run_and_tell(&mut self, mut read: impl FnMut(&str)) -> Result<(), Failure> {
        println!("$ {}", self.shown);
        // One pipe for both, which keeps them in order.
        let (output, input) = io::pipe().map_err(|error| self.not_run(&error))?;
        let same = input.try_clone().map_err(|error| self.not_run(&error))?;
        self.command.stdout(input).stderr(same);
        let mut child = self.spawn()?;
        // The command keeps the pipe open, for another run.
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(output).split(b'\n').all(|line| sender.send(line).is_ok())
        });
        // Until the pipe is closed. Something that the program has left behind may keep it open: so
        // not for long after its own end.
        loop {
            match lines.recv_timeout(SILENCE_TIME) {
                Ok(line) => {
                    let line = line.map_err(|error| self.not_run(&error))?;
                    let line = String::from_utf8_lossy(&line);
                    println!("{line}");
                    read(&line);
                }
                Err(RecvTimeoutError::Timeout) if self.is_under_way(&mut child)? => {}
                Err(_) => return self.judge(child),
            }
        }
    }

    /// Whether it has not ended, and there is time for it to do so.
    fn is_under_way(&self, child: &mut Child) -> Result<bool, Failure> {
        let status = child.try_wait().map_err(|error| self.not_run(&error))?;
        Ok(status.is_none() && !deadline::time_left().is_zero())
    }

    fn spawn(&mut self) -> Result<Child, Failure> {
        self.command.spawn().map_err(|error| self.not_run(&error))
    }

    /// Waits for its end, and brings it about where time runs out.
    fn judge(&self, mut child: Child) -> Result<(), Failure> {
        match self.wait(&mut child)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(Failure(format!("`{}` failed: {status}", self.shown))),
            None => {
                deadline::kill_tree(child.id());
                Err(Failure(format!("`{}` was killed: no time is left", self.shown)))
            }
        }
    }

    /// `None` where time runs out first.
    fn wait(&self, child: &mut Child) -> Result<Option<ExitStatus>, Failure> {
        loop {
            let status = child.try_wait().map_err(|error| self.not_run(&error))?;
            if status.is_some() || deadline::time_left().is_zero() {
                return Ok(status);
            }
            thread::sleep(LOOK_TIME);
        }
    }

    fn not_run(&self, error: &io::Error) -> Failure {
        Failure(format!("cannot run `{}`: {error}", self.shown))
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
    fn what_a_program_leaves_behind_is_not_waited_for() {
        let mut program = Program::new("sh", &["-c", "sleep 600 & echo $!"]);
        let mut sleeper = String::new();
        program.run_and_tell(|line| sleeper = line.to_string()).expect("the shell has ended");
        assert!(Program::new("kill", &[&sleeper]).succeeds());
    }

    #[test]
    fn a_missing_subcommand_is_noticed() {
        assert!(cargo_has(&[]));
        assert!(!cargo_has(&["no-such-subcommand"]));
    }
}
