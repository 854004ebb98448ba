//! A queue that is full, and a driver whose submits fail: operations wait, and none is lost.
#![cfg(not(loom))]
#![allow(unsafe_code)]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

use toy_ring::{
    Calling, Counts, Kernel, Policy, Probe, Probing, Signal, Toy, poll, poll_pending, poll_ready,
    start,
};

#[test]
fn a_full_queue_makes_the_task_wait_and_wakes_it() {
    for size in 1..=4 {
        let toy = Toy::new(size);
        let counts = Counts::new();
        let mut admitted: Vec<Probing> = (0..size)
            .map(|_| {
                let mut future = toy.probe(Probe::new(&counts));
                poll_pending(&mut future, Waker::noop());
                future
            })
            .collect();
        let (signal, waker) = Signal::new();
        let mut waiting = toy.probe(Probe::new(&counts));
        poll_pending(&mut waiting, &waker);
        assert_eq!((toy.in_flight(), toy.waiters()), (size, 1));
        let first = toy.take_operation();
        assert_eq!(signal.wakes(), 1);
        poll_pending(&mut waiting, &waker);
        assert_eq!((toy.in_flight(), toy.waiters()), (size + 1, 0));
        toy.post(first.user_data, 7, 0);
        Kernel::default().settle(&toy, 7);
        admitted.iter_mut().for_each(|future| assert_eq!(poll_ready(future).number(), 7));
        assert_eq!(poll_ready(&mut waiting).number(), 7);
    }
}

#[test]
fn what_is_started_is_on_its_way_before_it_is_awaited() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let mut futures: Vec<_> = (0..3).map(|_| toy.probe(Probe::new(&counts))).collect();
    for future in &mut futures[..2] {
        poll_ready(&mut Box::pin(future.as_mut().start()));
        assert!(future.is_in_flight());
        // It is on its way already.
        poll_ready(&mut Box::pin(future.as_mut().start()));
    }
    // There is no room for the last one, whose start is given up and loses nothing.
    let (signal, waker) = Signal::new();
    poll_pending(&mut Box::pin(futures[2].as_mut().start()), &waker);
    assert_eq!((toy.in_flight(), toy.waiters(), futures[2].is_in_flight()), (2, 1, false));
    for number in [7, 8] {
        let taken = toy.take_operation();
        toy.post(taken.user_data, number, 0);
    }
    assert_eq!(signal.wakes(), 1);
    // Nobody polls the last one for its output before it has ended, nor has left a waker with it.
    poll_ready(&mut Box::pin(futures[2].as_mut().start()));
    let taken = toy.take_operation();
    toy.post(taken.user_data, 9, 0);
    for (future, number) in futures.iter_mut().zip([7, 8, 9]) {
        assert_eq!(poll_ready(future).number(), number);
        // There is nothing more to start.
        poll_ready(&mut Box::pin(future.as_mut().start()));
    }
    assert_eq!(counts.prepared(), 4, "the last one was prepared twice");
}

#[test]
fn many_times_as_many_operations_as_places_all_end() {
    for size in 1..=4 {
        for count in [size - 1, size, size + 1, 2 * size, 3 * size + 1, 100] {
            let toy = Toy::new(size);
            let counts = Counts::new();
            let (_, waker) = Signal::new();
            let mut futures: Vec<_> = (0..count).map(|_| toy.probe(Probe::new(&counts))).collect();
            let mut kernel = Kernel::default();
            for _ in 0..count + 1 {
                futures.retain_mut(|future| poll(future, &waker).is_pending());
                kernel.settle(&toy, 1);
            }
            futures.retain_mut(|future| poll(future, &waker).is_pending());
            assert!(futures.is_empty());
            assert_eq!(counts.completed() as usize, count);
        }
    }
}

#[test]
fn an_event_that_waits_for_room_is_prepared_anew_at_each_try() {
    let toy = Toy::new(1);
    let (blocked, counts) = (Counts::new(), Counts::new());
    let mut first = toy.probe(Probe::new(&counts));
    poll_pending(&mut first, Waker::noop());
    let mut waiting = toy.probe(Probe::new(&blocked));
    for tries in 1..=3 {
        poll_pending(&mut waiting, Waker::noop());
        assert_eq!(blocked.prepared(), tries);
    }
    toy.take_operation();
    poll_pending(&mut waiting, Waker::noop());
    let entry = toy.take_operation();
    // SAFETY: its last CQE is yet to come.
    unsafe { entry.fill(9) };
    toy.post(entry.user_data, 16, 0);
    assert_eq!(poll_ready(&mut waiting).buffer, [9; 16]);
}

#[test]
fn what_has_ended_and_is_not_polled_holds_no_place() {
    let toy = Toy::new(2);
    let counts = Counts::new();
    let mut ended: Vec<_> = (0..1000)
        .map(|nth| {
            let (future, entry) = start(&toy, Probe::new(&counts), Waker::noop());
            assert_eq!(entry.user_data as u32, 0, "there is one place, used again and again");
            toy.post(entry.user_data, nth, 0);
            assert_eq!(toy.in_flight(), 0);
            future
        })
        .collect();
    let numbers: Vec<_> = ended.iter_mut().map(|future| poll_ready(future).number()).collect();
    assert!(numbers.into_iter().eq(0..1000));
}

