//! Operations that end without having run: they are repeated unless somebody has asked for it.
#![cfg(not(loom))]
#![allow(unsafe_code)]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::task::{Context, Poll, Waker};

use ringbahn_core::Cancelled;
use toy_ring::{
    Counts, Kernel, MORE, Policy, Probe, Probing, Signal, Toy, poll, poll_pending, poll_ready,
    start,
};

fn poll_cancel(future: &mut Probing) -> Poll<Cancelled<toy_ring::Answer>> {
    future.as_mut().poll_cancel(&mut Context::from_waker(Waker::noop()))
}

const NOT_RUN: [i32; 7] = [
    -libc::EINTR,
    -libc::ECANCELED,
    -512, // ERESTARTSYS and its kin
    -513,
    -514,
    -515,
    -516,
];

#[test]
fn what_has_not_run_is_repeated_as_often_as_it_takes() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let (mut future, mut entry) = start(&toy, Probe::new(&counts), &waker);
    for result in NOT_RUN {
        toy.post(entry.user_data, result, 0);
        poll_pending(&mut future, &waker);
        let again = toy.take_operation();
        assert_ne!(again.user_data, entry.user_data);
        entry = again;
    }
    assert_eq!(signal.wakes(), 0, "nobody is told");
    toy.post(entry.user_data, 16, 0);
    let answer = poll_ready(&mut future);
    assert_eq!(answer.cqes, [(16, 0)], "the CQEs of the rounds before are no part of the answer");
    assert_eq!(counts.prepared(), 1 + NOT_RUN.len() as u32);
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn the_operand_of_a_repeated_operation_is_the_same_memory() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, 0);
    let again = toy.take_operation();
    assert_eq!(again.address, entry.address);
    // SAFETY: its last CQE is yet to come.
    unsafe { again.fill(0xAB) };
    toy.post(again.user_data, 16, 0);
    assert_eq!(poll_ready(&mut future).buffer, [0xAB; 16]);
}

#[test]
fn other_failures_are_told_at_once() {
    let codes =
        [libc::EAGAIN, libc::EIO, libc::EBADF, libc::EINVAL, libc::EFAULT, libc::ETIME, 511, 517];
    for code in codes {
        let toy = Toy::new(1);
        let counts = Counts::new();
        let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
        toy.post(entry.user_data, -code, 0);
        assert_eq!(poll_ready(&mut future).number(), -code);
        assert_eq!(toy.take(), None);
    }
}

#[test]
fn what_was_cancelled_is_not_repeated() {
    for result in NOT_RUN {
        let toy = Toy::new(2);
        let counts = Counts::new();
        let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
        assert!(poll_cancel(&mut future).is_pending());
        toy.take_cancel();
        toy.post(entry.user_data, result, 0);
        assert_eq!(toy.take(), None, "{result} was repeated");
        assert!(poll_cancel(&mut future).is_ready());

        let (future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
        drop(future);
        toy.take_cancel();
        toy.post(entry.user_data, result, 0);
        assert_eq!(toy.take(), None, "{result} was repeated");
        assert_eq!(counts.all(), (1, 1, 2));
    }
}

#[test]
fn what_runs_detached_is_repeated() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    future.as_mut().detach();
    drop(future);
    toy.post(entry.user_data, -libc::ECANCELED, 0);
    toy.post(toy.take_operation().user_data, 16, 0);
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn an_operation_of_two_entries_is_never_repeated() {
    for (first, second) in [(-libc::ECANCELED, -libc::ECANCELED), (4, -libc::EINTR), (-512, 4)] {
        let toy = Toy::new(2);
        let counts = Counts::new();
        let mut future = toy.probe(Probe::of_entries(&counts, 2).repeating(true));
        poll_pending(&mut future, Waker::noop());
        toy.post(toy.take_operation().user_data, first, 0);
        toy.post(toy.take_operation().user_data, second, 0);
        assert_eq!(toy.take(), None);
        assert_eq!(poll_ready(&mut future).cqes, [(first, 0), (second, 0)]);
    }
}

#[test]
fn an_event_may_refuse_to_be_repeated_or_ask_for_more() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts).repeating(false), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, 0);
    assert_eq!(poll_ready(&mut future).number(), -libc::EINTR);

    let (mut future, entry) = start(&toy, Probe::new(&counts).repeating(true), Waker::noop());
    toy.post(entry.user_data, 3, 0);
    assert!(poll(&mut future, Waker::noop()).is_pending());
    assert_eq!(counts.prepared(), 3);
    let again = toy.take_operation();
    assert!(poll_cancel(&mut future).is_pending());
    toy.post(again.user_data, 4, 0);
    assert_eq!(poll_ready(&mut future).number(), 4, "a cancelled one goes round no more");
}

