//! Futures that are dropped, forgotten or left behind, and rings that go before them.
#![cfg(not(loom))]
#![allow(unsafe_code)]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::task::Waker;

use toy_ring::{Counts, MORE, Probe, Signal, Toy, poll, poll_pending, poll_ready, start};

#[test]
fn a_forgotten_future_keeps_the_memory_the_kernel_writes_to() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let (future, entry) = start(&toy, Probe::new(&counts), &waker);
    std::mem::forget(future);
    // SAFETY: its last CQE is yet to come.
    unsafe { entry.fill(0xCD) };
    toy.post(entry.user_data, 16, 0);
    assert_eq!(signal.wakes(), 1);
    assert_eq!(toy.in_flight(), 0, "a forgotten future holds no place");
    assert_eq!(counts.all(), (0, 0, 0), "its event is leaked with it");
}

#[test]
fn a_forgotten_future_is_ended_by_a_driver_that_shuts_down() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    std::mem::forget(future);
    assert_eq!(toy.cancel_all(true), 1);
    toy.post(toy.take_cancel().user_data, 0, 0);
    toy.post(entry.user_data, -libc::ECANCELED, 0);
    assert_eq!(toy.in_flight(), 0);
}

#[test]
fn a_future_dropped_while_pending_is_disposed_of_by_the_last_cqe() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let (future, entry) = start(&toy, Probe::new(&counts), &waker);
    drop(future);
    assert_eq!(counts.all(), (0, 0, 0));
    // SAFETY: its last CQE is yet to come.
    unsafe { entry.fill(0xCD) };
    toy.post(entry.user_data, 16, MORE);
    assert_eq!(counts.all(), (0, 0, 0));
    // SAFETY: as above.
    unsafe { entry.fill(0xEF) };
    toy.post(entry.user_data, 16, 0);
    assert_eq!((counts.all(), signal.wakes()), ((0, 1, 1), 0));
    assert_eq!(toy.tally().disposed, 1);
}

#[test]
fn a_future_dropped_after_the_end_and_before_its_poll_is_disposed_of_by_the_drop() {
    for detach in [false, true] {
        let toy = Toy::new(1);
        let counts = Counts::new();
        let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
        toy.post(entry.user_data, 16, 0);
        assert_eq!(counts.all(), (0, 0, 0));
        if detach {
            future.as_mut().detach();
            assert_eq!(counts.all(), (0, 1, 1));
        }
        drop(future);
        assert_eq!(counts.all(), (0, 1, 1));
        assert_eq!((toy.tally().cancels, toy.take()), (0, None));
    }
}

#[test]
fn a_future_dropped_after_its_poll_disposes_of_nothing() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, 16, 0);
    poll_ready(&mut future);
    drop(future);
    assert_eq!(counts.all(), (1, 0, 1));
    assert_eq!(toy.tally().cancels, 0);
}

#[test]
fn a_future_dropped_before_the_kernel_has_taken_its_entry_is_in_flight_all_the_same() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::new(&counts));
    poll_pending(&mut future, Waker::noop());
    drop(future);
    let entry = toy.take_operation();
    assert_eq!(toy.take_cancel().address, entry.user_data);
    // SAFETY: its last CQE is yet to come.
    unsafe { entry.fill(1) };
    assert_eq!(counts.dropped(), 0);
    toy.post(entry.user_data, 16, 0);
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn a_ring_dropped_with_operations_in_flight_leaks_them_and_leaves_their_futures_pending() {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let (mut waiting, entry) = start(&toy, Probe::new(&counts), &waker);
    let (abandoned, _) = start(&toy, Probe::new(&counts), &waker);
    drop(abandoned);
    toy.take_cancel();
    let (mut detached, _) = start(&toy, Probe::new(&counts), &waker);
    detached.as_mut().detach();
    let (forgotten, _) = start(&toy, Probe::new(&counts), &waker);
    std::mem::forget(forgotten);
    toy.drop_ring();
    poll_pending(&mut waiting, &waker);
    // SAFETY: there was no last CQE; a kernel may well write after its ring has been closed.
    unsafe { entry.fill(0xFF) };
    drop(waiting);
    // SAFETY: as above.
    unsafe { entry.fill(0xFF) };
    drop((detached, toy));
    assert_eq!((counts.all(), signal.wakes()), ((0, 0, 0), 0));
}

#[test]
fn a_ring_dropped_after_the_end_leaves_the_result_to_the_future() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, 16, 0);
    toy.drop_ring();
    assert_eq!(poll_ready(&mut future).number(), 16);
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn a_ring_dropped_between_two_rounds_ends_the_operation() {
    let toy = Toy::new(1);
    toy.set(toy_ring::Policy { hold_resubmissions: true, ..Default::default() });
    let counts = Counts::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    toy.post(entry.user_data, -libc::EINTR, 0);
    toy.drop_ring();
    assert_eq!(poll_ready(&mut future).number(), -libc::ECANCELED);
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn a_future_polled_by_another_task_wakes_that_one() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (old, old_waker) = Signal::new();
    let (new, new_waker) = Signal::new();
    let (mut future, entry) = start(&toy, Probe::new(&counts), &old_waker);
    poll_pending(&mut future, &new_waker);
    toy.post(entry.user_data, 1, 0);
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
    assert!(poll(&mut future, &old_waker).is_ready());
}

#[test]
fn a_waker_is_let_go_as_soon_as_it_is_of_no_use() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let (signal, waker) = Signal::new();
    let owners = || std::sync::Arc::strong_count(&signal);
    let alone = owners();
    let (mut future, _) = start(&toy, Probe::new(&counts), &waker);
    assert_eq!(owners(), alone + 1);
    poll_pending(&mut future, &waker);
    assert_eq!(owners(), alone + 1, "the same waker is not kept twice");
    poll_pending(&mut future, Waker::noop());
    assert_eq!(owners(), alone, "the replaced one goes");
    poll_pending(&mut future, &waker);
    drop(future);
    assert_eq!(owners(), alone, "it goes with the future, not with the operation");
}

#[test]
fn a_future_started_on_one_thread_ends_on_another() {
    for _ in 0..200 {
        let toy = Toy::new(1);
        let counts = Counts::new();
        let (mut future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
        let (signal, waker) = Signal::new();
        let user_data = entry.user_data;
        let kernel = {
            let toy = toy.clone();
            std::thread::spawn(move || toy.post(user_data, 16, 0))
        };
        let task = std::thread::spawn(move || match poll(&mut future, &waker) {
            std::task::Poll::Ready(answer) => answer.number(),
            std::task::Poll::Pending => {
                while signal.wakes() == 0 {
                    std::thread::yield_now();
                }
                poll_ready(&mut future).number()
            }
        });
        kernel.join().unwrap();
        assert_eq!(task.join().unwrap(), 16);
        assert_eq!(counts.all(), (1, 0, 1));
    }
}
