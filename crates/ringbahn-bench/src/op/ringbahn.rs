//! The same through ringbahn's drivers.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_executor::LocalExecutor;
use ringbahn_core::event::{Nop, Position, Read};
use ringbahn_core::{Drive, Event, SharedFd, Submission};
use ringbahn_drivers::{LocalDriver, ShardedDriver, SharedDriver, SqpollDriver};

use super::{Way, Work};

/// A way that has not begun yet.
pub(super) struct Candidate {
    pub(super) name: &'static str,
    /// Whether it starts threads. Allocating is slower in a process that has ever had a second one,
    /// so such a way must not begin before those without have been measured.
    pub(super) threads: bool,
    begin: Box<dyn FnOnce() -> io::Result<Box<dyn Way>>>,
}

impl Candidate {
    fn new<W: Way + 'static>(
        name: &'static str,
        threads: bool,
        begin: impl FnOnce() -> io::Result<W> + 'static,
    ) -> Candidate {
        let begin = Box::new(|| Ok(Box::new(begin()?) as Box<dyn Way>));
        Candidate { name, threads, begin }
    }

    /// Makes its ring, and whatever else it needs.
    pub(super) fn begin(self) -> io::Result<Box<dyn Way>> {
        (self.begin)()
    }
}

/// Every way there is.
pub(super) fn ways(work: Work, batch: usize) -> io::Result<Vec<Candidate>> {
    let zero = SharedFd::new(Arc::new(File::open("/dev/zero")?));
    match work {
        Work::Nop => Ok(of(batch, || Nop)),
        Work::Read => Ok(of(batch, move || Read::new(zero.clone(), [0_u8; 64], Position::At(0)))),
    }
}

// What the ring costs is asked for, also where a call of its own would be cheaper.
fn of<E: Event>(batch: usize, event: impl Fn() -> E + Clone + 'static) -> Vec<Candidate> {
    let (restarted, tasks) = (event.clone(), event.clone());
    let (shared, sharded, sqpoll) = (event.clone(), event.clone(), event.clone());
    let local = || LocalDriver::builder().serve_at_once(false).build();
    vec![
        Candidate::new("submissions", false, move || {
            Ok(Submissions::new(local()?, block_on, event, batch))
        }),
        Candidate::new("restarted", false, move || Ok(Restarted::new(local()?, restarted, batch))),
        Candidate::new("tasks", false, move || Ok(Tasks { driver: local()?, event: tasks, batch })),
        Candidate::new("shared", true, move || {
            let driver = SharedDriver::builder().serve_at_once(false).build()?;
            Ok(Submissions::new(driver, block_on_any, shared, batch))
        }),
        Candidate::new("sharded", true, move || {
            let driver = ShardedDriver::builder().serve_at_once(false).build()?;
            Ok(Submissions::new(driver, block_on_any, sharded, batch))
        }),
        Candidate::new("sqpoll", true, move || {
            // It must not keep a core busy that others are measured on.
            let driver = SqpollDriver::builder().idle(Duration::from_millis(1)).build()?;
            Ok(Submissions::new(driver, block_on_any, sqpoll, batch))
        }),
    ]
}

/// Runs `future` on a driver.
type BlockOn<D> = fn(&D, Pin<&mut dyn Future<Output = ()>>);

fn block_on(driver: &LocalDriver, future: Pin<&mut dyn Future<Output = ()>>) {
    driver.block_on(future);
}

fn block_on_any<D>(_driver: &D, future: Pin<&mut dyn Future<Output = ()>>) {
    futures::executor::block_on(future);
}

/// Each operation is a submission of its own.
struct Submissions<E: Event, D: Drive, F> {
    driver: D,
    block_on: BlockOn<D>,
    event: F,
    slots: Vec<Option<Submission<E, D>>>,
}

impl<E: Event, D: Drive, F> Submissions<E, D, F> {
    fn new(driver: D, block_on: BlockOn<D>, event: F, batch: usize) -> Submissions<E, D, F> {
        Submissions { driver, block_on, event, slots: (0..batch).map(|_| None).collect() }
    }
}

impl<E: Event, D: Drive + Clone + Unpin, F: Fn() -> E> Way for Submissions<E, D, F> {
    fn run(&mut self, operations: usize) {
        let Submissions { driver, block_on, event, slots } = self;
        let all = async {
            for _ in 0..operations / slots.len() {
                for slot in &mut *slots {
                    *slot = Some(driver.clone().submit(event()));
                }
                poll_fn(|cx| poll_all(slots, cx)).await;
            }
        };
        block_on(driver, std::pin::pin!(all));
    }
}

fn poll_all<E: Event, D: Drive + Unpin>(
    slots: &mut [Option<Submission<E, D>>],
    cx: &mut Context<'_>,
) -> Poll<()> {
    let mut pending = false;
    for slot in slots {
        if let Some(submission) = slot {
            match Pin::new(submission).poll(cx) {
                Poll::Ready(_) => *slot = None,
                Poll::Pending => pending = true,
            }
        }
    }
    if pending { Poll::Pending } else { Poll::Ready(()) }
}

/// Each operation is a submission that is restarted with the next one.
struct Restarted<E: Event, F> {
    driver: LocalDriver,
    event: F,
    /// With each submission, whether its output is still to come.
    slots: Vec<(Submission<E, LocalDriver>, bool)>,
}

impl<E: Event, F: Fn() -> E> Restarted<E, F> {
    fn new(driver: LocalDriver, event: F, batch: usize) -> Restarted<E, F> {
        let slots = (0..batch).map(|_| (driver.clone().submit(event()), false)).collect();
        Restarted { driver, event, slots }
    }
}

impl<E: Event, F: Fn() -> E> Way for Restarted<E, F> {
    fn run(&mut self, operations: usize) {
        let Restarted { driver, event, slots } = self;
        driver.block_on(async {
            for _ in 0..operations / slots.len() {
                for (submission, running) in &mut *slots {
                    Pin::new(submission).restart(event());
                    *running = true;
                }
                poll_fn(|cx| {
                    let mut pending = false;
                    for (submission, running) in &mut *slots {
                        *running = *running && Pin::new(submission).poll(cx).is_pending();
                        pending |= *running;
                    }
                    if pending { Poll::Pending } else { Poll::Ready(()) }
                })
                .await;
            }
        });
    }
}

/// Each operation is awaited by a task.
struct Tasks<F> {
    driver: LocalDriver,
    event: F,
    batch: usize,
}

impl<E: Event, F: Fn() -> E + Clone + 'static> Way for Tasks<F> {
    fn run(&mut self, operations: usize) {
        let executor = LocalExecutor::new();
        let each = operations / self.batch;
        let tasks: Vec<_> = (0..self.batch)
            .map(|_| {
                let (driver, event) = (self.driver.clone(), self.event.clone());
                executor.spawn(async move {
                    for _ in 0..each {
                        driver.clone().submit(event()).await;
                    }
                })
            })
            .collect();
        self.driver.block_on(executor.run(async {
            for task in tasks {
                task.await;
            }
        }));
    }
}
