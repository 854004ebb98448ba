//! What the scenarios share.

use std::future::{Future, poll_fn};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use ringbahn_core::event::{Accept, Position, Read};
use ringbahn_core::{SharedFd, Submission};

use crate::scene::shared;
use crate::subject::Subject;

/// Longer than any test runs.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// Polls a future that has to wait.
#[track_caller]
pub(crate) fn begin<S: Subject, F: Future + Unpin>(driver: &S, future: &mut F) {
    let waits = driver.run(poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())));
    assert!(waits, "it has not waited");
}

/// A read of so many bytes that is under way.
pub(crate) fn pending_read<S: Subject>(
    driver: &S,
    file: &SharedFd,
    length: usize,
) -> Submission<Read<Vec<u8>>, S> {
    let mut read =
        driver.clone().submit(Read::new(file.clone(), vec![0; length], Position::Current));
    begin(driver, &mut read);
    read
}

pub(crate) fn stream_pair() -> (SharedFd, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    (shared(near), far)
}

pub(crate) fn listener() -> (SharedFd, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (shared(listener), address)
}

/// A connection over the loopback device.
pub(crate) fn connection() -> (SharedFd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (shared(listener.accept().unwrap().0), far)
}

/// An accept that is under way.
pub(crate) fn pending_accept<S: Subject>(driver: &S, socket: &SharedFd) -> Submission<Accept, S> {
    let mut accept = driver.clone().submit(Accept::new(socket.clone()));
    begin(driver, &mut accept);
    accept
}

/// Whether it is the error of what was told to stop.
pub(crate) fn is_cancelled<T>(result: &std::io::Result<T>) -> bool {
    matches!(result, Err(error) if error.raw_os_error() == Some(libc::ECANCELED))
}

/// Bytes of which each tells where it is, nearly.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8 ^ (n >> 8) as u8).collect()
}
