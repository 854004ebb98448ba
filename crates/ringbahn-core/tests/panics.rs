//! Panics in wakers, events and drivers: each takes its own consequence with it and nothing else.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ringbahn_core::{CancelTarget, Completion, Cqe, Drive, Reservation, Shared};
use toy_ring::{
    Counts, Grudge, Moment, Policy, Probe, Signal, Toy, grumpy_waker, poll, poll_pending,
    poll_ready, start,
};

/// Whether `code` panics.
fn panics(code: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(code)).is_err()
}

/// Ends an operation between two innocent ones, in one batch, and sees them completed.
fn between_two_others(
    probe: Probe,
    waker: &Waker,
    drop_it: bool,
    result: i32,
) -> (Toy, Option<toy_ring::Probing>) {
    let toy = Toy::new(8);
    let innocent = Counts::new();
    let (signal, innocent_waker) = Signal::new();
    let (mut before, first) = start(&toy, Probe::new(&innocent), &innocent_waker);
    let (culprit, second) = start(&toy, probe, waker);
    let (mut after, third) = start(&toy, Probe::new(&innocent), &innocent_waker);
    let mut culprit = Some(culprit);
    if drop_it {
        culprit = None;
    }
    toy.post_all(&[
        Cqe { user_data: first.user_data, result: 1, flags: 0 },
        Cqe { user_data: second.user_data, result, flags: 0 },
        Cqe { user_data: third.user_data, result: 3, flags: 0 },
    ]);
    assert_eq!(signal.wakes(), 2);
    assert_eq!((poll_ready(&mut before).number(), poll_ready(&mut after).number()), (1, 3));
    assert_eq!(innocent.all(), (2, 0, 2));
    assert_eq!(toy.in_flight(), 0);
    (toy, culprit)
}

#[test]
fn a_waker_that_panics_keeps_no_other_from_being_woken_and_loses_no_result() {
    let counts = Counts::new();
    let (wakes, waker) = grumpy_waker(Grudge::Wake);
    let (toy, culprit) = between_two_others(Probe::new(&counts), &waker, false, 2);
    assert_eq!((wakes.wakes(), toy.tally().panics), (1, 1));
    assert_eq!(poll_ready(&mut culprit.expect("it is there")).number(), 2);
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn a_waker_that_panics_at_progress_keeps_no_cqe_from_being_seen() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (_, waker) = grumpy_waker(Grudge::Wake);
    let (mut future, entry) = start(&toy, Probe::new(&counts), &waker);
    toy.post_all(&[
        Cqe { user_data: entry.user_data, result: 4, flags: toy_ring::MORE },
        Cqe { user_data: entry.user_data, result: 0, flags: toy_ring::NOTIFICATION },
    ]);
    assert_eq!(toy.tally().panics, 1);
    assert_eq!(poll_ready(&mut future).cqes.len(), 2);
}

