//! Events of several entries: next to each other in the queue, ended when all of them have.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::task::{Context, Poll, Waker};

use ringbahn_core::{Cqe, Matched};
use toy_ring::{CHUNK, Counts, Kernel, MORE, Policy, Probe, Signal, Toy, poll_pending, poll_ready};

#[test]
fn a_pair_is_never_split_by_a_queue_with_one_free_place() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let mut single = toy.probe(Probe::new(&counts));
    poll_pending(&mut single, Waker::noop());
    let mut pair = toy.probe(Probe::of_entries(&counts, 2));
    let (signal, waker) = Signal::new();
    poll_pending(&mut pair, &waker);
    assert_eq!((toy.queued(), toy.in_flight()), (1, 1), "half of it is in the queue");
    let first = toy.take_operation();
    assert_eq!(signal.wakes(), 1);
    poll_pending(&mut pair, &waker);
    let (one, two) = (toy.take_operation(), toy.take_operation());
    assert_eq!(two.address, one.address + CHUNK as u64);
    assert_ne!(one.user_data, two.user_data);
    for entry in [first, two, one] {
        toy.post(entry.user_data, 1, 0);
    }
    poll_ready(&mut single);
    poll_ready(&mut pair);
    assert_eq!(counts.all(), (2, 0, 2));
}

#[test]
fn a_pair_stays_together_where_the_queue_wraps() {
    for offset in 0..3 {
        let toy = Toy::new(3);
        let counts = Counts::new();
        for _ in 0..offset {
            let (mut future, entry) = toy_ring::start(&toy, Probe::new(&counts), Waker::noop());
            toy.post(entry.user_data, 0, 0);
            poll_ready(&mut future);
        }
        let mut pair = toy.probe(Probe::of_entries(&counts, 2));
        let mut single = toy.probe(Probe::new(&counts));
        poll_pending(&mut pair, Waker::noop());
        poll_pending(&mut single, Waker::noop());
        let (one, two) = (toy.take_operation(), toy.take_operation());
        assert_eq!(two.address, one.address + CHUNK as u64);
        toy.take_operation();
        assert_eq!(toy.take(), None);
    }
}

#[test]
fn a_reservation_with_one_place_too_few_commits_nothing_and_gives_the_event_back() {
    for entries in [1, 2, 4] {
        let toy = Toy::new(4);
        toy.set(Policy { withhold: 1, ..Policy::default() });
        let counts = Counts::new();
        let mut future = toy.probe(Probe::of_entries(&counts, entries));
        let answer = poll_ready(&mut future);
        assert_eq!(answer.result.expect_err("too few").kind(), std::io::ErrorKind::Other);
        assert_eq!(answer.buffer.len(), CHUNK * entries as usize);
        assert_eq!((toy.queued(), toy.in_flight()), (0, 0));
        drop(future);
        assert_eq!(counts.all(), (1, 0, 1));
    }
}

#[test]
fn the_ends_of_entries_may_come_in_any_order_and_are_told_in_that_of_the_entries() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let toy = Toy::new(4);
        let counts = Counts::new();
        let (signal, waker) = Signal::new();
        let mut future = toy.probe(Probe::of_entries(&counts, 3));
        poll_pending(&mut future, &waker);
        let entries = [toy.take_operation(), toy.take_operation(), toy.take_operation()];
        for (nth, at) in order.into_iter().enumerate() {
            poll_pending(&mut future, &waker);
            let matched = toy.post(entries[at].user_data, at as i32 * 10, 0);
            let expected = if nth == 2 { Matched::Finished } else { Matched::Progress };
            assert_eq!(matched, expected);
            assert_eq!(toy.post(entries[at].user_data, 99, 0), Matched::Unknown, "a duplicate");
            assert_eq!(toy.post(entries[at].user_data, 99, MORE), Matched::Unknown);
        }
        assert_eq!(signal.wakes(), 3);
        assert_eq!(poll_ready(&mut future).cqes, [(0, 0), (10, 0), (20, 0)]);
        assert_eq!(counts.all(), (1, 0, 1));
    }
}

