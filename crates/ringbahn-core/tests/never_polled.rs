//! Futures that are never polled, or cancelled before their first poll: no entry, no loss.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ringbahn_core::{Cancelled, Drive};
use toy_ring::{Counts, Policy, Probe, Toy, poll_pending, poll_ready, start};

#[test]
fn a_future_dropped_before_its_first_poll_asks_the_driver_for_nothing() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    drop(toy.clone().submit(Probe::new(&counts)));
    assert_eq!((counts.prepared(), counts.all()), (0, (0, 0, 1)));
    assert_eq!(toy.tally(), toy_ring::Tally::default());
    assert_eq!(toy.take(), None);
}

#[test]
fn a_cancel_before_the_first_poll_gives_the_event_back() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let mut cancel = Box::pin(toy.clone().submit(Probe::new(&counts)).cancel());
    match poll_ready(&mut cancel) {
        Cancelled::Cancelled(answer) => {
            assert_eq!(answer.number(), -libc::ECANCELED);
            assert_eq!(answer.buffer.len(), toy_ring::CHUNK);
            assert_eq!(answer.cqes, []);
        }
        Cancelled::Completed(answer) => panic!("it has never run: {answer:?}"),
    }
    assert_eq!((counts.prepared(), counts.all()), (0, (1, 0, 1)));
    assert_eq!((toy.take(), toy.tally().cancels), (None, 0));
}

#[test]
fn a_cancel_while_waiting_for_room_gives_the_event_back() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let mut first = toy.probe(Probe::new(&counts));
    poll_pending(&mut first, Waker::noop());
    let mut second = toy.probe(Probe::new(&counts));
    poll_pending(&mut second, Waker::noop());
    assert!(second.cancel_target().is_none());
    let polled = second.as_mut().poll_cancel(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Cancelled::Cancelled(_))));
    drop(second);
    assert_eq!(counts.all(), (1, 0, 1));
    toy.post(toy.take_operation().user_data, 1, 0);
    assert_eq!(poll_ready(&mut first).number(), 1);
    assert_eq!(toy.take(), None, "the second one has never been submitted");
}

#[test]
fn a_future_dropped_while_waiting_for_room_never_starts() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let mut first = toy.probe(Probe::new(&counts));
    poll_pending(&mut first, Waker::noop());
    for _ in 0..3 {
        let mut second = toy.probe(Probe::new(&counts));
        poll_pending(&mut second, Waker::noop());
    }
    assert_eq!(counts.all(), (0, 0, 3));
    toy.take_operation();
    assert_eq!((toy.take(), toy.in_flight(), toy.waiters()), (None, 1, 0));
}

#[test]
fn a_future_detached_before_its_first_poll_never_starts() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::new(&counts));
    future.as_mut().detach();
    assert_eq!((counts.all(), toy.take()), ((0, 0, 1), None));
}

#[test]
fn a_driver_that_refuses_an_event_gives_it_back() {
    let toy = Toy::new(1);
    toy.set(Policy { refuse: Some(libc::ENOSYS), ..Policy::default() });
    let counts = Counts::new();
    let mut future = toy.probe(Probe::new(&counts));
    let answer = poll_ready(&mut future);
    assert_eq!((answer.number(), answer.buffer.len()), (-libc::ENOSYS, toy_ring::CHUNK));
    drop(future);
    assert_eq!(counts.all(), (1, 0, 1));
    assert_eq!(toy.in_flight(), 0);
}

#[test]
fn a_driver_that_refuses_an_event_after_it_had_waited_gives_it_back() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (first, _) = start(&toy, Probe::new(&counts), Waker::noop());
    let mut blocker = toy.probe(Probe::new(&counts));
    poll_pending(&mut blocker, Waker::noop());
    let mut future = toy.probe(Probe::new(&counts));
    poll_pending(&mut future, Waker::noop());
    toy.drop_ring();
    assert_eq!(poll_ready(&mut future).number(), -libc::ENXIO);
    drop((first, blocker));
    assert_eq!(counts.all(), (1, 0, 1), "the two in flight are leaked");
}

#[test]
fn an_event_that_prepares_other_than_it_asked_for_is_refused_without_reaching_the_driver() {
    for (entries, claims) in [(0, 0), (1, 0), (0, 1), (1, 2), (2, 1), (65, 65), (64, 65)] {
        let toy = Toy::new(128);
        let counts = Counts::new();
        let mut future = toy.probe(Probe::of_entries(&counts, entries).claiming(claims));
        let answer = poll_ready(&mut future);
        let error = answer.result.expect_err("it must be refused");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert_eq!(answer.buffer.len(), toy_ring::CHUNK * entries as usize);
        assert_eq!((toy.take(), counts.all()), (None, (1, 0, 1)), "{entries}, {claims}");
    }
}

#[test]
fn a_future_moves_freely_before_and_after_its_first_poll() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let mut future = toy.clone().submit(Probe::new(&counts));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Future::poll(Pin::new(&mut future), &mut cx).is_pending());
    // A driver that may be moved makes a future that may be moved: the operand is not in it.
    let mut moved = Box::pin(future);
    let entry = toy.take_operation();
    toy.post(entry.user_data, 2, 0);
    assert_eq!(poll_ready(&mut moved).number(), 2);
}
