//! Where drivers live: how each is made, how futures are run there, and how it ends.

use std::future::Future;
use std::io;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use ringbahn_core::{Drive, Event, Submission};
use ringbahn_drivers::{
    Counters, HostedBuilder, HostedDriver, IopollDriver, LocalDriver, Policy, Report,
    ShardedDriver, SharedDriver, SqpollDriver,
};
use tokio::runtime::{Builder, Runtime};

use crate::{local, scene, skip};

/// How long anything may take that is to happen at all.
const PATIENCE: Duration = Duration::from_secs(15);

/// A driver, and whatever runs its futures.
pub(crate) trait Home: Sized + 'static {
    type Driver: Drive + Clone + Unpin + 'static;

    /// Whether the kernel sends without a copy for it, and so keeps the buffer for a while.
    const ZERO_COPY: bool;
    /// Whether it is its own calls of `io_uring_enter` that submit.
    const ENTERS: bool;

    /// Opens what stays open for the rest of the process.
    fn open() {}

    /// A driver of that size, which takes every operation through its queues.
    fn make(entries: u32, completions: u32) -> io::Result<Self>;

    fn driver(&self) -> Self::Driver;

    /// Runs `future` to its end, with the driver at work.
    fn run<F: Future>(&self, future: F) -> F::Output;

    fn counters(&self) -> Counters;

    fn shut_down(&self, deadline: Duration) -> Report;

    /// Drops the last handle, and leaves the runtime as it is.
    fn leave(self) {
        drop(self);
    }
}

/// A home of that size, or `None` and a line in the log where there is no io_uring.
pub(crate) fn home<H: Home>(test: &str, entries: u32, completions: u32) -> Option<H> {
    match H::make(entries, completions) {
        Ok(home) => Some(home),
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}

/// Implements what is the same for all of them.
macro_rules! inhabited {
    ($driver:ty) => {
        type Driver = $driver;

        fn driver(&self) -> $driver {
            self.driver.clone()
        }

        fn counters(&self) -> Counters {
            self.driver.counters()
        }
    };
}

const fn policy(fallback: bool) -> Policy {
    if fallback { Policy::Never } else { Policy::Require }
}

/// Anywhere: nothing has to be run.
pub(crate) struct Shared<const FALLBACK: bool> {
    driver: SharedDriver,
}

impl<const FALLBACK: bool> Home for Shared<FALLBACK> {
    const ZERO_COPY: bool = !FALLBACK;
    const ENTERS: bool = !FALLBACK;

    fn make(entries: u32, completions: u32) -> io::Result<Self> {
        let builder = SharedDriver::builder().entries(entries).completion_entries(completions);
        let driver = builder.policy(policy(FALLBACK)).serve_at_once(false).build()?;
        Ok(Shared { driver })
    }

    inhabited!(SharedDriver);

    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn shut_down(&self, deadline: Duration) -> Report {
        scene::run(self.driver.shutdown(deadline))
    }
}

/// On the thread that has made it.
pub(crate) struct Local<const FALLBACK: bool> {
    driver: LocalDriver,
}

impl<const FALLBACK: bool> Home for Local<FALLBACK> {
    const ZERO_COPY: bool = !FALLBACK;
    const ENTERS: bool = !FALLBACK;

    fn make(entries: u32, completions: u32) -> io::Result<Self> {
        let builder = LocalDriver::builder().entries(entries).completion_entries(completions);
        let driver = builder.policy(policy(FALLBACK)).serve_at_once(false).build()?;
        Ok(Local { driver })
    }

    inhabited!(LocalDriver);

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.driver.block_on(future)
    }

    fn shut_down(&self, deadline: Duration) -> Report {
        self.driver.shutdown(deadline)
    }
}

fn hosted(entries: u32, completions: u32) -> HostedBuilder {
    let builder = HostedDriver::builder().entries(entries).completion_entries(completions);
    builder.policy(Policy::Require).serve_at_once(false)
}

/// In a runtime of tokio, of one thread where `THREADS` is 0.
pub(crate) struct Tokio<const THREADS: usize> {
    driver: HostedDriver,
    runtime: Runtime,
}

impl<const THREADS: usize> Home for Tokio<THREADS> {
    const ZERO_COPY: bool = true;
    const ENTERS: bool = true;

    fn make(entries: u32, completions: u32) -> io::Result<Self> {
        let runtime = match THREADS {
            0 => Builder::new_current_thread().enable_io().build()?,
            _ => Builder::new_multi_thread().worker_threads(THREADS).enable_io().build()?,
        };
        let driver = runtime.block_on(async { hosted(entries, completions).build_in_tokio() })?;
        Ok(Tokio { driver, runtime })
    }

    inhabited!(HostedDriver);

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn shut_down(&self, deadline: Duration) -> Report {
        scene::run(self.driver.shutdown(deadline))
    }

    fn leave(self) {
        // Its end would wait for threads that a forked child does not have.
        let _runtime = ManuallyDrop::new(self.runtime);
    }
}

