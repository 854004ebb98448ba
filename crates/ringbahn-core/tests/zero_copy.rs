//! Operations of several CQEs, in the shape of a zero-copy send: the result first, and later the
//! notification that the buffer is free.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::task::{Context, Poll, Waker};

use ringbahn_core::{Cancelled, Cqe, Matched};
use toy_ring::{
    Counts, MORE, NOTIFICATION, Policy, Probe, Probing, Signal, Toy, poll, poll_pending,
    poll_ready, start,
};

fn poll_cqe(future: &mut Probing, index: usize, waker: &Waker) -> Poll<Option<i32>> {
    let polled = future.as_mut().poll_cqe(&mut Context::from_waker(waker), index);
    polled.map(|cqe| cqe.map(|cqe: Cqe| cqe.result))
}

#[test]
fn the_length_is_known_early_and_the_buffer_comes_back_late() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), &waker);
    assert_eq!(toy.post(entry.user_data, 16, MORE), Matched::Progress);
    assert_eq!(signal.wakes(), 1);
    assert_eq!(poll_cqe(&mut future, 0, &waker), Poll::Ready(Some(16)));
    poll_pending(&mut future, &waker);
    assert_eq!((toy.in_flight(), counts.dropped()), (1, 0));
    assert_eq!(toy.post(entry.user_data, 0, NOTIFICATION), Matched::Finished);
    assert_eq!(signal.wakes(), 2);
    let answer = poll_ready(&mut future);
    assert_eq!(answer.number(), 16, "the result is that of the first CQE");
    assert_eq!(answer.cqes, [(16, MORE), (0, NOTIFICATION)]);
}

#[test]
fn an_error_without_a_notification_is_the_end() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    assert_eq!(toy.post(entry.user_data, -libc::ECONNRESET, 0), Matched::Finished);
    assert_eq!(poll_cqe(&mut future, 0, Waker::noop()), Poll::Ready(Some(-libc::ECONNRESET)));
    assert_eq!(poll_cqe(&mut future, 1, Waker::noop()), Poll::Ready(None));
    assert_eq!(poll_ready(&mut future).number(), -libc::ECONNRESET);
}

#[test]
fn an_error_with_a_notification_keeps_the_buffer_until_then() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::ENOMEM, MORE);
    poll_pending(&mut future, Waker::noop());
    toy.post(entry.user_data, 0, NOTIFICATION);
    assert_eq!(poll_ready(&mut future).number(), -libc::ENOMEM);
}

#[test]
fn a_future_dropped_between_the_two_frees_its_buffer_at_the_second() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, 16, MORE);
    drop(future);
    assert_eq!(counts.dropped(), 0);
    let cancel = toy.take_cancel();
    toy.post(cancel.user_data, -libc::ENOENT, 0);
    assert_eq!(counts.dropped(), 0);
    toy.post(entry.user_data, 0, NOTIFICATION);
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn a_notification_after_the_last_cqe_is_ignored() {
    // A follower in a chain that is cancelled posts one.
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts).repeating(false), Waker::noop());
    assert_eq!(toy.post(entry.user_data, -libc::ECANCELED, 0), Matched::Finished);
    assert_eq!(toy.post(entry.user_data, 0, NOTIFICATION), Matched::Unknown);
    assert_eq!(poll_ready(&mut future).cqes, [(-libc::ECANCELED, 0)]);

    let (signal, waker) = Signal::new();
    let (mut next, _) = start(&toy, Probe::new(&counts), &waker);
    assert_eq!(toy.post(entry.user_data, 0, NOTIFICATION), Matched::Unknown);
    assert_eq!(signal.wakes(), 0, "the next tenant is woken for it");
    poll_pending(&mut next, &waker);
}

#[test]
fn a_result_that_comes_before_the_poll_is_not_missed() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::new(&counts));
    poll_pending(&mut future, Waker::noop());
    let entry = toy.take_operation();
    toy.post(entry.user_data, 1, MORE);
    toy.post(entry.user_data, 2, MORE);
    let (signal, waker) = Signal::new();
    assert_eq!(poll_cqe(&mut future, 2, &waker), Poll::Pending);
    toy.post(entry.user_data, 3, MORE);
    assert_eq!(signal.wakes(), 1);
    for index in 0..3 {
        assert_eq!(poll_cqe(&mut future, index, &waker), Poll::Ready(Some(index as i32 + 1)));
    }
    toy.post(entry.user_data, 4, 0);
    assert_eq!(poll_cqe(&mut future, 4, &waker), Poll::Ready(None));
    assert_eq!(poll_ready(&mut future).cqes.len(), 4);
}

#[test]
fn progress_and_end_in_one_batch_wake_a_task_that_polls_in_between() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), &waker);
    toy.post_all(&[
        Cqe { user_data: entry.user_data, result: 16, flags: MORE },
        Cqe { user_data: entry.user_data, result: 0, flags: NOTIFICATION },
    ]);
    assert!(signal.wakes() >= 1);
    assert_eq!(poll_ready(&mut future).number(), 16);
}

#[test]
fn an_interrupted_send_is_repeated_after_its_notification() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, MORE);
    assert_eq!(toy.take(), None, "the buffer is still the network's");
    toy.post(entry.user_data, 0, NOTIFICATION);
    let again = toy.take_operation();
    toy.post(again.user_data, 16, MORE);
    toy.post(again.user_data, 0, NOTIFICATION);
    assert_eq!(poll_ready(&mut future).cqes, [(16, MORE), (0, NOTIFICATION)]);
}

#[test]
fn an_interrupted_send_that_is_not_repeated_ends_as_cancelled() {
    let toy = Toy::new(1);
    toy.set(Policy { hold_resubmissions: true, ..Policy::default() });
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, MORE);
    toy.post(entry.user_data, 0, NOTIFICATION);
    drop(toy.held());
    assert_eq!(poll_ready(&mut future).number(), -libc::ECANCELED);
}

#[test]
fn an_interrupted_send_cancelled_between_two_rounds_is_told_as_cancelled() {
    let toy = Toy::new(1);
    toy.set(Policy { hold_resubmissions: true, ..Policy::default() });
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, MORE);
    toy.post(entry.user_data, 0, NOTIFICATION);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll_cancel(&mut cx).is_pending());
    toy.set(Policy::default());
    match future.as_mut().poll_cancel(&mut cx) {
        Poll::Ready(Cancelled::Cancelled(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_poll_for_a_cqe_of_a_refused_event_keeps_the_refusal() {
    let toy = Toy::new(1);
    toy.set(Policy { refuse: Some(libc::ENOSYS), ..Policy::default() });
    let counts = Counts::new();
    let mut future = toy.probe(Probe::new(&counts));
    assert_eq!(poll_cqe(&mut future, 0, Waker::noop()), Poll::Ready(None));
    toy.set(Policy::default());
    match poll(&mut future, Waker::noop()) {
        Poll::Ready(answer) => assert_eq!(answer.number(), -libc::ENOSYS),
        Poll::Pending => panic!("it has been submitted after all"),
    }
}
