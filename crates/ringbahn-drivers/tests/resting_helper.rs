//! What the helper thread submits while it rests must be watched all the same: no submitter knows
//! of it.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use ringbahn_core::Drive;
use ringbahn_core::event::{Position, ReadExact};

#[path = "support/skip.rs"]
mod skip;

#[test]
fn a_read_that_the_resting_helper_submits_once_more_is_seen_to_end() {
    let test = "a_read_that_the_resting_helper_submits_once_more_is_seen_to_end";
    let Some(driver) = skip::driver(test, 8, 16) else { return };
    let (here, there) = UnixDatagram::pair().unwrap();
    // More than the submitter takes by itself, so the helper goes on; fewer than are wanted.
    (0..12_u8).for_each(|byte| assert_eq!(here.send(&[byte]).unwrap(), 1));

    let (done, finished) = mpsc::channel();
    let socket = OwnedFd::from(there);
    thread::spawn(move || {
        let read = ReadExact::new(socket, vec![0; 16].into_boxed_slice(), Position::Current);
        done.send(block_on(driver.submit(read)))
    });
    assert!(finished.recv_timeout(Duration::from_millis(300)).is_err(), "it waits for the rest");
    (12..16_u8).for_each(|byte| assert_eq!(here.send(&[byte]).unwrap(), 1));
    let (result, bytes) = finished.recv_timeout(Duration::from_secs(10)).expect("it ends");
    result.unwrap();
    assert!(bytes.iter().copied().eq(0..16));
}
