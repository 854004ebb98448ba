//! [`Child`]: a child process.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Output};
use std::sync::Arc;

use ringbahn_core::event::{Interest, PollAdd};
use ringbahn_core::{Drive, SharedFd};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};

use super::drain::drain;
use super::reaper;
use crate::driver::DefaultDriver;
use crate::ring::Ring;

/// A child process, as [`std::process::Child`].
///
/// See [the module](super) for what becomes of one that is dropped.
#[derive(Debug)]
pub struct Child<D: Drive + Unpin = DefaultDriver> {
    /// Goes before the pipes: a child that is killed is not to see them end.
    life: Life,
    /// What it reads, if that is a pipe.
    pub stdin: Option<Ring<ChildStdin, D>>,
    /// What it writes, if that is a pipe.
    pub stdout: Option<Ring<ChildStdout, D>>,
    /// Where it complains, if that is a pipe.
    pub stderr: Option<Ring<ChildStderr, D>>,
    driver: D,
}

impl<D: Drive + Clone + Unpin> Child<D> {
    pub(super) fn new(mut child: process::Child, kill_on_drop: bool, driver: D) -> Child<D> {
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        Child {
            stdin: stdin.map(|pipe| Ring::new_on_driver(pipe, driver.clone())),
            stdout: stdout.map(|pipe| Ring::new_on_driver(pipe, driver.clone())),
            stderr: stderr.map(|pipe| Ring::new_on_driver(pipe, driver.clone())),
            life: Life { descriptor: descriptor_of(&child), child: Some(child), kill_on_drop },
            driver,
        }
    }

    /// The number of its process. It may be another's as soon as the status was taken.
    pub fn id(&self) -> u32 {
        self.life.get().id()
    }

    /// Kills it, by `SIGKILL`. Its status is still to be waited for; where it was taken already
    /// nothing happens.
    ///
    /// # Errors
    ///
    /// Those of `kill(2)`: `PermissionDenied` where the child has become another user.
    pub fn kill(&mut self) -> io::Result<()> {
        self.life.get_mut().kill()
    }

    /// Its status, if it has ended.
    ///
    /// # Errors
    ///
    /// Those of `waitpid(2)`: `ECHILD` where somebody else has taken it.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.life.get_mut().try_wait()
    }

    /// Waits until it has ended, and yields its status; any number of times.
    ///
    /// What is left of its standard input is dropped first, so that it does not wait for more.
    ///
    /// # Errors
    ///
    /// Those of `waitpid(2)`: `ECHILD` where somebody else has taken the status; that of the driver
    /// where it was shut down.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the status is taken in the moment in which it is yielded.
    ///
    /// # Kernel
    ///
    /// Linux 5.3. Before, or where a sandbox forbids `pidfd_open(2)`, a thread of a pool waits.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            self.ended().await?;
        }
    }

    /// Waits until it has ended, or may have.
    async fn ended(&self) -> io::Result<()> {
        if let Some(descriptor) = &self.life.descriptor {
            let ended = PollAdd::new(SharedFd::new(descriptor.clone()), Interest::READABLE);
            return self.driver.clone().submit(ended).await.map(drop);
        }
        let id = pid_of(self.life.get());
        // It only looks, so a future that is dropped takes no status with it.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let look = move || waitid(WaitId::Pid(id), options);
        match blocking::unblock(look).await {
            Err(rustix::io::Errno::INTR) => Ok(()),
            looked => Ok(looked.map(drop)?),
        }
    }

    /// Waits until it has ended, and yields its status and what it has written to its pipes since.
    ///
    /// Both are read at the same time, so it never waits for one of them. The end of a pipe comes
    /// when everybody has closed it, grandchildren included.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Child::wait), and of `read(2)`.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`wait`](Child::wait) and the handles of its pipes: what was read
    /// is lost with it, and the child is dropped.
    pub async fn wait_with_output(mut self) -> io::Result<Output> {
        drop(self.stdin.take());
        let (stdout, stderr) = drain(self.stdout.take(), self.stderr.take()).await?;
        let status = self.wait().await?;
        Ok(Output { status, stdout, stderr })
    }
}

/// The process itself, apart from its pipes.
#[derive(Debug)]
struct Life {
    /// There until this is dropped.
    child: Option<process::Child>,
    /// Readable when it has ended; `None` where the kernel makes none.
    descriptor: Option<Arc<OwnedFd>>,
    kill_on_drop: bool,
}

impl Life {
    fn get(&self) -> &process::Child {
        self.child.as_ref().expect(IT_STAYS)
    }

    fn get_mut(&mut self) -> &mut process::Child {
        self.child.as_mut().expect(IT_STAYS)
    }
}

const IT_STAYS: &str = "the child stays until its handle is dropped";

impl Drop for Life {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if self.kill_on_drop {
            // It fails where the child has become another user, and then it goes on.
            let _ = child.kill();
        }
        reaper::reap(child, self.descriptor.take());
    }
}

fn pid_of(child: &process::Child) -> Pid {
    Pid::from_child(child)
}

/// Nobody has taken the status of the child yet, so its number is its own.
fn descriptor_of(child: &process::Child) -> Option<Arc<OwnedFd>> {
    pidfd_open(pid_of(child), PidfdFlags::empty()).ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// A child as it is where the kernel makes no descriptor for it. It runs until its input ends.
    fn without_descriptor() -> Child {
        let mut command = process::Command::new("/bin/cat");
        let child = command.stdin(process::Stdio::piped()).stdout(process::Stdio::null()).spawn();
        let mut child = Child::new(child.unwrap(), false, DefaultDriver);
        child.life.descriptor = None;
        child
    }

    #[test]
    fn a_thread_waits_where_there_are_no_process_descriptors() {
        let mut child = without_descriptor();
        assert!(futures::executor::block_on(child.wait()).unwrap().success());
    }

    #[test]
    fn a_dropped_child_without_a_descriptor_is_looked_at_now_and_then() {
        let mut child = without_descriptor();
        let (id, input) = (pid_of(child.life.get()), child.stdin.take());
        drop(child);
        drop(input);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let deadline = Instant::now() + Duration::from_secs(60);
        while waitid(WaitId::Pid(id), options).is_ok() {
            assert!(Instant::now() < deadline, "nobody has taken its status");
            // sleep: it is looked at once a second, and the time till then need not be spun away.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
