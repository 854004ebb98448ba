//! Streams of multishot completions, where a test decides what the kernel does and when.
#![cfg(not(loom))]

#[path = "support/multi_probe.rs"]
mod multi_probe;
#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::pin::Pin;
use std::sync::Arc;

use ringbahn_core::Matched;

use multi_probe::{Ledger, MultiProbe, PANIC, Said, Tokens, ask, look};
use toy_ring::{Kernel, MORE, Policy, Signal, Toy};

/// A stream in flight, and the `user_data` of its entry.
fn in_flight(toy: &Toy, unread_max: u32) -> (Tokens, Arc<Ledger>, u64) {
    let (mut tokens, ledger) = MultiProbe::stream(toy, unread_max);
    assert_eq!(look(&mut tokens), Said::Wait);
    let user_data = toy.take_operation().user_data;
    (tokens, ledger, user_data)
}

/// Answers the cancel that is next in the queue, and lets its target end cancelled.
fn cancel(toy: &Toy, user_data: u64) {
    let cancel = toy.take_cancel();
    assert_eq!(cancel.address, user_data);
    toy.post(user_data, -libc::ECANCELED, 0);
    toy.post(cancel.user_data, 0, 0);
}

#[test]
fn one_entry_yields_item_after_item_and_wakes_once_for_those_that_nobody_has_read() {
    let toy = Toy::new(2);
    let (mut tokens, ledger, user_data) = in_flight(&toy, 64);
    let (signal, waker) = Signal::new();
    assert_eq!(ask(&mut tokens, &waker), Said::Wait);
    for number in 1..=3 {
        assert_eq!(toy.post(user_data, number, MORE), Matched::Progress);
    }
    assert_eq!(signal.wakes(), 1);
    for number in 1..=3 {
        assert_eq!(ask(&mut tokens, &waker), Said::Number(number));
    }
    assert_eq!(ask(&mut tokens, &waker), Said::Wait);
    toy.post(user_data, 4, MORE);
    assert_eq!(signal.wakes(), 2);
    assert_eq!(look(&mut tokens), Said::Number(4));
    assert_eq!((ledger.tokens(), toy.queued()), ((4, 4), 0));
    drop(tokens);
    cancel(&toy, user_data);
    assert_eq!((toy.in_flight(), ledger.events_gone()), (0, 1));
}

#[test]
fn a_shot_that_ends_without_an_error_is_followed_by_another() {
    let toy = Toy::new(2);
    let (mut tokens, ledger, mut user_data) = in_flight(&toy, 64);
    for last in [5, -libc::ECANCELED, -libc::EINTR, -512, -libc::EMFILE] {
        toy.post(user_data, 1, MORE);
        toy.post(user_data, last, 0);
        assert_eq!(look(&mut tokens), Said::Number(1));
        if last == 5 {
            assert_eq!(look(&mut tokens), Said::Number(5));
        } else if last == -libc::EMFILE {
            assert_eq!(look(&mut tokens), Said::Failed(libc::EMFILE));
        }
        assert_eq!(toy.queued(), 0, "nobody has asked for more");
        assert_eq!(look(&mut tokens), Said::Wait);
        let next = toy.take_operation().user_data;
        assert_ne!(next, user_data);
        // What comes for the former shot now is nobody's.
        assert_eq!(toy.post(user_data, 9, MORE), Matched::Unknown);
        user_data = next;
    }
    assert_eq!(look(&mut tokens), Said::Wait);
    assert_eq!(ledger.events_gone(), 0);
    drop(tokens);
    cancel(&toy, user_data);
    assert_eq!((ledger.tokens(), ledger.events_gone()), ((6, 6), 1));
}

#[test]
fn an_end_or_an_error_is_told_once() {
    for (last, said) in [(0, Said::End), (-libc::EPIPE, Said::Failed(libc::EPIPE))] {
        let toy = Toy::new(2);
        let (mut tokens, ledger, user_data) = in_flight(&toy, 64);
        toy.post(user_data, 1, MORE);
        toy.post(user_data, last, 0);
        assert_eq!(look(&mut tokens), Said::Number(1));
        assert_eq!(look(&mut tokens), said);
        for _ in 0..3 {
            assert_eq!(look(&mut tokens), Said::End);
        }
        assert_eq!((toy.queued(), toy.in_flight(), ledger.events_gone()), (0, 0, 1));
    }
}

#[test]
fn a_refusal_is_told_once() {
    let toy = Toy::new(2);
    toy.set(Policy { refuse: Some(libc::ENXIO), ..Policy::default() });
    let (mut tokens, ledger) = MultiProbe::stream(&toy, 64);
    assert_eq!(look(&mut tokens), Said::Failed(libc::ENXIO));
    assert_eq!(look(&mut tokens), Said::End);
    assert_eq!(ledger.events_gone(), 1);
    // And between two shots.
    toy.set(Policy::default());
    let (mut tokens, _, user_data) = in_flight(&toy, 64);
    toy.post(user_data, 1, 0);
    toy.set(Policy { refuse: Some(libc::ENXIO), ..Policy::default() });
    assert_eq!(look(&mut tokens), Said::Number(1));
    assert_eq!(look(&mut tokens), Said::Failed(libc::ENXIO));
    assert_eq!(look(&mut tokens), Said::End);
}

