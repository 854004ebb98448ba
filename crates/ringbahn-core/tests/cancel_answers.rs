//! The kernel's answers to a cancel, in every order: to whoever waits they are all the same.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ringbahn_core::{Cancelled, Cqe, Drive, Matched};
use toy_ring::{
    Answer, Counts, Probe, Probing, Signal, Toy, poll, poll_pending, poll_ready, start,
};

fn poll_cancel(future: &mut Probing, waker: &Waker) -> Poll<Cancelled<Answer>> {
    future.as_mut().poll_cancel(&mut Context::from_waker(waker))
}

#[track_caller]
fn cancelled(future: &mut Probing) -> Cancelled<Answer> {
    match poll_cancel(future, Waker::noop()) {
        Poll::Ready(cancelled) => cancelled,
        Poll::Pending => panic!("the cancel is pending"),
    }
}

const ANSWERS: [i32; 3] = [0, -libc::ENOENT, -libc::EALREADY];

/// Whether the answer to the cancel comes before or after the target's CQE, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Before,
    After,
    Never,
    BeforeInOneBatch,
    AfterInOneBatch,
}

const ORDERS: [Order; 5] =
    [Order::Before, Order::After, Order::Never, Order::BeforeInOneBatch, Order::AfterInOneBatch];

#[test]
fn every_answer_in_every_order_gives_everything_back_once() {
    for order in ORDERS {
        for answer in ANSWERS {
            for result in [-libc::ECANCELED, -libc::EINTR, 5, -libc::EIO] {
                let case = format!("{order:?}, {answer}, {result}");
                let toy = Toy::new(2);
                let counts = Counts::new();
                let (signal, waker) = Signal::new();
                let (mut future, target) = start(&toy, Probe::new(&counts), Waker::noop());
                assert!(poll_cancel(&mut future, &waker).is_pending());
                let cancel = toy.take_cancel();
                assert_eq!(cancel.address, target.user_data);
                let answer = Cqe { user_data: cancel.user_data, result: answer, flags: 0 };
                let end = Cqe { user_data: target.user_data, result, flags: 0 };
                match order {
                    Order::Never => {
                        toy.post_all(&[end]);
                    }
                    Order::Before => {
                        toy.post_all(&[answer]);
                        assert_eq!(signal.wakes(), 0, "{case}");
                        assert!(poll_cancel(&mut future, &waker).is_pending());
                        toy.post_all(&[end]);
                    }
                    Order::After => {
                        toy.post_all(&[end]);
                        toy.post_all(&[answer]);
                    }
                    Order::BeforeInOneBatch => {
                        toy.post_all(&[answer, end]);
                    }
                    Order::AfterInOneBatch => {
                        toy.post_all(&[end, answer]);
                    }
                }
                assert_eq!(signal.wakes(), 1, "{case}");
                assert_eq!(toy.in_flight(), 0, "{case}");
                match cancelled(&mut future) {
                    Cancelled::Cancelled(output) => {
                        assert!([-libc::ECANCELED, -libc::EINTR].contains(&result), "{case}");
                        assert_eq!(output.number(), -libc::ECANCELED, "{case}");
                    }
                    Cancelled::Completed(output) => assert_eq!(output.number(), result, "{case}"),
                }
                drop(future);
                assert_eq!(counts.all(), (1, 0, 1), "{case}");
                assert_eq!(toy.take(), None, "{case}");
            }
        }
    }
}

#[test]
fn every_answer_in_every_order_disposes_of_a_dropped_operation_once() {
    for order in ORDERS {
        for answer in ANSWERS {
            for result in [-libc::ECANCELED, 5] {
                let case = format!("{order:?}, {answer}, {result}");
                let toy = Toy::new(2);
                let counts = Counts::new();
                let (future, target) = start(&toy, Probe::new(&counts), Waker::noop());
                drop(future);
                assert_eq!(counts.all(), (0, 0, 0), "{case}");
                let cancel = toy.take_cancel();
                let answer = Cqe { user_data: cancel.user_data, result: answer, flags: 0 };
                let end = Cqe { user_data: target.user_data, result, flags: 0 };
                let cqes = match order {
                    Order::Never => vec![end],
                    Order::Before | Order::BeforeInOneBatch => vec![answer, end],
                    Order::After | Order::AfterInOneBatch => vec![end, answer],
                };
                if matches!(order, Order::Before | Order::After) {
                    cqes.iter().for_each(|cqe| drop(toy.post_all(&[*cqe])));
                } else {
                    toy.post_all(&cqes);
                }
                assert_eq!(counts.all(), (0, 1, 1), "{case}");
                assert_eq!(toy.tally().disposed, 1, "{case}");
                assert_eq!(toy.in_flight(), 0, "{case}");
            }
        }
    }
}

#[test]
fn a_cancel_that_misses_what_has_not_ended_is_handed_back_to_be_tried_again() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (future, target) = start(&toy, Probe::new(&counts), Waker::noop());
    drop(future);
    for round in 1..=3 {
        let cancel = toy.take_cancel();
        assert_eq!(cancel.address, target.user_data);
        assert_eq!(toy.post(cancel.user_data, -libc::ENOENT, 0), Matched::Cancel);
        assert_eq!(toy.tally().missed_cancels, round);
        toy.retry_missed_cancels();
    }
    toy.post(toy.take_cancel().user_data, 0, 0);
    assert_eq!(toy.tally().missed_cancels, 3, "a cancel that hit is not a missed one");
    toy.post(target.user_data, -libc::ECANCELED, 0);
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn a_cancel_that_misses_what_has_ended_is_done_with() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (future, target) = start(&toy, Probe::new(&counts), Waker::noop());
    drop(future);
    let cancel = toy.take_cancel();
    toy.post(target.user_data, 3, 0);
    toy.post(cancel.user_data, -libc::ENOENT, 0);
    assert_eq!(toy.tally().missed_cancels, 0);
}