#[test]
fn a_submit_that_fails_is_no_operations_affair() {
    for errno in [libc::EAGAIN, libc::EBUSY, libc::ENOMEM, libc::EINTR, libc::EBADF] {
        let toy = Toy::new(1);
        toy.set(Policy { fail_submits: Some(errno), ..Policy::default() });
        let counts = Counts::new();
        let (signal, waker) = Signal::new();
        let mut future = toy.probe(Probe::new(&counts));
        poll_pending(&mut future, &waker);
        assert_eq!((toy.in_flight(), counts.all()), (1, (0, 0, 0)));
        toy.set(Policy::default());
        let entry = toy.take_operation();
        // SAFETY: its last CQE is yet to come.
        unsafe { entry.fill(1) };
        toy.post(entry.user_data, 16, 0);
        assert_eq!((signal.wakes(), toy.take()), (1, None));
        assert_eq!(poll_ready(&mut future).number(), 16);
    }
}

#[test]
fn a_future_dropped_after_a_failed_submit_keeps_its_memory_until_the_end() {
    let toy = Toy::new(2);
    toy.set(Policy { fail_submits: Some(libc::EAGAIN), ..Policy::default() });
    let counts = Counts::new();
    let mut future = toy.probe(Probe::new(&counts));
    poll_pending(&mut future, Waker::noop());
    drop(future);
    assert_eq!(counts.dropped(), 0);
    let entry = toy.take_operation();
    // SAFETY: its last CQE is yet to come.
    unsafe { entry.fill(1) };
    toy.post(entry.user_data, 16, 0);
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn a_cancel_waits_for_room_too() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (first, entry) = start(&toy, Probe::new(&counts), Waker::noop());
    let mut second = toy.probe(Probe::new(&counts));
    poll_pending(&mut second, Waker::noop());
    drop(first);
    assert_eq!(toy.queued(), 1);
    toy.take_operation();
    assert_eq!(toy.take_cancel().address, entry.user_data);
}

#[test]
fn a_waker_may_submit_another_operation_inline() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let spawned: Arc<Mutex<Vec<Probing>>> = Arc::default();
    let waker = {
        let (toy, counts, spawned) = (toy.clone(), counts.clone(), spawned.clone());
        Calling::waker(move || {
            let mut future = toy.probe(Probe::new(&counts));
            poll_pending(&mut future, Waker::noop());
            spawned.lock().unwrap().push(future);
        })
    };
    let (mut future, entry) = start(&toy, Probe::new(&counts), &waker);
    toy.post(entry.user_data, 1, 0);
    assert_eq!(poll_ready(&mut future).number(), 1);
    toy.post(toy.take_operation().user_data, 2, 0);
    assert_eq!(poll_ready(&mut spawned.lock().unwrap()[0]).number(), 2);
}

#[test]
fn a_waker_may_drop_other_futures_inline() {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let others: Arc<Mutex<Vec<Probing>>> = Arc::default();
    let waker = {
        let others = others.clone();
        Calling::waker(move || drop(std::mem::take(&mut *others.lock().unwrap())))
    };
    let (mut future, first) = start(&toy, Probe::new(&counts), &waker);
    let (running, second) = start(&toy, Probe::new(&counts), Waker::noop());
    let (ended, third) = start(&toy, Probe::new(&counts), Waker::noop());
    let mut queued = toy.probe(Probe::new(&counts));
    poll_pending(&mut queued, Waker::noop());
    toy.post(third.user_data, 3, 0);
    others.lock().unwrap().extend([running, ended, queued]);
    // The second one ends in the batch whose first consequence drops its future.
    toy.post_all(&[
        ringbahn_core::Cqe { user_data: first.user_data, result: 1, flags: 0 },
        ringbahn_core::Cqe { user_data: second.user_data, result: 2, flags: 0 },
    ]);
    assert_eq!(counts.all(), (0, 2, 2));
    assert_eq!(poll_ready(&mut future).number(), 1);
    let mut kernel = Kernel::default();
    kernel.consume(&toy);
    assert_eq!(kernel.running, []);
    assert_eq!(counts.all(), (1, 3, 4));
}

#[test]
fn a_waker_may_poll_and_drop_its_own_future_inline() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let task: Arc<Mutex<Option<Probing>>> = Arc::default();
    let outputs: Arc<Mutex<Vec<i32>>> = Arc::default();
    let waker = {
        let (task, outputs): (Weak<_>, _) = (Arc::downgrade(&task), outputs.clone());
        Calling::waker(move || {
            let task: Arc<Mutex<Option<Probing>>> = task.upgrade().unwrap();
            let mut future = task.lock().unwrap().take().unwrap();
            outputs.lock().unwrap().push(poll_ready(&mut future).number());
        })
    };
    let (future, entry) = start(&toy, Probe::new(&counts), &waker);
    *task.lock().unwrap() = Some(future);
    toy.post(entry.user_data, 5, 0);
    assert_eq!(*outputs.lock().unwrap(), [5]);
    assert_eq!(counts.all(), (1, 0, 1));
}