#[test]
fn a_reader_that_lags_stops_the_operation_until_it_has_caught_up() {
    let toy = Toy::new(2);
    let (mut tokens, ledger, user_data) = in_flight(&toy, 3);
    for number in 1..=2 {
        toy.post(user_data, number, MORE);
    }
    assert_eq!(toy.queued(), 0);
    toy.post(user_data, 3, MORE);
    let stop = toy.take_cancel();
    assert_eq!(stop.address, user_data);
    // The kernel goes on until it has seen the cancel, which is asked for once.
    toy.post(user_data, 4, MORE);
    assert_eq!(toy.queued(), 0);
    toy.post(user_data, -libc::ECANCELED, 0);
    toy.post(stop.user_data, 0, 0);
    for number in 1..=4 {
        assert_eq!(look(&mut tokens), Said::Number(number));
        assert_eq!(toy.queued(), 0);
    }
    assert_eq!(look(&mut tokens), Said::Wait);
    let next = toy.take_operation().user_data;
    // Read in time, they do not count.
    for number in 1..=10 {
        toy.post(next, number, MORE);
        assert_eq!(look(&mut tokens), Said::Number(number as u32));
    }
    assert_eq!(toy.queued(), 0);
    drop(tokens);
    cancel(&toy, next);
    assert_eq!(ledger.tokens(), (14, 14));
}

#[test]
fn a_stop_of_a_lagging_stream_that_misses_is_tried_again() {
    let toy = Toy::new(2);
    let (mut tokens, _, user_data) = in_flight(&toy, 1);
    toy.post(user_data, 1, MORE);
    let stop = toy.take_cancel();
    toy.post(stop.user_data, -libc::ENOENT, 0);
    toy.retry_missed_cancels();
    cancel(&toy, user_data);
    assert_eq!(look(&mut tokens), Said::Number(1));
    assert_eq!(look(&mut tokens), Said::Wait);
    assert_eq!(toy.queued(), 1, "it goes on");
}

#[test]
fn a_dropped_stream_disposes_of_what_was_read_what_waits_and_what_still_comes() {
    let toy = Toy::new(2);
    let (mut tokens, ledger, user_data) = in_flight(&toy, 64);
    for number in 1..=3 {
        toy.post(user_data, number, MORE);
    }
    // This moves all three to the stream, and yields one.
    assert_eq!(look(&mut tokens), Said::Number(1));
    toy.post(user_data, 4, MORE);
    drop(tokens);
    assert_eq!(ledger.tokens(), (3, 3));
    toy.post(user_data, 5, MORE);
    let cancel = toy.take_cancel();
    toy.post(user_data, 6, MORE);
    // Cancelled or not, the last one has an owner.
    toy.post(user_data, 7, 0);
    toy.post(cancel.user_data, -libc::ENOENT, 0);
    assert_eq!((ledger.tokens(), ledger.events_gone()), ((7, 7), 1));
    assert_eq!((toy.in_flight(), toy.tally().disposed), (0, 1));
}

#[test]
fn a_stream_dropped_between_two_shots_has_nothing_in_flight() {
    let toy = Toy::new(2);
    let (mut tokens, ledger, user_data) = in_flight(&toy, 64);
    toy.post(user_data, 1, MORE);
    toy.post(user_data, 2, MORE);
    toy.post(user_data, -libc::ECANCELED, 0);
    assert_eq!(look(&mut tokens), Said::Number(1));
    drop(tokens);
    assert_eq!((ledger.tokens(), ledger.events_gone()), ((2, 2), 1));
    assert_eq!((toy.in_flight(), toy.queued()), (0, 0));
}

#[test]
fn a_stopped_stream_yields_what_it_has_and_ends() {
    let toy = Toy::new(2);
    let (mut tokens, ledger, user_data) = in_flight(&toy, 64);
    toy.post(user_data, 1, MORE);
    Pin::new(&mut tokens).stop();
    toy.post(user_data, 2, MORE);
    assert_eq!(look(&mut tokens), Said::Number(1));
    cancel(&toy, user_data);
    assert_eq!(look(&mut tokens), Said::Number(2));
    assert_eq!(look(&mut tokens), Said::End);
    assert_eq!((ledger.events_gone(), toy.queued()), (1, 0));
}

#[test]
fn a_stream_that_lags_and_is_then_dropped_is_cancelled_once() {
    let toy = Toy::new(2);
    let (tokens, ledger, user_data) = in_flight(&toy, 1);
    toy.post(user_data, 1, MORE);
    drop(tokens);
    let mut kernel = Kernel { running: vec![user_data], ..Kernel::default() };
    kernel.settle(&toy, 1);
    assert_eq!(kernel.cancels, 1);
    assert_eq!((ledger.tokens(), toy.in_flight()), ((1, 1), 0));
}

#[test]
fn a_panic_while_one_item_is_made_loses_no_other() {
    let toy = Toy::new(2);
    let (mut tokens, ledger, user_data) = in_flight(&toy, 64);
    for result in [1, PANIC as i32, 3] {
        toy.post(user_data, result, MORE);
    }
    assert_eq!(look(&mut tokens), Said::Number(1));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| look(&mut tokens)));
    assert!(panicked.is_err());
    assert_eq!(look(&mut tokens), Said::Number(3));
    // And so when nobody wants them: the panics end with their items.
    for result in [PANIC as i32, 5, PANIC as i32, 6] {
        toy.post(user_data, result, MORE);
    }
    drop(tokens);
    cancel(&toy, user_data);
    assert_eq!((ledger.tokens(), ledger.events_gone()), ((4, 4), 1));
}

#[test]
fn a_stream_that_is_forgotten_harms_nobody() {
    let toy = Toy::new(2);
    let (tokens, ledger, user_data) = in_flight(&toy, 64);
    toy.post(user_data, 1, MORE);
    std::mem::forget(tokens);
    toy.post(user_data, 2, 0);
    assert_eq!((toy.in_flight(), ledger.tokens()), (0, (0, 0)));
}