#[test]
fn entries_of_two_cqes_each_are_told_by_entry_and_then_by_arrival() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::of_entries(&counts, 2));
    poll_pending(&mut future, Waker::noop());
    let (one, two) = (toy.take_operation().user_data, toy.take_operation().user_data);
    toy.post_all(&[
        Cqe { user_data: two, result: 20, flags: MORE },
        Cqe { user_data: one, result: 10, flags: MORE },
        Cqe { user_data: two, result: 21, flags: 0 },
        Cqe { user_data: one, result: 11, flags: 0 },
    ]);
    let expected = [(10, MORE), (11, 0), (20, MORE), (21, 0)];
    assert_eq!(poll_ready(&mut future).cqes, expected);
}

#[test]
fn the_cqes_of_entries_can_be_looked_at_as_they_arrive() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::of_entries(&counts, 2));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll_cqe(&mut cx, 0), Poll::Pending);
    let (one, two) = (toy.take_operation().user_data, toy.take_operation().user_data);
    toy.post(two, 2, 0);
    let first = Cqe { user_data: two, result: 2, flags: 0 };
    assert_eq!(future.as_mut().poll_cqe(&mut cx, 0), Poll::Ready(Some(first)));
    assert_eq!(future.as_mut().poll_cqe(&mut cx, 1), Poll::Pending);
    toy.post(one, 1, 0);
    assert!(future.as_mut().poll_cqe(&mut cx, 1).is_ready());
    assert_eq!(future.as_mut().poll_cqe(&mut cx, 2), Poll::Ready(None));
    assert_eq!(poll_ready(&mut future).cqes, [(1, 0), (2, 0)]);
}

#[test]
fn a_dropped_pair_keeps_its_memory_until_both_entries_have_ended() {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::of_entries(&counts, 2));
    poll_pending(&mut future, Waker::noop());
    let (one, two) = (toy.take_operation(), toy.take_operation());
    drop(future);
    toy.post(one.user_data, -libc::ECANCELED, 0);
    assert_eq!((counts.all(), toy.in_flight()), ((0, 0, 0), 1));
    toy.post(two.user_data, -libc::ECANCELED, 0);
    assert_eq!((counts.all(), toy.in_flight()), ((0, 1, 1), 0));
}

#[test]
fn a_cancel_of_a_pair_aims_at_the_entry_that_still_runs() {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::of_entries(&counts, 2));
    poll_pending(&mut future, Waker::noop());
    let (one, two) = (toy.take_operation(), toy.take_operation());
    toy.post(one.user_data, 5, 0);
    drop(future);
    let cancel = toy.take_cancel();
    assert_eq!(cancel.address, two.user_data);
    toy.post(cancel.user_data, -libc::ENOENT, 0);
    assert_eq!(toy.tally().missed_cancels, 1);
    toy.retry_missed_cancels();
    assert_eq!(toy.take_cancel().address, two.user_data);
}

#[test]
fn a_cancel_that_missed_the_first_entry_is_tried_again_on_the_second() {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::of_entries(&counts, 2));
    poll_pending(&mut future, Waker::noop());
    let (one, two) = (toy.take_operation(), toy.take_operation());
    drop(future);
    let cancel = toy.take_cancel();
    assert_eq!(cancel.address, one.user_data);
    toy.post(one.user_data, 5, 0);
    toy.post(cancel.user_data, -libc::ENOENT, 0);
    toy.retry_missed_cancels();
    assert_eq!(toy.take_cancel().address, two.user_data);
}

#[test]
fn a_cancel_of_a_pair_reaches_both_entries() {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::of_entries(&counts, 2));
    poll_pending(&mut future, Waker::noop());
    let mut kernel = Kernel::default();
    kernel.consume(&toy);
    drop(future);
    for _ in 0..10 {
        kernel.consume(&toy);
        toy.retry_missed_cancels();
    }
    assert_eq!(kernel.running, [], "nobody waits for it, and nobody cancels it");
    assert_eq!(counts.all(), (0, 1, 1));
}
