//! What meets a shutdown, and the drop of the ring.

use std::task::{Context, Poll, Waker};

use loom::thread;

use crate::toy_ring::{Counts, Kernel, Probe, Signal, Toy, poll, poll_pending, poll_ready};
use crate::{Scene, bounded_model, future_of_cancel, model, post, scene};

/// Asks for the end of everything, on a thread of its own.
fn shut_down(toy: &Toy) -> thread::JoinHandle<usize> {
    let toy = toy.clone();
    thread::spawn(move || toy.cancel_all(true))
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