#[test]
fn an_event_that_panics_in_cancelled_is_gone_and_counted() {
    let counts = Counts::new();
    let probe = Probe::new(&counts).panicking_in(Moment::Cancelled);
    let (toy, _) = between_two_others(probe, Waker::noop(), true, 2);
    assert_eq!((toy.tally().panics, toy.tally().disposed), (1, 0));
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn an_event_that_panics_when_dropped_by_its_callback_is_gone_and_counted() {
    let counts = Counts::new();
    let probe = Probe::new(&counts).panicking_in(Moment::Drop);
    let (toy, _) = between_two_others(probe, Waker::noop(), true, 2);
    assert_eq!(toy.tally().panics, 1);
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn an_event_that_panics_in_resubmit_ends_with_what_the_kernel_said() {
    let counts = Counts::new();
    let probe = Probe::new(&counts).panicking_in(Moment::Resubmit);
    let (toy, culprit) = between_two_others(probe, Waker::noop(), false, -libc::EINTR);
    assert_eq!(toy.tally().panics, 1);
    assert_eq!(poll_ready(&mut culprit.expect("it is there")).number(), -libc::EINTR);
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn an_event_that_panics_as_it_prepares_again_ends_as_cancelled() {
    let counts = Counts::new();
    let probe = Probe::new(&counts).panicking_in(Moment::PrepareAgain);
    let (toy, culprit) = between_two_others(probe, Waker::noop(), false, -libc::EINTR);
    assert_eq!(toy.tally().panics, 1);
    assert_eq!(poll_ready(&mut culprit.expect("it is there")).number(), -libc::ECANCELED);
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn a_detached_event_that_panics_in_resubmit_is_disposed_of() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let probe = Probe::new(&counts).panicking_in(Moment::Resubmit);
    let (mut future, entry) = start(&toy, probe, Waker::noop());
    future.as_mut().detach();
    toy.post(entry.user_data, -libc::EINTR, 0);
    assert_eq!((toy.tally().panics, counts.all()), (1, (0, 1, 1)));
}

#[test]
fn an_event_that_panics_in_complete_tells_its_own_task_and_the_ring_is_none_the_worse() {
    let counts = Counts::new();
    let probe = Probe::new(&counts).panicking_in(Moment::Complete);
    let (toy, culprit) = between_two_others(probe, Waker::noop(), false, 2);
    let mut culprit = culprit.expect("it is there");
    assert!(panics(|| drop(poll(&mut culprit, Waker::noop()))));
    drop(culprit);
    assert_eq!((counts.all(), toy.tally().panics), ((1, 0, 1), 0));
}

#[test]
fn an_event_that_panics_in_prepare_has_not_started() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let mut future = toy.probe(Probe::new(&counts).panicking_in(Moment::Prepare));
    assert!(panics(|| drop(poll(&mut future, Waker::noop()))));
    assert!(panics(|| drop(poll(&mut future, Waker::noop()))));
    assert_eq!((toy.queued(), toy.in_flight(), counts.dropped()), (0, 0, 0));
    drop(future);
    assert_eq!(counts.all(), (0, 0, 1));
}

#[test]
fn every_panic_of_a_batch_is_counted() {
    let toy = Toy::new(8);
    let counts = Counts::new();
    let (_, waker) = grumpy_waker(Grudge::Wake);
    let mut cqes = Vec::new();
    let mut futures = Vec::new();
    for nth in 0..6 {
        let probe = Probe::new(&counts).panicking_in(Moment::Cancelled);
        let (future, entry) = start(&toy, probe, &waker);
        cqes.push(Cqe { user_data: entry.user_data, result: 0, flags: 0 });
        // Half of them wake, the other half is disposed of.
        if nth % 2 == 0 {
            futures.push(future);
        } else {
            drop(future);
            toy.take_cancel();
        }
    }
    toy.post_all(&cqes);
    assert_eq!(toy.tally().panics, 6);
    assert_eq!((counts.cancelled(), counts.dropped()), (3, 3));
    futures.iter_mut().for_each(|future| drop(poll_ready(future)));
    assert_eq!(counts.all(), (3, 3, 6));
}

#[test]
fn a_waker_that_panics_when_cloned_leaves_the_operation_as_it_was() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (_, grumpy) = grumpy_waker(Grudge::Clone);
    let mut future = toy.probe(Probe::new(&counts));
    assert!(panics(|| drop(poll(&mut future, &grumpy))));
    let (signal, waker) = Signal::new();
    poll_pending(&mut future, &waker);
    assert!(panics(|| drop(poll(&mut future, &grumpy))));
    toy.post(toy.take_operation().user_data, 3, 0);
    assert_eq!(signal.wakes(), 1, "the waker of before is still there");
    assert_eq!(poll_ready(&mut future).number(), 3);
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn a_waker_that_panics_when_replaced_loses_nothing() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (_, grumpy) = grumpy_waker(Grudge::Drop);
    let (mut future, entry) = start(&toy, Probe::new(&counts), &grumpy);
    std::mem::forget(grumpy);
    let (signal, waker) = Signal::new();
    let _ = panics(|| poll_pending(&mut future, &waker));
    toy.post(entry.user_data, 3, 0);
    assert_eq!(signal.wakes(), 1);
    assert_eq!(poll_ready(&mut future).number(), 3);
}

#[test]
fn a_future_whose_waker_panics_when_dropped_is_cancelled_all_the_same() {
    let toy = Toy::new(1);
    let counts = Counts::new();
    let (_, grumpy) = grumpy_waker(Grudge::Drop);
    let (future, entry) = start(&toy, Probe::new(&counts), &grumpy);
    std::mem::forget(grumpy);
    let _ = panics(|| drop(future));
    assert_eq!(toy.tally().cancels, 1);
    toy.post(entry.user_data, 3, 0);
    assert_eq!(counts.all(), (0, 1, 1));
}

#[test]
fn the_drop_of_resubmissions_keeps_the_panics_of_their_tasks_to_itself() {
    let toy = Toy::new(2);
    toy.set(Policy { hold_resubmissions: true, ..Policy::default() });
    let counts = Counts::new();
    let (_, waker) = grumpy_waker(Grudge::Wake);
    let (mut future, entry) = start(&toy, Probe::new(&counts), &waker);
    toy.post(entry.user_data, -libc::EINTR, 0);
    let held = toy.held();
    // Two of them in one `Vec` would abort the process.
    assert!(!panics(|| drop(held)), "the panic has reached the driver");
    assert_eq!(poll_ready(&mut future).number(), -libc::ECANCELED);
}

/// A driver that panics, after or before it has had the event prepared.
struct Stumbling {
    toy: Toy,
    after: bool,
}

impl Drive for Stumbling {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        assert!(self.after, "the driver stumbles before");
        let _receipt = Pin::new(&mut self.toy).poll_prepare(cx, count, prepare);
        panic!("the driver stumbles after");
    }

    fn poll_submit(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Pin::new(&mut self.toy).poll_submit(cx)
    }

    fn cancel(mut self: Pin<&mut Self>, target: CancelTarget) {
        Pin::new(&mut self.toy).cancel(target);
    }
}

