//! The same through ringbahn's local driver.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_executor::LocalExecutor;
use ringbahn_core::event::{Nop, Position, Read};
use ringbahn_core::{Drive, Event, SharedFd, Submission};
use ringbahn_drivers::LocalDriver;

use super::{Way, Work};

/// Every way there is.
pub(super) fn ways(work: Work, batch: usize) -> io::Result<Vec<(&'static str, Box<dyn Way>)>> {
    let zero = SharedFd::new(Arc::new(File::open("/dev/zero")?));
    Ok(match work {
        Work::Nop => of(batch, || Nop, |_| Nop)?,
        Work::Read => {
            let first = move || Read::new(zero.clone(), [0_u8; 64], Position::At(0));
            let zero = SharedFd::new(Arc::new(File::open("/dev/zero")?));
            of(batch, first, move |_| Read::new(zero.clone(), [0_u8; 64], Position::At(0)))?
        }
    })
}

fn of<E: Event>(
    batch: usize,
    first: impl Fn() -> E + Clone + 'static,
    _next: impl Fn(E::Output) -> E + 'static,
) -> io::Result<Vec<(&'static str, Box<dyn Way>)>> {
    Ok(vec![
        (
            "submissions",
            Box::new(Submissions {
                driver: LocalDriver::new()?,
                event: first.clone(),
                slots: (0..batch).map(|_| None).collect(),
            }) as Box<dyn Way>,
        ),
        ("tasks", Box::new(Tasks { driver: LocalDriver::new()?, event: first, batch })),
    ])
}

/// Each operation is a submission of its own.
struct Submissions<E: Event, F> {
    driver: LocalDriver,
    event: F,
    slots: Vec<Option<Submission<E, LocalDriver>>>,
}

impl<E: Event, F: Fn() -> E> Way for Submissions<E, F> {
    fn run(&mut self, operations: usize) {
        let Submissions { driver, event, slots } = self;
        driver.block_on(async {
            for _ in 0..operations / slots.len() {
                for slot in &mut *slots {
                    *slot = Some(driver.clone().submit(event()));
                }
                poll_fn(|cx| poll_all(slots, cx)).await;
            }
        });
    }
}

fn poll_all<E: Event>(
    slots: &mut [Option<Submission<E, LocalDriver>>],
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
