//! Chains that nobody wants any more.

use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::time::{Duration, Instant};

use ringbahn_core::SharedFd;
use ringbahn_core::event::{EventExt, Nop, Recv};

use crate::scene::{poll_once, shared, start};
use crate::subject::{Runs, on_all};

fn sockets() -> (SharedFd, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    (shared(near), far)
}

/// Gives the driver its turns until nothing is in flight.
#[track_caller]
fn until_idle<D: Runs>(driver: &D) {
    let end = Instant::now() + Duration::from_secs(20);
    while driver.counted().in_flight > 0 {
        assert!(Instant::now() < end, "something stays in flight");
        driver.run(driver.clone().submit(Nop)).unwrap();
    }
}

fn cancelled<D: Runs>(driver: &D) {
    let ((one, _far), (other, _farther)) = (sockets(), sockets());
    let receive = |socket: &SharedFd, fill| Recv::new(socket.clone(), vec![fill; 8]).stepped();
    let chain = receive(&one, 1).then(receive(&other, 2)).then(receive(&one, 3));
    let mut chain = driver.clone().submit(chain);
    start(&mut chain);
    // What was submitted behind it has ended, so it is in flight itself.
    driver.run(driver.clone().submit(Nop)).unwrap();
    assert!(chain.is_in_flight());
    let ((first, second), third) = driver.run(chain.cancel()).into_inner();
    for (step, fill) in [(first, 1), (second, 2), (third, 3)] {
        assert!(!step.has_run());
        assert_eq!(step.into_output().1, [fill; 8]);
    }
    until_idle(driver);
}

#[test]
fn a_cancel_ends_every_step_of_a_chain_that_does_not_break() {
    on_all!("a_cancel_ends_every_step_of_a_chain_that_does_not_break", 4, cancelled);
}

fn dropped<D: Runs>(driver: &D) {
    let ((one, _far), (other, _farther)) = (sockets(), sockets());
    for _ in 0..50 {
        let first = Recv::new(one.clone(), vec![1; 8]);
        let chain = first.then(Recv::new(other.clone(), vec![2; 8]));
        let mut chain = driver.clone().submit(chain);
        assert!(poll_once(Pin::new(&mut chain)).is_pending());
        drop(chain);
    }
    until_idle(driver);
}

#[test]
fn a_chain_that_is_dropped_ends_though_its_steps_wait_one_after_the_other() {
    on_all!("a_chain_that_is_dropped_ends", 4, dropped);
}
