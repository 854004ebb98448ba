//! Models of the meetings of a future and the kernel's CQEs, run over every interleaving.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p ringbahn-core --test 'loom*'
//! ```
//!
//! The models run whole submissions on a toy ring, so they cover the cell, the record, the table
//! and the hand-overs between them. Each asserts that the event has one owner after the kernel
//! (an output for the future, or one cancellation callback), that it is dropped once, and that a
//! future which is still pending has had its last waker woken if there is something to see.
//!
//! That they can fail has been tried, with these changes of the code one at a time:
//!
//! * `Cell::wait` keeps the waker it has where there is one, whether or not it would wake the
//!   same task: `a_poll_with_another_waker_meets_the_end` loses the wake-up.
//! * `Cell::wait` leaves its clone of the waker without looking a second time:
//!   `a_first_poll_meets_the_end` loses the wake-up.
//! * `Header::enter` reads whether the operation is cancelled before it stores the `user_data`:
//!   `a_drop_meets_a_resubmission` ends with an operation that nobody waits for and nobody
//!   cancels.
#![cfg(loom)]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::sync::{Arc, Mutex as StdMutex};
use std::task::{Context, Poll, Waker};

use loom::thread;
use ringbahn_core::{Cancelled, Cqe};
use toy_ring::{
    Calling, Counts, Grudge, Kernel, MORE, NOTIFICATION, Probe, Probing, Signal, Toy, grumpy_waker,
    poll, poll_pending, poll_ready, start,
};

/// Runs a model of two threads over every interleaving.
fn model(threads: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.check(threads);
}

/// Runs a model that is too wide for that over those with up to three preemptions.
fn bounded_model(threads: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.preemption_bound = Some(3);
    builder.check(threads);
}

struct Scene {
    toy: Toy,
    counts: Arc<Counts>,
    future: Probing,
    user_data: u64,
}

/// An operation in flight whose future has been polled once with `waker`.
fn scene(waker: &Waker) -> Scene {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let (future, taken) = start(&toy, Probe::new(&counts), waker);
    Scene { toy, counts, future, user_data: taken.user_data }
}

/// Posts CQEs of `user_data` one by one, on a thread of its own.
fn post(toy: &Toy, user_data: u64, cqes: &'static [(i32, u32)]) -> thread::JoinHandle<()> {
    let toy = toy.clone();
    thread::spawn(move || {
        for (result, flags) in cqes {
            toy.post(user_data, *result, *flags);
        }
    })
}

