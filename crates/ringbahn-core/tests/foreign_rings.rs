//! Events that name what is registered with one ring, on another: they come back whole, with an
//! error that says what is wrong, and nothing reaches the ring.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ringbahn_core::event::{EventExt, Nop};
use ringbahn_core::{
    Attempt, CancelTarget, Completion, Drive, Event, ForeignRing, Outcome, Reservation, RingId,
    Served, Shared, Sqe, Sqes,
};
use toy_ring::{Toy, poll_pending, poll_ready};

/// Does nothing, on one ring only; from its second round on that is the ring `then`.
struct NopOn {
    ring: RingId,
    then: RingId,
    rounds: u32,
    buffer: Vec<u8>,
}

impl NopOn {
    fn new(ring: RingId) -> NopOn {
        NopOn { ring, then: ring, rounds: 0, buffer: vec![7; 7] }
    }
}

#[allow(unsafe_code, reason = "the trait's method is unsafe")]
impl Event for NopOn {
    type Output = (io::Result<u32>, Vec<u8>);

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.belongs_to(if self.rounds == 0 { self.ring } else { self.then });
        sqes.push(Sqe::nop());
        self.rounds += 1;
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
        (outcome.result(), self.buffer)
    }
}

#[track_caller]
fn assert_foreign(result: io::Result<u32>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>()), "{error:?}");
    error.to_string()
}

#[test]
fn an_event_runs_on_the_ring_that_it_belongs_to() {
    let toy = Toy::new(1);
    let mut future = Box::pin(toy.clone().submit(NopOn::new(toy.ring())));
    poll_pending(&mut future, Waker::noop());
    toy.post(toy.take_operation().user_data, 3, 0);
    assert_eq!(poll_ready(&mut future).0.unwrap(), 3);
}

#[test]
fn on_another_ring_it_comes_back_whole_and_nothing_reaches_the_ring() {
    let [toy, other] = [Toy::new(1), Toy::new(1)];
    let mut future = Box::pin(other.clone().submit(NopOn::new(toy.ring())));
    let (result, buffer) = poll_ready(&mut future);
    assert!(assert_foreign(result).contains("registered with another ring"));
    assert_eq!(buffer, [7; 7]);
    for ring in [toy, other] {
        assert_eq!((ring.queued(), ring.in_flight(), ring.tally().cancels), (0, 0, 0));
    }
}

#[test]
fn a_chain_goes_where_all_its_events_may_go() {
    let [toy, other] = [Toy::new(8), Toy::new(8)];
    let chain = Nop.link(NopOn::new(toy.ring())).link(NopOn::new(toy.ring()));
    let mut future = Box::pin(toy.clone().submit(chain));
    poll_pending(&mut future, Waker::noop());
    assert_eq!(toy.queued(), 3);
    for result in 0..3 {
        toy.post(toy.take_operation().user_data, result, 0);
    }
    let ((nop, first), second) = poll_ready(&mut future);
    assert_eq!((nop.ok(), first.0.ok(), second.0.ok()), (Some(()), Some(1), Some(2)));
    let chain = NopOn::new(toy.ring()).link(NopOn::new(other.ring()));
    let ((first, buffer), second) = poll_ready(&mut Box::pin(other.clone().submit(chain)));
    assert!(assert_foreign(first).contains("different rings"));
    assert_eq!(second.0.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    assert_eq!((buffer, second.1, other.queued()), (vec![7; 7], vec![7; 7], 0));
}

#[test]
fn an_event_that_changes_its_ring_from_round_to_round_ends_there() {
    let [toy, other] = [Toy::new(1), Toy::new(1)];
    let event = NopOn { then: other.ring(), ..NopOn::new(toy.ring()) };
    let mut future = Box::pin(toy.clone().submit(event));
    poll_pending(&mut future, Waker::noop());
    // Not run: it is to be submitted once more.
    toy.post(toy.take_operation().user_data, -libc::ECANCELED, 0);
    let (result, buffer) = poll_ready(&mut future);
    assert_eq!((result.unwrap_err().raw_os_error(), buffer), (Some(libc::ECANCELED), vec![7; 7]));
    assert_eq!((toy.queued(), toy.in_flight(), other.queued()), (0, 0, 0));
}

/// Would serve anything.
#[derive(Clone)]
struct Eager(Toy);

impl Drive for Eager {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        Pin::new(&mut self.0).poll_prepare(cx, count, prepare)
    }

    fn poll_submit(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Pin::new(&mut self.0).poll_submit(cx)
    }

    fn cancel(mut self: Pin<&mut Self>, target: CancelTarget) {
        Pin::new(&mut self.0).cancel(target);
    }

    #[allow(unsafe_code, reason = "a NOP has no operands")]
    fn attempt<'a>(self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        // SAFETY: a NOP is over as soon as it is said to be.
        Some(unsafe { attempt.served(0) })
    }
}

#[test]
fn an_event_of_a_ring_is_not_served_without_it() {
    let eager = Eager(Toy::new(1));
    assert_eq!(poll_ready(&mut Box::pin(eager.clone().submit(Nop))).ok(), Some(()));
    let of_ring = NopOn::new(eager.0.ring());
    let mut future = Box::pin(eager.clone().submit(of_ring));
    poll_pending(&mut future, Waker::noop());
    eager.0.post(eager.0.take_operation().user_data, 3, 0);
    assert_eq!(poll_ready(&mut future).0.unwrap(), 3);
}
