//! a10: operations of a ring as futures. Who polls them, and the ring, is for its users to say.
//!
//! Here it is the executor `async-executor` and a loop around the two.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ::a10::{AsyncFd, Extract as _, Ring, SubmissionQueue};
use async_executor::LocalExecutor;

use super::library::{Access, Library, Names, PeerFile};
use super::pages::Pages;
use super::{wake, with_files};
use crate::laboratory::contender::{Abilities, Backend, Contender, Failure, Family};

mod accept;
mod cancel;
mod echo;
mod idle;
mod multishot;

pub(super) const DEFAULT: Contender = Contender {
    name: "a10",
    about: "a10 0.4 with the ring of its defaults, and an executor of one thread",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: Abilities {
        echo: Some(echo::echo),
        accept: Some(accept::accept),
        ..abilities::<A10<false>>()
    },
};

pub(super) const TUNED: Contender = Contender {
    name: "a10-tuned",
    about: "a10 0.4 upon a ring of one thread, to which the kernel's work is deferred; \
            connections and messages come as streams, these in buffers that the kernel chooses",
    family: Family::Peer,
    backend: Backend::IoUring,
    abilities: Abilities {
        echo: Some(echo::echo_multishot),
        accept: Some(accept::accept_multishot),
        ..abilities::<A10<true>>()
    },
};

const fn abilities<A: Rings>() -> Abilities {
    Abilities {
        idle: Some(idle::idle::<A>),
        cancel: Some(cancel::cancel::<A>),
        wake: Some(wake::wake::<A>),
        ..with_files::<A>()
    }
}

/// A ring with the defaults of a10 or tuned, and the executor upon it.
#[derive(Clone)]
struct A10<const TUNED: bool> {
    queue: SubmissionQueue,
    executor: Rc<LocalExecutor<'static>>,
}

/// Either of the two.
trait Rings: Names {
    fn queue(&self) -> SubmissionQueue;

    /// Runs a task that nobody awaits.
    fn detach(&self, task: impl Future<Output = Result<(), Failure>> + 'static);
}

/// Wakes the future that the loop runs, and the loop.
struct Alarm {
    /// Whether the future is to be polled. Swapped by both sides with `AcqRel`: who sees it set
    /// also sees what was done before it was.
    is_rung: AtomicBool,
    queue: SubmissionQueue,
}

impl<const TUNED: bool> Rings for A10<TUNED> {
    fn queue(&self) -> SubmissionQueue {
        self.queue.clone()
    }

    fn detach(&self, task: impl Future<Output = Result<(), Failure>> + 'static) {
        self.executor.spawn(task).detach();
    }
}

impl<const TUNED: bool> Library for A10<TUNED> {
    type File = AsyncFd;

    fn run<T>(main: impl AsyncFnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut ring = if TUNED {
            let config = Ring::config().single_issuer().defer_task_run();
            config.with_submission_queue_size(1024).with_completion_queue_size(4096).build()?
        } else {
            Ring::new()?
        };
        let executor = Rc::new(LocalExecutor::new());
        let library = A10 { queue: ring.sq(), executor: Rc::clone(&executor) };
        let alarm = Arc::new(Alarm { is_rung: AtomicBool::new(true), queue: ring.sq() });
        let waker = Waker::from(Arc::clone(&alarm));
        let mut main = std::pin::pin!(main(library));
        loop {
            if alarm.is_rung.swap(false, Ordering::AcqRel)
                && let Poll::Ready(result) = main.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return result;
            }
            while executor.try_tick() {}
            // What the future gives way to includes the ring.
            ring.poll(alarm.is_rung.load(Ordering::Acquire).then_some(Duration::ZERO))?;
        }
    }

    fn spawn<T: 'static>(
        &self,
        task: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> {
        self.executor.spawn(task)
    }

    async fn open(&self, path: &Path, access: Access) -> Result<AsyncFd, Failure> {
        let options = ::a10::fs::OpenOptions::new();
        let options = match access {
            Access::Read => options.read(),
            Access::ReadDirect => options.read().direct(),
            Access::Write => options.write_only().create().truncate(),
            Access::Log => options.write_only().create(),
        };
        Ok(options.open(self.queue(), path.to_owned()).await?)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            self.queue.wake();
        }
    }
}

impl<const TUNED: bool> Names for A10<TUNED> {
    async fn come_and_go(&self, path: PathBuf, new: PathBuf) -> Result<(), Failure> {
        use ::a10::fs;

        let options = fs::OpenOptions::new().write_only().create().truncate();
        let (file, path) = options.open(self.queue(), path).extract().await?;
        if file.metadata().await?.len() != 0 {
            return Err("a new file is not empty".into());
        }
        file.close().await?;
        let (_, new) = fs::rename(self.queue(), path, new).extract().await?;
        Ok(fs::remove_file(self.queue(), new).await?)
    }
}

impl PeerFile for AsyncFd {
    type Buffer = Pages;

    fn buffer(&self, length: usize) -> Pages {
        Pages::new(length)
    }

    async fn read(&self, buffer: Pages, position: u64) -> Result<(usize, Pages), Failure> {
        let mut buffer = AsyncFd::read(self, buffer).from(position).await?;
        Ok((buffer.take_filled(), buffer))
    }

    async fn write(&self, buffer: Pages, position: u64) -> Result<(usize, Pages), Failure> {
        let (buffer, written) = AsyncFd::write(self, buffer).at(position).extract().await?;
        Ok((written, buffer))
    }

    async fn sync_data(&self) -> Result<(), Failure> {
        Ok(AsyncFd::sync_data(self).await?)
    }
}