#[test]
fn a_poll_meets_the_end() {
    model(|| {
        let (signal, waker) = Signal::new();
        let Scene { toy, counts, mut future, user_data } = scene(&waker);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = poll(&mut future, &waker);
        kernel.join().unwrap();
        match polled {
            Poll::Ready(answer) => assert_eq!(answer.number(), 7),
            Poll::Pending => {
                assert_eq!(signal.wakes(), 1, "the wake-up is lost");
                assert_eq!(poll_ready(&mut future).number(), 7);
            }
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_first_poll_meets_the_end() {
    model(|| {
        let (signal, waker) = Signal::new();
        let toy = Toy::new(1);
        let counts = Counts::new();
        let mut future = toy.probe(Probe::new(&counts));
        let kernel = {
            let toy = toy.clone();
            thread::spawn(move || {
                let user_data = toy.take().map(|taken| taken.user_data);
                user_data.map(|user_data| toy.post(user_data, 7, 0)).is_some()
            })
        };
        let polled = poll(&mut future, &waker);
        let ended = kernel.join().unwrap();
        match polled {
            Poll::Ready(answer) => assert_eq!(answer.number(), 7),
            Poll::Pending if ended => {
                assert_eq!(signal.wakes(), 1, "the wake-up is lost");
                assert_eq!(poll_ready(&mut future).number(), 7);
            }
            Poll::Pending => {
                toy.post(toy.take_operation().user_data, 8, 0);
                assert_eq!(poll_ready(&mut future).number(), 8);
            }
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_poll_with_another_waker_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (signal, waker) = Signal::new();
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = poll(&mut future, &waker);
        kernel.join().unwrap();
        if polled.is_pending() {
            assert_eq!(signal.wakes(), 1, "the last waker is not woken");
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_poll_on_another_thread_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (signal, waker) = Signal::new();
        let task = thread::spawn(move || {
            let polled = poll(&mut future, &waker);
            (future, polled.is_ready())
        });
        toy.post(user_data, 7, 0);
        let (mut future, was_ready) = task.join().unwrap();
        if !was_ready {
            assert_eq!(signal.wakes(), 1, "the last waker is not woken");
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_drop_meets_the_end() {
    model(|| {
        let Scene { toy, counts, future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(7, 0)]);
        drop(future);
        kernel.join().unwrap();
        assert_eq!(counts.all(), (0, 1, 1));
        Kernel::default().settle(&toy, 0);
        assert_eq!(toy.tally().missed_cancels, 0);
        assert_eq!(toy.in_flight(), 0);
    });
}

#[test]
fn a_detach_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(7, 0)]);
        future.as_mut().detach();
        drop(future);
        kernel.join().unwrap();
        assert_eq!(counts.all(), (0, 1, 1));
        assert_eq!(toy.take(), None);
    });
}

#[test]
fn a_poll_of_a_cancel_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (signal, waker) = Signal::new();
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = future.as_mut().poll_cancel(&mut Context::from_waker(&waker));
        kernel.join().unwrap();
        let cancelled = match polled {
            Poll::Ready(cancelled) => cancelled,
            Poll::Pending => {
                assert_eq!(signal.wakes(), 1, "the wake-up is lost");
                poll_ready(&mut Box::pin(future_of_cancel(future)))
            }
        };
        assert!(matches!(cancelled, Cancelled::Completed(answer) if answer.number() == 7));
        assert_eq!(counts.all(), (1, 0, 1));
        Kernel::default().settle(&toy, 0);
        assert_eq!(toy.tally().missed_cancels, 0);
    });
}

/// Polls for the end of a cancelled operation, as `Submission::cancel` does.
async fn future_of_cancel(mut future: Probing) -> Cancelled<toy_ring::Answer> {
    std::future::poll_fn(move |cx| future.as_mut().poll_cancel(cx)).await
}

/// Asks for the end of everything, on a thread of its own.
fn shut_down(toy: &Toy) -> thread::JoinHandle<usize> {
    let toy = toy.clone();
    thread::spawn(move || toy.cancel_all(true))
}

#[test]
fn the_kernels_cancelled_meets_the_request_for_it() {
    // The -ECANCELED is nobody's wish when it comes before the request, and is repeated then.
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(-libc::ECANCELED, 0)]);
        let (signal, waker) = Signal::new();
        let polled = future.as_mut().poll_cancel(&mut Context::from_waker(&waker));
        kernel.join().unwrap();
        Kernel::default().settle(&toy, 7);
        let cancelled = match polled {
            Poll::Ready(cancelled) => cancelled,
            Poll::Pending => {
                assert_eq!(signal.wakes(), 1, "the wake-up is lost");
                poll_ready(&mut Box::pin(future_of_cancel(future)))
            }
        };
        assert!(cancelled.is_cancelled(), "a cancelled operation has run");
        assert_eq!(counts.all(), (1, 0, 1));
        assert_eq!(toy.in_flight(), 0);
    });
}

#[test]
fn a_drop_meets_the_last_cqes_of_many() {
    model(|| {
        let Scene { toy, counts, future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(7, MORE), (0, NOTIFICATION)]);
        drop(future);
        kernel.join().unwrap();
        assert_eq!(counts.all(), (0, 1, 1));
        Kernel::default().settle(&toy, 0);
        assert_eq!(toy.in_flight(), 0);
    });
}

#[test]
fn a_drop_meets_both_cqes_in_one_batch() {
    model(|| {
        let Scene { toy, counts, future, user_data } = scene(Waker::noop());
        let kernel = {
            let toy = toy.clone();
            let first = Cqe { user_data, result: 7, flags: MORE };
            let last = Cqe { user_data, result: 0, flags: NOTIFICATION };
            thread::spawn(move || drop(toy.post_all(&[first, last])))
        };
        drop(future);
        kernel.join().unwrap();
        assert_eq!(counts.all(), (0, 1, 1));
    });
}

#[test]
fn a_drop_meets_the_end_of_the_second_of_two_entries() {
    model(|| {
        let toy = Toy::new(4);
        let counts = Counts::new();
        let mut future = toy.probe(Probe::of_entries(&counts, 2));
        poll_pending(&mut future, Waker::noop());
        let (first, second) = (toy.take_operation().user_data, toy.take_operation().user_data);
        let kernel = {
            let toy = toy.clone();
            thread::spawn(move || {
                toy.post(first, -libc::EIO, 0);
                toy.post(second, -libc::ECANCELED, 0);
            })
        };
        drop(future);
        kernel.join().unwrap();
        assert_eq!(counts.all(), (0, 1, 1));
        assert_eq!(toy.in_flight(), 0);
    });
}

