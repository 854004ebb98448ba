//! Events of safe code that do not keep their word in a chain: their neighbours must not be told
//! what was not the answer to their own entries, since they believe it.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use ringbahn_core::event::{Accept, EventExt};
use ringbahn_core::{Drive, Event, Outcome, Sqe, Sqes};
use toy_ring::{Taken, Toy, poll_ready};

/// Says that it needs so many entries, the last number ever after, and pushes another number.
struct Liar {
    says: Vec<u32>,
    asked: AtomicU32,
    pushes: u32,
}

impl Liar {
    fn new(says: &[u32], pushes: u32) -> Liar {
        Liar { says: says.to_vec(), asked: AtomicU32::new(0), pushes }
    }
}

#[allow(unsafe_code, reason = "the trait's method is unsafe")]
impl Event for Liar {
    type Output = Vec<i32>;

    fn sqes_needed(&self) -> u32 {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) as usize;
        self.says[asked.min(self.says.len() - 1)]
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        for _ in 0..self.pushes {
            sqes.push(Sqe::nop());
        }
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Vec<i32> {
        outcome.cqes().iter().map(|cqe| cqe.result).collect()
    }
}

fn accept() -> Accept {
    Accept::new(OwnedFd::from(File::open("/dev/null").expect("/dev/null opens")))
}

/// Runs a chain; the kernel answers its entries with `results`, one after the other.
fn run<E: Event>(chain: E, results: &[i32]) -> E::Output {
    let toy = Toy::new(8);
    let mut future = Box::pin(toy.clone().submit(chain));
    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    let entries: Vec<Taken> = results.iter().map(|_| toy.take_operation()).collect();
    for (entry, result) in entries.iter().zip(results) {
        toy.post(entry.user_data, *result, 0);
    }
    poll_ready(&mut future)
}

/// The error of an accept. A descriptor that it believes to be its own is somebody else's here.
fn error_of<T>(accepted: io::Result<(OwnedFd, T)>) -> Option<i32> {
    match accepted {
        Ok((fd, _)) => {
            std::mem::forget(fd);
            None
        }
        Err(error) => error.raw_os_error(),
    }
}

#[test]
fn an_event_that_changes_its_mind_does_not_pass_its_answer_off_as_its_neighbours() {
    // Asked as the chain is made, as it is submitted, and as it has ended.
    let chain = Liar::new(&[2, 2, 1], 2).link(accept());
    let (nops, accepted) = run(chain, &[0, 900, -libc::EINVAL]);
    assert_eq!(nops, [0, 900]);
    assert_eq!(error_of(accepted), Some(libc::EINVAL));
}

#[test]
fn events_that_push_more_and_fewer_entries_than_they_say_leave_the_one_between_its_own() {
    let chain = Liar::new(&[1], 2).link(accept()).link(Liar::new(&[2], 1));
    let ((two, accepted), one) = run(chain, &[0, 900, -libc::EINVAL, 7]);
    assert_eq!((two, one), (vec![0, 900], vec![7]));
    assert_eq!(error_of(accepted), Some(libc::EINVAL));
}

#[test]
fn a_chain_that_ends_in_an_event_without_entries_is_not_hung_on_the_next_operation() {
    let toy = Toy::new(8);
    let chain = Liar::new(&[1], 2).link(Liar::new(&[1], 0));
    let mut future = Box::pin(toy.clone().submit(chain));
    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(
        matches!(polled, Poll::Ready((none, nothing)) if none.is_empty() && nothing.is_empty())
    );
    assert_eq!((toy.queued(), toy.in_flight()), (0, 0));
}
