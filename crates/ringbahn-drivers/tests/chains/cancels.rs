//! Chains that nobody wants any more.

use std::os::unix::net::UnixStream;

use ringbahn_core::Drive;
use ringbahn_core::event::{EventExt, Recv};
use ringbahn_drivers::SharedDriver;

use crate::scene::{poll_once, run, shared, start, until, until_idle};
use crate::subject::{Runs, policies, shared_of};

fn sockets() -> (ringbahn_core::SharedFd, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    (shared(near), far)
}

fn in_flight(driver: &SharedDriver) {
    until("it is in flight", || driver.counted().in_flight == 1);
}

#[test]
fn a_cancel_ends_every_step_of_a_chain_that_does_not_break() {
    for policy in policies("a_cancel_ends_every_step") {
        let driver = shared_of(policy, 4).unwrap();
        let ((one, _far), (other, _farther)) = (sockets(), sockets());
        let receive = |socket: &ringbahn_core::SharedFd, fill| {
            Recv::new(socket.clone(), vec![fill; 8]).stepped()
        };
        let chain = receive(&one, 1).then(receive(&other, 2)).then(receive(&one, 3));
        let mut chain = driver.clone().submit(chain);
        start(&mut chain);
        in_flight(&driver);
        let ((first, second), third) = run(chain.cancel()).into_inner();
        for (step, fill) in [(first, 1), (second, 2), (third, 3)] {
            assert!(!step.has_run(), "{policy:?}");
            assert_eq!(step.into_output().1, [fill; 8]);
        }
        until_idle(&driver);
    }
}

#[test]
fn a_chain_that_is_dropped_ends_though_its_steps_wait_one_after_the_other() {
    for policy in policies("a_chain_that_is_dropped_ends") {
        let driver = shared_of(policy, 4).unwrap();
        let ((one, _far), (other, _farther)) = (sockets(), sockets());
        for _ in 0..50 {
            let first = Recv::new(one.clone(), vec![1; 8]);
            let chain = first.then(Recv::new(other.clone(), vec![2; 8]));
            let mut chain = driver.clone().submit(chain);
            assert!(poll_once(std::pin::Pin::new(&mut chain)).is_pending());
            drop(chain);
        }
        until_idle(&driver);
    }
}
