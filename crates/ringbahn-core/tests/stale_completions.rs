//! CQEs that belong to nothing in flight: they are counted, and nobody notices.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::task::Waker;

use ringbahn_core::{Cqe, Matched};
use toy_ring::{Counts, MORE, NOTIFICATION, Probe, Signal, Toy, poll_pending, poll_ready, start};

/// Where the step of an entry stands in `user_data`, and where the generation does.
const STEP: u64 = 1 << 26;
const GENERATION: u64 = 1 << 32;

#[test]
fn a_cqe_that_names_no_operation_is_ignored() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), &waker);
    let strangers = [
        entry.user_data + 1,
        entry.user_data + STEP,
        entry.user_data + 63 * STEP,
        entry.user_data + GENERATION,
        entry.user_data ^ (u64::MAX >> 1),
        u64::MAX >> 1,
    ];
    for user_data in strangers {
        for result in [0, 1, -libc::ECANCELED, -libc::ENOENT, i32::MIN, i32::MAX] {
            for flags in [0, MORE, NOTIFICATION, u32::MAX] {
                let matched = toy.post(user_data, result, flags);
                assert_eq!(matched, Matched::Unknown, "{user_data:#x} {result} {flags:#x}");
            }
        }
    }
    assert_eq!(signal.wakes(), 0);
    assert_eq!(toy.in_flight(), 1);
    assert_eq!(toy.tally().panics, 0);
    toy.post(entry.user_data, 5, 0);
    assert_eq!(poll_ready(&mut future).cqes, [(5, 0)], "a stranger's CQE has come in between");
}

#[test]
fn a_cqe_on_an_empty_ring_is_ignored() {
    let toy = Toy::new(1);
    for user_data in [0, 1, GENERATION, u64::MAX >> 1] {
        assert_eq!(toy.post(user_data, 0, 0), Matched::Unknown);
    }
    assert_eq!(toy.in_flight(), 0);
}

#[test]
fn a_duplicate_of_the_last_cqe_changes_nothing_of_the_result() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), &waker);
    assert_eq!(toy.post(entry.user_data, 5, 0), Matched::Finished);
    assert_eq!(toy.post(entry.user_data, 6, 0), Matched::Unknown);
    assert_eq!(toy.post(entry.user_data, 7, MORE), Matched::Unknown);
    assert_eq!(signal.wakes(), 1);
    assert_eq!(poll_ready(&mut future).cqes, [(5, 0)]);
    assert_eq!(toy.in_flight(), 0);
}

#[test]
fn a_duplicate_in_the_same_batch_disposes_of_nothing_twice() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    drop(future);
    let cqe = Cqe { user_data: entry.user_data, result: 5, flags: 0 };
    let matched = toy.post_all(&[cqe, cqe, cqe]);
    assert_eq!(matched, [Matched::Finished, Matched::Unknown, Matched::Unknown]);
    assert_eq!(counts.all(), (0, 1, 1));
    assert_eq!(toy.tally().disposed, 1);
}

#[test]
fn a_stale_cqe_does_not_reach_the_next_tenant_of_the_place() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut first, old) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(old.user_data, 1, 0);
    let (signal, waker) = Signal::new();
    let (mut second, new) = start(&toy, Probe::new(&counts), &waker);
    assert_eq!(new.user_data, old.user_data + GENERATION, "the place is used again");
    assert_eq!(toy.post(old.user_data, 2, 0), Matched::Unknown);
    assert_eq!(toy.post(old.user_data, 2, MORE), Matched::Unknown);
    assert_eq!(signal.wakes(), 0);
    poll_pending(&mut second, &waker);
    toy.post(new.user_data, 3, 0);
    assert_eq!(poll_ready(&mut first).number(), 1);
    assert_eq!(poll_ready(&mut second).number(), 3);
}

#[test]
fn a_place_is_told_apart_over_many_tenants() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let mut seen = std::collections::HashSet::new();
    for round in 0..10_000 {
        let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
        assert!(seen.insert(entry.user_data), "a name has come back after {round} rounds");
        assert_eq!(entry.user_data >> 63, 0, "the mark of the ring's own entries is set");
        toy.post(entry.user_data, round, 0);
        assert_eq!(poll_ready(&mut future).number(), round);
    }
    assert_eq!(counts.all(), (10_000, 0, 10_000));
}

#[test]
fn a_cqe_between_two_rounds_of_an_operation_is_stale() {
    let toy = Toy::new(1);
    toy.set(toy_ring::Policy { hold_resubmissions: true, ..Default::default() });
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    assert_eq!(toy.post(entry.user_data, -libc::EINTR, 0), Matched::Finished);
    assert_eq!(toy.post(entry.user_data, 4, 0), Matched::Unknown);
    toy.set(toy_ring::Policy::default());
    assert_eq!(toy.post(entry.user_data, 4, 0), Matched::Unknown);
    let again = toy.take_operation();
    toy.post(again.user_data, 9, 0);
    assert_eq!(poll_ready(&mut future).number(), 9);
}

#[test]
fn an_answer_to_a_cancel_that_nobody_sent_is_ignored() {
    let toy = Toy::new(1);
    for result in [0, -libc::ENOENT, -libc::EALREADY, 7] {
        assert_eq!(toy.post(u64::MAX, result, 0), Matched::Cancel);
    }
    assert_eq!(toy.tally().missed_cancels, 0);
}
