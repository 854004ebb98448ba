//! What meets the CQEs of an operation that has several, and its resubmission.

use std::task::{Context, Poll, Waker};

use loom::thread;
use ringbahn_core::Cqe;

use crate::toy_ring::{
    Counts, Kernel, MORE, NOTIFICATION, Probe, Signal, Toy, poll, poll_pending, poll_ready,
};
use crate::{Scene, model, post, scene};

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