#[test]
fn an_operation_that_has_yielded_something_before_is_not_repeated() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, 3, MORE);
    toy.post(entry.user_data, -libc::ECANCELED, 0);
    assert_eq!(poll_ready(&mut future).cqes, [(3, MORE), (-libc::ECANCELED, 0)]);
    assert_eq!(toy.take(), None);
}

#[test]
fn a_resubmission_waits_for_room_and_goes_out_when_there_is() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut first, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    let mut second = toy.probe(Probe::new(&counts));
    poll_pending(&mut second, Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, 0);
    assert_eq!((toy.queued(), toy.in_flight()), (1, 1));
    let other = toy.take_operation();
    let again = toy.take_operation();
    toy.post(other.user_data, 2, 0);
    toy.post(again.user_data, 1, 0);
    assert_eq!(poll_ready(&mut first).number(), 1);
    assert_eq!(poll_ready(&mut second).number(), 2);
}

#[test]
fn a_resubmission_that_is_dropped_ends_the_operation_as_cancelled() {
    for result in NOT_RUN {
        let toy = Toy::new(1);
        toy.set(Policy { hold_resubmissions: true, ..Policy::default() });
        let counts = Counts::new();
        let (signal, waker) = Signal::new();
        let (mut future, entry) = start(&toy, Probe::new(&counts), &waker);
        toy.post(entry.user_data, result, 0);
        poll_pending(&mut future, &waker);
        let held = toy.held();
        assert_eq!((held.len(), held[0].sqes_needed()), (1, 1));
        assert!(!held[0].is_cancelled());
        drop(held);
        assert_eq!(signal.wakes(), 1);
        assert_eq!(poll_ready(&mut future).number(), -libc::ECANCELED);
        assert_eq!(counts.all(), (1, 0, 1));
    }
}

#[test]
fn an_operation_dropped_between_two_rounds_ends_there() {
    let toy = Toy::new(1);
    toy.set(Policy { hold_resubmissions: true, ..Policy::default() });
    let counts = Counts::new();
    let (future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, 0);
    drop(future);
    assert_eq!(counts.dropped(), 0, "the event is the driver's");
    let held = toy.held();
    assert!(held[0].is_cancelled());
    drop(held);
    assert_eq!(counts.all(), (0, 1, 1));
    assert_eq!(toy.take(), None);
}

#[test]
fn an_operation_cancelled_between_two_rounds_yields_that_it_was_cancelled() {
    let toy = Toy::new(1);
    toy.set(Policy { hold_resubmissions: true, ..Policy::default() });
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, 0);
    assert!(poll_cancel(&mut future).is_pending());
    toy.set(Policy::default());
    match poll_cancel(&mut future) {
        Poll::Ready(Cancelled::Cancelled(answer)) => {
            assert_eq!(answer.number(), -libc::ECANCELED);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn a_driver_that_resubmits_what_is_cancelled_is_told_to_cancel_it() {
    let toy = Toy::new(2);
    toy.set(Policy { hold_resubmissions: true, ..Policy::default() });
    let counts = Counts::new();
    let (future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, 0);
    drop(future);
    toy.set(Policy { resubmit_cancelled: true, ..Policy::default() });
    let again = toy.take_operation();
    let mut kernel = Kernel { running: vec![again.user_data], cancels: 0 };
    kernel.consume(&toy);
    assert_eq!((kernel.cancels, kernel.running.len()), (1, 0));
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn a_resubmission_that_finds_too_few_places_is_given_back_whole() {
    let toy = Toy::new(1);
    toy.set(Policy { hold_resubmissions: true, ..Policy::default() });
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, 0);
    let resubmission = toy.held().remove(0);
    let table = ringbahn_core::OperationTable::new();
    let mut taken = 7;
    let none = ringbahn_core::Reservation::new(&table, (&mut [], &mut []), &mut taken);
    let resubmission = none.resubmit(resubmission).expect_err("there is no place");
    assert_eq!((resubmission.sqes_needed(), taken, table.in_flight()), (1, 7, 0));
    poll_pending(&mut future, Waker::noop());
    drop(resubmission);
    assert_eq!(poll_ready(&mut future).number(), -libc::ECANCELED);
}