#[test]
fn a_missed_cancel_does_not_hit_the_next_tenant_of_the_place() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (future, target) = start(&toy, Probe::new(&counts), Waker::noop());
    drop(future);
    let cancel = toy.take_cancel();
    toy.post(cancel.user_data, -libc::ENOENT, 0);
    toy.post(target.user_data, 3, 0);
    let (stranger, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    assert_ne!(entry.user_data, target.user_data);
    toy.retry_missed_cancels();
    assert_eq!(toy.take(), None, "nothing is left to cancel");
    // Nor does the answer to the old cancel, come a second time.
    toy.post(cancel.user_data, -libc::ENOENT, 0);
    assert_eq!(toy.tally().missed_cancels, 1);
    drop(stranger);
}

#[test]
fn a_cancel_is_asked_for_once_however_often_it_is_polled_and_dropped() {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let (mut future, target) = start(&toy, Probe::new(&counts), Waker::noop());
    for _ in 0..3 {
        assert!(poll_cancel(&mut future, Waker::noop()).is_pending());
    }
    assert_eq!(toy.cancel_all(true), 0);
    drop(future);
    assert_eq!(toy.tally().cancels, 1);
    assert_eq!(toy.take_cancel().address, target.user_data);
    assert_eq!(toy.take(), None);
}

#[test]
fn a_cancel_of_what_has_ended_yields_the_result_and_asks_nobody() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (mut future, target) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(target.user_data, 9, 0);
    assert!(matches!(cancelled(&mut future), Cancelled::Completed(answer) if answer.number() == 9));
    assert_eq!(toy.tally().cancels, 0);
}

#[test]
fn the_future_of_a_cancel_yields_what_the_poll_does() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let mut submission = toy.clone().submit(Probe::new(&counts));
    assert!(Future::poll(Pin::new(&mut submission), &mut Context::from_waker(&waker)).is_pending());
    let target = toy.take_operation();
    let mut cancel = Box::pin(submission.cancel());
    assert_eq!(toy.take(), None, "a future does nothing before it is polled");
    poll_pending(&mut cancel, &waker);
    toy.post(toy.take_cancel().user_data, 0, 0);
    toy.post(target.user_data, -libc::ECANCELED, 0);
    assert_eq!(signal.wakes(), 1);
    assert!(poll_ready(&mut cancel).is_cancelled());
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn a_driver_that_shuts_down_asks_for_everything_once_and_may_spare_what_is_detached() {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let (mut waiting, first) = start(&toy, Probe::new(&counts), Waker::noop());
    let (mut detached, second) = start(&toy, Probe::new(&counts), Waker::noop());
    detached.as_mut().detach();
    assert_eq!(toy.cancel_all(false), 1);
    assert_eq!(toy.take_cancel().address, first.user_data);
    assert_eq!(toy.cancel_all(false), 0);
    assert_eq!(toy.cancel_all(true), 1);
    assert_eq!(toy.take_cancel().address, second.user_data);
    toy.post(first.user_data, -libc::ECANCELED, 0);
    toy.post(second.user_data, -libc::ECANCELED, 0);
    assert_eq!(poll_ready(&mut waiting).number(), -libc::ECANCELED);
    assert_eq!(counts.all(), (1, 1, 2));
    assert!(poll_cqe_is_none(&mut waiting));
}

fn poll_cqe_is_none(future: &mut Probing) -> bool {
    let polled = future.as_mut().poll_cqe(&mut Context::from_waker(Waker::noop()), 0);
    polled == Poll::Ready(None)
}

#[test]
fn an_operation_that_runs_detached_is_not_cancelled_and_disposed_of_at_its_end() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (mut future, target) = start(&toy, Probe::new(&counts), Waker::noop());
    future.as_mut().detach();
    drop(future);
    assert_eq!(toy.take(), None, "nobody asked for its end");
    assert_eq!(counts.dropped(), 0);
    toy.post(target.user_data, 4, 0);
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn a_target_tells_whether_it_is_in_flight() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::new(&counts));
    assert!(future.cancel_target().is_none());
    assert!(poll(&mut future, Waker::noop()).is_pending());
    let target = future.cancel_target().expect("it is in flight");
    assert!(target.is_in_flight());
    toy.post(toy.take_operation().user_data, 1, 0);
    assert!(!target.is_in_flight());
    assert_eq!(poll_ready(&mut future).number(), 1);
    assert_eq!(counts.dropped(), 1, "a target keeps nothing of the event alive");
    drop(target);
}

#[test]
fn a_target_of_another_ring_cancels_nothing() {
    let (one, other) = (Toy::new(2), Toy::new(2));
    let counts = Counts::new();
    let (future, _) = start(&one, Probe::new(&counts), Waker::noop());
    let (stranger, _) = start(&other, Probe::new(&counts), Waker::noop());
    let target = future.cancel_target().expect("it is in flight");
    Pin::new(&mut other.clone()).cancel(target);
    assert_eq!(other.take(), None, "the stranger is cancelled");
    drop((future, stranger));
}
