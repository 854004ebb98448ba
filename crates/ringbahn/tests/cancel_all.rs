//! All that is in flight on a handle is told to stop, and who is told of it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use futures::executor::block_on;
use futures::io::AsyncReadExt as _;
use ringbahn::Ring;

#[path = "support/support.rs"]
mod support;
use support::{driver, poll_once, stream, wait_until};

fn was_stopped<T>(result: std::io::Result<T>) -> bool {
    result.is_err_and(|error| error.raw_os_error() == Some(libc::ECANCELED))
}

#[test]
fn receives_of_a_handle_are_stopped_with_their_buffers_and_the_handle_goes_on() {
    let test = "receives_of_a_handle_are_stopped_with_their_buffers_and_the_handle_goes_on";
    let Some(driver) = driver(test) else { return };
    let ((near, mut far), (other, mut other_far)) = (stream(&driver), stream(&driver));
    let mut receives: Vec<_> = (0..3).map(|_| Box::pin(near.recv(vec![7; 4]))).collect();
    for receive in &mut receives {
        assert!(poll_once(receive).is_pending());
    }
    let mut elsewhere = Box::pin(other.recv(vec![0; 4]));
    assert!(poll_once(&mut elsewhere).is_pending());
    let report = block_on(near.cancel_all().unwrap());
    assert_eq!((report.asked, report.cancelled, report.completed), (3, 3, 0));
    for receive in receives {
        let (result, buffer) = block_on(receive);
        assert!(was_stopped(result));
        assert_eq!(buffer, [7; 4]);
    }
    far.write_all(b"next").unwrap();
    assert_eq!(block_on(near.recv(vec![0; 4])).1, b"next");
    other_far.write_all(b"more").unwrap();
    assert_eq!(block_on(elsewhere).1, b"more");
    block_on(near.send_all("back")).0.unwrap();
    far.read_exact(&mut [0; 4]).unwrap();
    assert_eq!(block_on(near.cancel_all().unwrap()).asked, 0);
}

#[test]
fn a_read_that_nobody_waits_for_is_stopped_and_the_next_one_is_told() {
    let test = "a_read_that_nobody_waits_for_is_stopped_and_the_next_one_is_told";
    let Some(driver) = driver(test) else { return };
    let (mut near, mut far) = stream(&driver);
    let mut buffer = [0; 4];
    assert!(poll_once(&mut near.read(&mut buffer)).is_pending());
    let report = block_on(near.cancel_all().unwrap());
    assert_eq!((report.asked, report.cancelled), (1, 1));
    assert!(was_stopped(block_on(near.read(&mut buffer))));
    far.write_all(b"next").unwrap();
    block_on(near.read_exact(&mut buffer)).unwrap();
    assert_eq!(&buffer, b"next");
}

#[test]
fn an_accept_that_nobody_waits_for_is_stopped_and_the_next_one_is_told() {
    let test = "an_accept_that_nobody_waits_for_is_stopped_and_the_next_one_is_told";
    let Some(driver) = driver(test) else { return };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = Ring::new_on_driver(listener, driver.clone());
    assert!(poll_once(&mut Box::pin(listener.accept())).is_pending());
    let report = block_on(listener.cancel_all().unwrap());
    assert_eq!((report.asked, report.cancelled), (1, 1));
    assert!(was_stopped(block_on(listener.accept())));
    let _client = TcpStream::connect(address).unwrap();
    block_on(listener.accept()).unwrap();
    drop(listener);
    wait_until("nothing is in flight", || driver.counters().in_flight == 0);
}