/// In the reactor of async-io, on an executor of smol.
pub(crate) struct Smol {
    driver: HostedDriver,
    executor: smol::Executor<'static>,
}

impl Home for Smol {
    const ZERO_COPY: bool = true;
    const ENTERS: bool = true;

    fn open() {
        smol::block_on(smol::Timer::after(Duration::from_millis(1)));
    }

    fn make(entries: u32, completions: u32) -> io::Result<Self> {
        let executor = smol::Executor::new();
        let spawn = |task| executor.spawn(task).detach();
        let driver = hosted(entries, completions).build_on_async_io(spawn)?;
        Ok(Smol { driver, executor })
    }

    inhabited!(HostedDriver);

    fn run<F: Future>(&self, future: F) -> F::Output {
        smol::block_on(self.executor.run(future))
    }

    fn shut_down(&self, deadline: Duration) -> Report {
        scene::run(self.driver.shutdown(deadline))
    }

    fn leave(self) {
        // As above.
        let _executor = ManuallyDrop::new(self.executor);
    }
}

/// Anywhere, with two rings.
pub(crate) struct Sharded {
    driver: ShardedDriver,
}

impl Home for Sharded {
    const ZERO_COPY: bool = true;
    const ENTERS: bool = true;

    fn make(entries: u32, completions: u32) -> io::Result<Self> {
        let builder = ShardedDriver::builder().shards(2).policy(Policy::Require);
        let builder = builder.entries(entries).completion_entries(completions);
        Ok(Sharded { driver: builder.serve_at_once(false).build()? })
    }

    inhabited!(ShardedDriver);

    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn shut_down(&self, deadline: Duration) -> Report {
        scene::run(self.driver.shutdown(deadline))
    }
}

/// Anywhere, with a thread of the kernel, which does not keep a core busy for long.
pub(crate) struct Sqpoll {
    driver: SqpollDriver,
}

impl Home for Sqpoll {
    const ZERO_COPY: bool = false;
    const ENTERS: bool = false;

    fn make(entries: u32, completions: u32) -> io::Result<Self> {
        let builder = SqpollDriver::builder().entries(entries).completion_entries(completions);
        Ok(Sqpoll { driver: builder.idle(Duration::from_millis(2)).build()? })
    }

    inhabited!(SqpollDriver);

    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn shut_down(&self, deadline: Duration) -> Report {
        scene::run(self.driver.shutdown(deadline))
    }
}

/// Anywhere, for direct IO and for little else.
pub(crate) struct Iopoll {
    driver: IopollDriver,
}

impl Home for Iopoll {
    const ZERO_COPY: bool = false;
    const ENTERS: bool = true;

    fn make(entries: u32, completions: u32) -> io::Result<Self> {
        let builder = IopollDriver::builder().entries(entries).completion_entries(completions);
        Ok(Iopoll { driver: builder.build()? })
    }

    inhabited!(IopollDriver);

    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn shut_down(&self, deadline: Duration) -> Report {
        scene::run(self.driver.shutdown(deadline))
    }
}

/// An operation that has begun.
pub(crate) type Operation<H, E> = Pin<Box<Submission<E, <H as Home>::Driver>>>;

/// An operation that was begun: it is under way, or has ended already.
pub(crate) enum Begun<H: Home, E: Event> {
    InFlight(Operation<H, E>),
    Ended(E::Output),
}

/// Polls an operation of `event` until the driver has taken it.
pub(crate) fn begin<H: Home, E: Event>(home: &H, event: E) -> Begun<H, E> {
    let mut operation = Box::pin(home.driver().submit(event));
    home.run(async move {
        loop {
            if let Poll::Ready(output) = local::poll_once(operation.as_mut()).await {
                return Begun::Ended(output);
            }
            if operation.is_in_flight() {
                // What goes out at the end of a turn does so now.
                local::yields().await;
                return Begun::InFlight(operation);
            }
            local::yields().await;
        }
    })
}

/// Begins an operation that has to wait.
#[track_caller]
pub(crate) fn pending<H: Home, E: Event>(home: &H, event: E) -> Operation<H, E> {
    match begin(home, event) {
        Begun::InFlight(operation) => operation,
        Begun::Ended(_) => panic!("it has not waited"),
    }
}

/// A shutdown after which all accounts balance, and which finds nothing worth waiting for.
#[track_caller]
pub(crate) fn end<H: Home>(home: &H) -> Report {
    let begin = Instant::now();
    let report = home.shut_down(Duration::from_secs(60));
    let counters = home.counters();
    assert!(begin.elapsed() < PATIENCE, "it waited for nothing: {counters:#?}");
    assert_eq!(report.leaked, 0, "{counters:#?}");
    assert_eq!(counters.submitted, counters.completed, "{counters:#?}");
    assert_eq!((counters.in_flight, counters.unknown_cqes), (0, 0), "{counters:#?}");
    report
}

/// Whether the operation was stopped before it had done anything.
pub(crate) fn was_stopped<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.raw_os_error() == Some(libc::ECANCELED))
}
