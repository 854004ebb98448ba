//! [`Command`]: what is to become a child process.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, ExitStatus, Output, Stdio};

use ringbahn_core::Drive;

use super::Child;
use crate::driver::DefaultDriver;

/// A child process to be, as [`std::process::Command`].
///
/// # Examples
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use ringbahn::process::{Command, Stdio};
///
/// # fn main() -> std::io::Result<()> {
/// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
/// # futures::executor::block_on(async {
/// let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// let mut input = child.stdin.take().expect("it was piped");
/// input.write_all(b"hello").await?;
/// input.close().await?;
///
/// let mut text = String::new();
/// child.stdout.as_mut().expect("it was piped").read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// assert!(child.wait().await?.success());
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct Command {
    command: process::Command,
    kill_on_drop: bool,
    /// Which of the standard streams were decided on: std cannot be asked.
    decided: Streams,
}

#[derive(Clone, Copy, Debug, Default)]
struct Streams {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

impl Command {
    /// The program at `program`, which is searched for in `PATH` where it is but a name.
    pub fn new(program: impl AsRef<OsStr>) -> Command {
        let command = process::Command::new(program);
        Command { command, kill_on_drop: false, decided: Streams::default() }
    }

    /// One more argument.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Command {
        self.command.arg(argument);
        self
    }

    /// More arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> &mut Command {
        self.command.args(arguments);
        self
    }

    /// A variable of its environment.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Command {
        self.command.env(key, value);
        self
    }

    /// Variables of its environment.
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Command {
        self.command.envs(variables);
        self
    }

    /// A variable that it does not inherit.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Command {
        self.command.env_remove(key);
        self
    }

    /// No variable is inherited, and none set that was set before.
    pub fn env_clear(&mut self) -> &mut Command {
        self.command.env_clear();
        self
    }

    /// The folder that it starts in.
    pub fn current_dir(&mut self, folder: impl AsRef<Path>) -> &mut Command {
        self.command.current_dir(folder);
        self
    }

    /// Its standard input. Inherited where nothing is said, but nothing with
    /// [`output`](Command::output).
    pub fn stdin(&mut self, stream: impl Into<Stdio>) -> &mut Command {
        self.decided.stdin = true;
        self.command.stdin(stream);
        self
    }

    /// Its standard output. Inherited where nothing is said, but captured with
    /// [`output`](Command::output).
    pub fn stdout(&mut self, stream: impl Into<Stdio>) -> &mut Command {
        self.decided.stdout = true;
        self.command.stdout(stream);
        self
    }

    /// Its standard error stream. Inherited where nothing is said, but captured with
    /// [`output`](Command::output).
    pub fn stderr(&mut self, stream: impl Into<Stdio>) -> &mut Command {
        self.decided.stderr = true;
        self.command.stderr(stream);
        self
    }

    /// The user that it runs as.
    pub fn uid(&mut self, id: u32) -> &mut Command {
        self.command.uid(id);
        self
    }

    /// The group that it runs as.
    pub fn gid(&mut self, id: u32) -> &mut Command {
        self.command.gid(id);
        self
    }

    /// The name that it is told to have been called by.
    pub fn arg0(&mut self, name: impl AsRef<OsStr>) -> &mut Command {
        self.command.arg0(name);
        self
    }

    /// The group of processes that it belongs to; zero stands for one of its own.
    pub fn process_group(&mut self, id: i32) -> &mut Command {
        self.command.process_group(id);
        self
    }

    /// Whether a child is killed that is dropped before it has ended. It is not, where nothing is
    /// said: then it goes on.
    pub fn kill_on_drop(&mut self, kill: bool) -> &mut Command {
        self.kill_on_drop = kill;
        self
    }

    /// std's command, to ask it what it is.
    pub fn get_ref(&self) -> &process::Command {
        &self.command
    }

    /// std's command, for what this has no method for. [`output`](Command::output) does not see
    /// what was decided there on the standard streams.
    pub fn get_mut(&mut self) -> &mut process::Command {
        &mut self.command
    }

    /// Starts a child.
    ///
    /// # Errors
    ///
    /// Those of `fork(2)` and `execve(2)`: `NotFound`, `PermissionDenied`, `WouldBlock` where there
    /// are too many processes, …
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.spawn_on_driver(DefaultDriver)
    }

    /// As [`spawn`](Command::spawn), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Command::spawn).
    pub fn spawn_on_driver<D: Drive + Clone + Unpin>(&mut self, driver: D) -> io::Result<Child<D>> {
        Ok(Child::new(self.command.spawn()?, self.kill_on_drop, driver))
    }

    /// Runs a child to its end.
    ///
    /// Its standard streams are inherited where nothing else was said. What it is to read from a
    /// pipe is empty, and what it writes to one is not read: [`spawn`](Command::spawn) it for that.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Command::spawn), and of [`Child::wait`].
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`spawn`](Command::spawn) and [`Child::wait`], which is: where it
    /// is dropped the child goes on, or is killed if [`kill_on_drop`](Command::kill_on_drop) says
    /// so.
    pub async fn status(&mut self) -> io::Result<ExitStatus> {
        self.status_on_driver(DefaultDriver).await
    }

    /// As [`status`](Command::status), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`status`](Command::status).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`spawn`](Command::spawn) and [`Child::wait`], which is.
    pub async fn status_on_driver<D: Drive + Clone + Unpin>(
        &mut self,
        driver: D,
    ) -> io::Result<ExitStatus> {
        let mut child = self.spawn_on_driver(driver)?;
        // Nobody reads them, so the child must not wait until somebody does.
        drop((child.stdout.take(), child.stderr.take()));
        child.wait().await
    }

    /// Runs a child to its end, and yields what it has written.
    ///
    /// Where nothing was said its standard input is empty, and the other two streams are captured.
    /// Both are read at the same time, so however much it writes, it never waits for one of them.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Command::spawn), and of [`Child::wait_with_output`].
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`spawn`](Command::spawn) and the handles of its streams: what
    /// was read is lost with it. The child goes on, or is killed if
    /// [`kill_on_drop`](Command::kill_on_drop) says so.
    pub async fn output(&mut self) -> io::Result<Output> {
        self.output_on_driver(DefaultDriver).await
    }

    /// As [`output`](Command::output), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`output`](Command::output).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`spawn`](Command::spawn) and the handles of its streams.
    pub async fn output_on_driver<D: Drive + Clone + Unpin>(
        &mut self,
        driver: D,
    ) -> io::Result<Output> {
        self.spawn_captured(driver)?.wait_with_output().await
    }

    /// Starts a child whose output is to be captured.
    fn spawn_captured<D: Drive + Clone + Unpin>(&mut self, driver: D) -> io::Result<Child<D>> {
        self.redirect(Stdio::null, Stdio::piped);
        let child = self.spawn_on_driver(driver);
        self.redirect(Stdio::inherit, Stdio::inherit);
        child
    }

    /// Connects the streams that nobody has decided on.
    fn redirect(&mut self, input: fn() -> Stdio, output: fn() -> Stdio) {
        if !self.decided.stdin {
            self.command.stdin(input());
        }
        if !self.decided.stdout {
            self.command.stdout(output());
        }
        if !self.decided.stderr {
            self.command.stderr(output());
        }
    }
}
