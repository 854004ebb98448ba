//! Time: timeouts, and what they bound.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use futures::future::{Either, join_all, select};
use ringbahn_core::event::{Accept, EventExt as _, Nop, Position, Read, Recv, Timeout};
use ringbahn_core::{Clock, Deadline};

use crate::scene::pipe;
use crate::subject::Subject;
use crate::support::{LONG, begin, is_cancelled, listener, pending_accept, stream_pair};

const SHORT: Duration = Duration::from_millis(10);

on_both_drivers! {
    timeout,
    timeout_new,
    timeout_overflow,
    wait_timeout,
    link_timeout_of_a_read,
    link_timeout_of_what_is_in_time,
    link_timeout_of_an_accept,
    link_timeout_of_a_chain,
    link_timeout_of_nothing,
    link_timeout_that_was_dropped,
}

/// A timeout takes its time, and several come in the order of theirs.
fn timeout<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let start = Instant::now();
    driver.run(driver.clone().submit(Timeout::new(SHORT))).unwrap();
    assert!(start.elapsed() >= SHORT);
    let sleep = |time| driver.clone().submit(Timeout::new(time));
    let first = driver.run(select(sleep(LONG), sleep(SHORT)));
    assert!(matches!(first, Either::Right(..)));
    drop(first);
    driver.until("both are over", || driver.so_far().in_flight == 0);
    driver.end();
}

/// A wait for what does not come ends with the timeout that stands beside it.
fn timeout_new<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (reader, _writer) = pipe();
    let read = Read::new(reader, vec![0; 1], Position::Current);
    let read = driver.clone().submit(read);
    let sleep = driver.clone().submit(Timeout::new(SHORT));
    let Either::Right((slept, read)) = driver.run(select(read, sleep)) else {
        panic!("there was nothing to read");
    };
    slept.unwrap();
    assert!(driver.run(read.cancel()).is_cancelled());
    driver.end();
}

/// The longest time there is, and moments of any clock that lie behind.
fn timeout_overflow<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let mut longest = driver.clone().submit(Timeout::new(Duration::MAX));
    begin(&driver, &mut longest);
    for clock in [Clock::Monotonic, Clock::Boottime, Clock::Realtime] {
        let past = Deadline::at(clock, Duration::ZERO);
        driver.run(driver.clone().submit(Timeout::at(past))).unwrap();
    }
    assert!(driver.run(longest.cancel()).is_cancelled());
    driver.end();
}

/// Waits of several lengths at once end each in its time.
fn wait_timeout<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let start = Instant::now();
    let sleeps = (1..=5).map(|n| driver.clone().submit(Timeout::new(n * SHORT / 2)));
    assert!(driver.run(join_all(sleeps)).iter().all(Result::is_ok));
    assert!(start.elapsed() >= 5 * SHORT / 2);
    driver.end();
}

/// A read that takes too long is stopped, and its buffer comes back.
fn link_timeout_of_a_read<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (reader, _writer) = pipe();
    let read = Read::new(reader, vec![0; 3], Position::Current);
    let (result, buffer) = driver.run(driver.clone().submit(read).timeout(SHORT));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(buffer.len(), 3);
    driver.end();
}

/// What ends in time is not disturbed, and leaves no timer behind.
fn link_timeout_of_what_is_in_time<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    driver.run(driver.clone().submit(Nop).timeout(LONG)).unwrap();
    driver.until("the timer is gone", || driver.so_far().in_flight == 0);
    driver.end();
}

/// An accept that takes too long is stopped, and the next one gets the connection.
fn link_timeout_of_an_accept<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (listener, address) = listener();
    let accept = pending_accept(&driver, &listener);
    let error = driver.run(accept.timeout(SHORT)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let _client = TcpStream::connect(address).unwrap();
    driver.run(driver.clone().submit(Accept::new(listener))).unwrap();
    driver.end();
}

/// A chain that takes too long is stopped where it is, and what stands behind does not start.
fn link_timeout_of_a_chain<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, _far) = stream_pair();
    let chain = Nop.link(Recv::new(near, vec![0; 1])).link(Nop);
    let ((first, (received, _)), last) = driver.run(driver.clone().submit(chain).timeout(SHORT));
    first.unwrap();
    assert!(received.is_err());
    assert!(is_cancelled(&last) || last.is_err(), "{last:?}");
    driver.end();
}

/// A timeout of no time stops what waits, and not what has ended.
fn link_timeout_of_nothing<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, _far) = stream_pair();
    let receive = driver.clone().submit(Recv::new(near, vec![0; 1]));
    let (result, _) = driver.run(receive.timeout(Duration::ZERO));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    driver.end();
}

/// Both go together where nobody waits any more.
fn link_timeout_that_was_dropped<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, _far) = stream_pair();
    let receive = driver.clone().submit(Recv::new(near, vec![0; 1]));
    let mut bounded = Box::pin(receive.timeout(LONG));
    begin(&driver, &mut bounded);
    drop(bounded);
    driver.until("both are over", || driver.so_far().in_flight == 0);
    driver.end();
}
