//! What meets the end of an operation: polls, a drop, a detach, a cancel.

use std::task::{Context, Poll, Waker};

use loom::thread;
use ringbahn_core::Cancelled;

use crate::toy_ring::{Counts, Kernel, Probe, Signal, Toy, poll, poll_pending, poll_ready, start};
use crate::{Scene, bounded_model, future_of_cancel, model, post, scene};

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