#[test]
fn a_poll_meets_the_last_cqes_of_many() {
    model(|| {
        let (signal, waker) = Signal::new();
        let Scene { toy, counts, mut future, user_data } = scene(&waker);
        let kernel = post(&toy, user_data, &[(7, MORE), (0, NOTIFICATION)]);
        let polled = poll(&mut future, &waker);
        kernel.join().unwrap();
        if polled.is_pending() {
            assert!(signal.wakes() > 0, "the wake-up is lost");
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_poll_for_a_cqe_meets_progress() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (signal, waker) = Signal::new();
        let kernel = post(&toy, user_data, &[(7, MORE)]);
        let polled = future.as_mut().poll_cqe(&mut Context::from_waker(&waker), 0);
        kernel.join().unwrap();
        let cqe = match polled {
            Poll::Ready(cqe) => cqe,
            Poll::Pending => {
                assert_eq!(signal.wakes(), 1, "the wake-up is lost");
                let mut cx = Context::from_waker(Waker::noop());
                match future.as_mut().poll_cqe(&mut cx, 0) {
                    Poll::Ready(cqe) => cqe,
                    Poll::Pending => panic!("the CQE is lost"),
                }
            }
        };
        assert_eq!(cqe.map(|cqe| cqe.result), Some(7));
        toy.post(user_data, 0, NOTIFICATION);
        assert_eq!(poll_ready(&mut future).cqes, [(7, MORE), (0, NOTIFICATION)]);
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_poll_for_a_second_cqe_meets_the_end_without_one() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (signal, waker) = Signal::new();
        let kernel = post(&toy, user_data, &[(-libc::EIO, 0)]);
        let polled = future.as_mut().poll_cqe(&mut Context::from_waker(&waker), 1);
        kernel.join().unwrap();
        match polled {
            Poll::Ready(cqe) => assert_eq!(cqe, None),
            Poll::Pending => assert_eq!(signal.wakes(), 1, "the wake-up is lost"),
        }
        assert_eq!(poll_ready(&mut future).number(), -libc::EIO);
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_drop_meets_a_resubmission() {
    // An end that nobody asked for: it is repeated, and then cancelled; or it ends; never lost.
    model(|| {
        let Scene { toy, counts, future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(-libc::ECANCELED, 0)]);
        drop(future);
        kernel.join().unwrap();
        // Whatever runs now and is not cancelled would run for ever.
        let mut kernel = Kernel::default();
        kernel.consume(&toy);
        assert_eq!(kernel.running, [], "nobody waits for it, and nobody cancels it");
        assert_eq!(counts.all(), (0, 1, 1));
        assert_eq!(toy.in_flight(), 0);
    });
}

#[test]
fn a_poll_meets_a_resubmission() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(-libc::EINTR, 0)]);
        let (signal, waker) = Signal::new();
        poll_pending(&mut future, &waker);
        kernel.join().unwrap();
        assert_eq!(signal.wakes(), 0);
        toy.post(toy.take_operation().user_data, 7, 0);
        assert_eq!(signal.wakes(), 1, "the waker is lost on the way round");
        assert_eq!(poll_ready(&mut future).number(), 7);
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_detach_meets_a_resubmission() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(-libc::EINTR, 0)]);
        future.as_mut().detach();
        kernel.join().unwrap();
        toy.post(toy.take_operation().user_data, 7, 0);
        assert_eq!(toy.take(), None, "nobody has asked for its end");
        assert_eq!(counts.all(), (0, 1, 1));
        drop(future);
    });
}

#[test]
fn a_shutdown_meets_a_drop() {
    model(|| {
        let Scene { toy, counts, future, user_data } = scene(Waker::noop());
        let driver = shut_down(&toy);
        drop(future);
        driver.join().unwrap();
        let mut kernel = Kernel { running: vec![user_data], cancels: 0 };
        kernel.consume(&toy);
        assert_eq!(kernel.cancels, 1, "one of the two asks, and only one");
        assert_eq!(counts.all(), (0, 1, 1));
    });
}

