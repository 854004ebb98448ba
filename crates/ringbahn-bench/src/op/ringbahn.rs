//! The same through ringbahn's drivers.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_executor::LocalExecutor;
use ringbahn_core::event::{Nop, Position, Read};
use ringbahn_core::{Drive, Event, SharedFd, Submission};
use ringbahn_drivers::{HostedDriver, LocalDriver, SharedDriver};
use tokio::runtime::Runtime;

use super::{Way, Work};

type NamedWay = (&'static str, Box<dyn Way>);

/// Every way there is.
pub(super) fn ways(work: Work, batch: usize) -> io::Result<Vec<NamedWay>> {
    let zero = SharedFd::new(Arc::new(File::open("/dev/zero")?));
    match work {
        Work::Nop => of(batch, || Nop),
        Work::Read => of(batch, move || Read::new(zero.clone(), [0_u8; 64], Position::At(0))),
    }
}

fn of<E: Event>(
    batch: usize,
    event: impl Fn() -> E + Clone + Send + 'static,
) -> io::Result<Vec<NamedWay>>
where
    Submission<E, SharedDriver>: Send,
    Submission<E, HostedDriver>: Send,
{
    // What the ring costs is asked for, also where a call of its own would be cheaper.
    let local = || LocalDriver::builder().serve_at_once(false).build();
    let shared = SharedDriver::builder().serve_at_once(false).build()?;
    Ok(vec![
        ("submissions", Box::new(Submissions::new(local()?, block_on, event.clone(), batch))),
        ("restarted", Box::new(Restarted::new(local()?, event.clone(), batch))),
        ("tasks", Box::new(Tasks { driver: local()?, event: event.clone(), batch })),
        ("shared", Box::new(Submissions::new(shared.clone(), block_on_any, event.clone(), batch))),
        ("tokio-shared", Box::new(InTokio::new(event.clone(), batch, |_| Ok(shared))?)),
        ("tokio-hosted", Box::new(InTokio::new(event, batch, hosted)?)),
    ])
}

/// Runs `future` on a driver.
type BlockOn<D> = fn(&D, Pin<&mut dyn Future<Output = ()>>);

fn block_on(driver: &LocalDriver, future: Pin<&mut dyn Future<Output = ()>>) {
    driver.block_on(future);
}

fn block_on_any(_driver: &SharedDriver, future: Pin<&mut dyn Future<Output = ()>>) {
    futures::executor::block_on(future);
}

fn hosted(runtime: &Runtime) -> io::Result<HostedDriver> {
    runtime.block_on(async { HostedDriver::builder().serve_at_once(false).build_in_tokio() })
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

/// Each operation is awaited by a task of tokio, on one thread.
struct InTokio<D, F> {
    runtime: Runtime,
    driver: D,
    event: F,
    batch: usize,
}

impl<D, F> InTokio<D, F> {
    fn new(
        event: F,
        batch: usize,
        driver: impl FnOnce(&Runtime) -> io::Result<D>,
    ) -> io::Result<InTokio<D, F>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let driver = driver(&runtime)?;
        Ok(InTokio { runtime, driver, event, batch })
    }
}

impl<E, D, F> Way for InTokio<D, F>
where
    E: Event,
    D: Drive + Clone + Unpin + Send + 'static,
    Submission<E, D>: Send,
    F: Fn() -> E + Clone + Send + 'static,
{
    fn run(&mut self, operations: usize) {
        let each = operations / self.batch;
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..self.batch)
                .map(|_| {
                    let (driver, event) = (self.driver.clone(), self.event.clone());
                    tokio::spawn(async move {
                        for _ in 0..each {
                            driver.clone().submit(event()).await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                // A task of the benchmark does not panic, nor is it stopped.
                let _ = task.await;
            }
        });
    }
}