#[test]
fn a_driver_that_panics_before_it_prepares_has_started_nothing() {
    let counts = Counts::new();
    let driver = Stumbling { toy: Toy::new(1), after: false };
    let mut future = Box::pin(driver.submit(Probe::new(&counts)));
    assert!(panics(|| drop(poll(&mut future, Waker::noop()))));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll_cancel(&mut cx).is_ready());
    assert_eq!(counts.all(), (1, 0, 1));
}

#[test]
fn a_driver_that_panics_after_it_has_prepared_cannot_get_the_event_back() {
    let counts = Counts::new();
    let toy = Toy::new(2);
    let driver = Stumbling { toy: toy.clone(), after: true };
    let mut future = Box::pin(driver.submit(Probe::new(&counts)));
    assert!(panics(|| drop(poll(&mut future, Waker::noop()))));
    let entry = toy.take_operation();
    let mut cx = Context::from_waker(Waker::noop());
    let early = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll_cancel(&mut cx).is_ready()));
    assert!(!early.unwrap_or(false), "the event is handed out while the kernel has it");
    assert_eq!((toy.in_flight(), counts.dropped()), (1, 0));
    toy.post(entry.user_data, 5, 0);
    drop(future);
    assert_eq!(counts.dropped(), 1);
}

#[test]
fn a_driver_that_panics_after_it_has_prepared_does_not_have_it_prepared_again() {
    let counts = Counts::new();
    let toy = Toy::new(2);
    let driver = Stumbling { toy: toy.clone(), after: true };
    let mut future = Box::pin(driver.submit(Probe::new(&counts)));
    assert!(panics(|| drop(poll(&mut future, Waker::noop()))));
    assert_eq!((toy.in_flight(), counts.prepared()), (1, 1));
    let _ = panics(|| drop(poll(&mut future, Waker::noop())));
    assert_eq!((toy.in_flight(), counts.prepared()), (1, 1));
}

#[test]
fn a_driver_that_panics_after_it_has_prepared_loses_no_result() {
    let counts = Counts::new();
    let toy = Toy::new(2);
    let driver = Stumbling { toy: toy.clone(), after: true };
    let mut future = Box::pin(driver.submit(Probe::new(&counts)));
    assert!(panics(|| drop(poll(&mut future, Waker::noop()))));
    let entry = toy.take_operation();
    drop(future);
    assert_eq!((counts.dropped(), toy.tally().cancels), (0, 1));
    toy.post(entry.user_data, 5, 0);
    assert_eq!(counts.all(), (0, 1, 1), "the result has not been disposed of");
}