#[test]
fn a_shutdown_meets_the_poll_of_a_cancel() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let driver = shut_down(&toy);
        let polled = future.as_mut().poll_cancel(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        driver.join().unwrap();
        let mut kernel = Kernel { running: vec![user_data], cancels: 0 };
        kernel.consume(&toy);
        assert_eq!(kernel.cancels, 1, "one of the two asks, and only one");
        assert!(poll_ready(&mut Box::pin(future_of_cancel(future))).is_cancelled());
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_shutdown_meets_a_first_poll() {
    model(|| {
        let toy = Toy::new(4);
        let counts = Counts::new();
        let mut future = toy.probe(Probe::new(&counts));
        let driver = shut_down(&toy);
        let (signal, waker) = Signal::new();
        poll_pending(&mut future, &waker);
        let asked = driver.join().unwrap();
        let mut kernel = Kernel::default();
        kernel.settle(&toy, 7);
        assert_eq!(kernel.cancels as usize, asked);
        assert_eq!(signal.wakes(), 1);
        let expected = if asked == 1 { -libc::ECANCELED } else { 7 };
        assert_eq!(poll_ready(&mut future).number(), expected);
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_shutdown_meets_a_resubmission() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(-libc::ECANCELED, 0)]);
        let asked = toy.cancel_all(true);
        kernel.join().unwrap();
        Kernel::default().settle(&toy, 7);
        // What is between two rounds when the driver looks is in no table; it is the driver's.
        let expected = if asked == 1 { -libc::ECANCELED } else { 7 };
        assert_eq!(poll_ready(&mut future).number(), expected);
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn the_drop_of_the_ring_meets_that_of_the_future() {
    model(|| {
        let Scene { toy, counts, future, .. } = scene(Waker::noop());
        let driver = {
            let toy = toy.clone();
            thread::spawn(move || toy.drop_ring())
        };
        drop(future);
        driver.join().unwrap();
        drop(toy);
        assert_eq!(counts.all(), (0, 0, 0), "the kernel may still write to it");
    });
}

#[test]
fn the_drop_of_the_ring_meets_a_first_poll() {
    model(|| {
        let toy = Toy::new(1);
        let counts = Counts::new();
        let mut future = toy.probe(Probe::new(&counts));
        let driver = {
            let toy = toy.clone();
            thread::spawn(move || toy.drop_ring())
        };
        match poll(&mut future, Waker::noop()) {
            Poll::Ready(answer) => {
                assert_eq!(answer.number(), -libc::ENXIO);
                driver.join().unwrap();
                assert_eq!(counts.all(), (1, 0, 1));
            }
            Poll::Pending => {
                driver.join().unwrap();
                drop(future);
                assert_eq!(counts.all(), (0, 0, 0), "the kernel may still write to it");
            }
        }
    });
}

#[test]
fn the_drop_of_the_ring_meets_the_end() {
    model(|| {
        let (signal, waker) = Signal::new();
        let Scene { toy, counts, mut future, user_data } = scene(&waker);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        toy.drop_ring();
        kernel.join().unwrap();
        if poll(&mut future, &waker).is_ready() {
            assert_eq!(signal.wakes(), 1);
            assert_eq!(counts.all(), (1, 0, 1));
        } else {
            assert_eq!(signal.wakes(), 0);
            drop(future);
            assert_eq!(counts.all(), (0, 0, 0), "the kernel may still write to it");
        }
    });
}

#[test]
fn two_operations_end_on_two_threads() {
    bounded_model(|| {
        let toy = Toy::new(4);
        let counts = Counts::new();
        let (signal, waker) = Signal::new();
        let (mut one, first) = start(&toy, Probe::new(&counts), &waker);
        let (two, second) = start(&toy, Probe::new(&counts), &waker);
        let kernel = post(&toy, first.user_data, &[(1, 0)]);
        let other_kernel = post(&toy, second.user_data, &[(2, 0)]);
        drop(two);
        kernel.join().unwrap();
        other_kernel.join().unwrap();
        assert_eq!(poll_ready(&mut one).number(), 1);
        assert!(signal.wakes() >= 1);
        assert_eq!(counts.all(), (1, 1, 2));
        assert_eq!(toy.in_flight(), 0);
    });
}

#[test]
fn an_end_meets_a_shutdown_and_a_drop() {
    bounded_model(|| {
        let Scene { toy, counts, future, user_data } = scene(Waker::noop());
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let driver = shut_down(&toy);
        drop(future);
        kernel.join().unwrap();
        driver.join().unwrap();
        assert_eq!(counts.all(), (0, 1, 1));
        let mut kernel = Kernel::default();
        kernel.consume(&toy);
        assert!(kernel.cancels <= 1);
    });
}

#[test]
fn a_waiter_for_room_meets_the_place_that_becomes_free() {
    model(|| {
        let toy = Toy::new(1);
        let counts = Counts::new();
        let mut first = toy.probe(Probe::new(&counts));
        poll_pending(&mut first, Waker::noop());
        let mut second = toy.probe(Probe::new(&counts));
        let (signal, waker) = Signal::new();
        let kernel = {
            let toy = toy.clone();
            thread::spawn(move || toy.take_operation().user_data)
        };
        poll_pending(&mut second, &waker);
        let user_data = kernel.join().unwrap();
        if toy.queued() == 0 {
            assert_eq!(signal.wakes(), 1, "the wake-up is lost");
            poll_pending(&mut second, &waker);
        }
        toy.post(user_data, 1, 0);
        toy.post(toy.take_operation().user_data, 2, 0);
        assert_eq!(poll_ready(&mut first).number(), 1);
        assert_eq!(poll_ready(&mut second).number(), 2);
    });
}

#[test]
fn a_waker_that_panics_when_cloned_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (_, grumpy) = grumpy_waker(Grudge::Clone);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            poll(&mut future, &grumpy).is_ready()
        }));
        kernel.join().unwrap();
        if !polled.unwrap_or(false) {
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_waker_that_panics_when_woken_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (wakes, grumpy) = grumpy_waker(Grudge::Wake);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = poll(&mut future, &grumpy);
        kernel.join().unwrap();
        if polled.is_pending() {
            assert_eq!(wakes.wakes(), 1);
            assert_eq!(toy.tally().panics, 1);
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_waker_that_panics_when_dropped_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (wakes, grumpy) = grumpy_waker(Grudge::Drop);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            poll(&mut future, &grumpy).is_ready()
        }));
        kernel.join().unwrap();
        if !polled.unwrap_or(false) {
            assert!(counts.completed() == 0 && wakes.wakes() <= 1);
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
        std::mem::forget(grumpy);
    });
}

