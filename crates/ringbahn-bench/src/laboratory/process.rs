//! [`Process`]: a trial's process, as the one who has started it sees it.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::contender::Failure;
use super::trial::{Trial, Word};

/// A trial's process. It is killed when this is dropped, if it is still there.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    words: Receiver<Word>,
}

impl Process {
    /// Starts this program once more, to do the trial.
    ///
    /// # Errors
    ///
    /// There are not enough processes or descriptors.
    pub(crate) fn start(trial: &Trial) -> Result<Process, Failure> {
        let mut command = Command::new(env::current_exe()?);
        command.args(env::args_os().skip(1).take_while(|argument| argument != super::COMMAND));
        command.args([super::TRIAL, &serde_json::to_string(trial)?]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("the process has no input")?;
        let output = child.stdout.take().ok_or("the process has no output")?;
        let (sender, words) = channel();
        // A thread that waits can be waited for with a limit, other than a pipe.
        thread::Builder::new().name("words".to_owned()).spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // What a library prints by itself is not a word.
                let Ok(word) = serde_json::from_str(&line) else { continue };
                if sender.send(word).is_err() {
                    break;
                }
            }
        })?;
        Ok(Process { child, input, words })
    }

    /// The next word.
    ///
    /// # Errors
    ///
    /// The process has ended, is silent for as long as `patience`, or has failed at what it was to
    /// do: then with what it says about it.
    pub(crate) fn word(&mut self, patience: Duration) -> Result<Word, Failure> {
        match self.words.recv_timeout(patience) {
            Ok(Word::Failed(why)) => Err(why.into()),
            Ok(word) => Ok(word),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("it has said nothing for {} s", patience.as_secs()).into())
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(format!("it has ended too soon: {}", self.child.wait()?).into())
            }
        }
    }

    /// Tells the process to do something.
    ///
    /// # Errors
    ///
    /// The process has ended.
    pub(crate) fn tell(&mut self, what: &str) -> Result<(), Failure> {
        Ok(writeln!(self.input, "{what}")?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is as well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
