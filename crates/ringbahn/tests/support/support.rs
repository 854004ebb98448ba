//! What the tests share: a small driver of their own, and futures polled by hand.
#![allow(dead_code, reason = "no test uses all of it")]

use std::future::Future;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ringbahn::{Drive, LocalDriver, Ring, SharedDriver, event};

#[path = "../../../ringbahn-drivers/tests/support/skip.rs"]
mod skip;

#[allow(unused_imports, reason = "no test uses all of it")]
pub(crate) use skip::skip;

/// A driver of the smallest useful size, or `None` and a line in the log where there is no
/// io_uring.
pub(crate) fn driver(test: &str) -> Option<SharedDriver> {
    skip::driver(test, 2, 4)
}

/// A driver of that size for this thread, or `None` and a line in the log.
pub(crate) fn local_driver(test: &str) -> Option<LocalDriver> {
    skip::local_driver(test, 2, 4)
}

/// Polls once, for nobody.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Both ends of a connection.
pub(crate) fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (near, far)
}

/// Both ends of a connection, the first one on the driver.
pub(crate) fn stream(driver: &SharedDriver) -> (Ring<TcpStream, SharedDriver>, TcpStream) {
    let (near, far) = connection();
    (Ring::new_on_driver(near, driver.clone()), far)
}

/// Waits on the driver.
pub(crate) async fn pause(driver: &SharedDriver, duration: Duration) {
    driver.clone().submit(event::Timeout::new(duration)).await.unwrap();
}

/// A file of `contents`, open for reading and writing, at its start.
pub(crate) fn file(contents: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(contents).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

/// What a descriptor refers to, such as `socket:[1234]`; `None` where it is closed.
pub(crate) fn referent(fd: &impl AsRawFd) -> Option<String> {
    referent_of(fd.as_raw_fd())
}

pub(crate) fn referent_of(number: i32) -> Option<String> {
    let target = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
    target.into_os_string().into_string().ok()
}

/// Whether any descriptor of the process refers to this.
pub(crate) fn is_held(referent: &str) -> bool {
    std::fs::read_dir("/proc/self/fd").unwrap().flatten().any(|entry| {
        std::fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == referent)
    })
}

/// How many descriptors the process has open.
pub(crate) fn descriptors() -> usize {
    // Less the one that reads the folder.
    std::fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

/// Waits until `condition` holds, which others bring about.
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}