#[test]
fn the_drop_of_a_future_whose_waker_panics_when_dropped_meets_the_end() {
    model(|| {
        let (_, grumpy) = grumpy_waker(Grudge::Drop);
        let Scene { toy, counts, future, user_data } = scene(&grumpy);
        std::mem::forget(grumpy);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(future)));
        kernel.join().unwrap();
        assert_eq!(counts.all(), (0, 1, 1));
    });
}

#[test]
fn a_waker_that_polls_inside_wake_meets_the_end() {
    model(|| {
        let toy = Toy::new(1);
        let counts = Counts::new();
        let task: Arc<StdMutex<Option<Probing>>> = Arc::default();
        let outputs: Arc<StdMutex<Vec<i32>>> = Arc::default();
        let waker = {
            let (task, outputs) = (Arc::downgrade(&task), outputs.clone());
            Calling::waker(move || {
                let Some(task) = task.upgrade() else { return };
                // A real executor would queue the task here; it is being polled.
                let Ok(mut slot) = task.try_lock() else { return };
                let Some(future) = slot.as_mut() else { return };
                if let Poll::Ready(answer) = poll(future, Waker::noop()) {
                    outputs.lock().unwrap().push(answer.number());
                    *slot = None;
                }
            })
        };
        let (future, taken) = start(&toy, Probe::new(&counts), &waker);
        *task.lock().unwrap() = Some(future);
        let kernel = post(&toy, taken.user_data, &[(7, MORE), (0, NOTIFICATION)]);
        {
            let mut slot = task.try_lock();
            if let Ok(slot) = &mut slot
                && let Some(future) = slot.as_mut()
                && let Poll::Ready(answer) = poll(future, &waker)
            {
                outputs.lock().unwrap().push(answer.number());
                **slot = None;
            }
        }
        kernel.join().unwrap();
        let future = task.lock().unwrap().take();
        if let Some(mut future) = future {
            outputs.lock().unwrap().push(poll_ready(&mut future).number());
        }
        assert_eq!(*outputs.lock().unwrap(), [7]);
        assert_eq!(counts.all(), (1, 0, 1));
    });
}
