//! What servers have in common, of whichever library.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

/// How much of what a waiting connection gets is dealt with at a time, in bytes.
const PASS: usize = 4096;

/// What was done with what has come upon a connection.
pub(super) enum Pass {
    /// There was nothing after all.
    Nothing,
    /// All was sent back.
    Whole,
    /// This is still to be sent.
    Part(Vec<u8>),
    /// The other side sends no more.
    Closed,
}

/// Reads what has come and sends it back, with a buffer that is there meanwhile only.
///
/// # Errors
///
/// Those of reading and writing, other than that it would wait.
pub(super) fn pass(
    read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    write: impl FnOnce(&[u8]) -> io::Result<usize>,
) -> io::Result<Pass> {
    let mut buffer = [0; PASS];
    let received = match read(&mut buffer) {
        Ok(0) => return Ok(Pass::Closed),
        Ok(received) => received,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Pass::Nothing),
        Err(error) => return Err(error),
    };
    let written = match write(&buffer[..received]) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        result => result?,
    };
    if written == received {
        Ok(Pass::Whole)
    } else {
        Ok(Pass::Part(buffer[written..received].to_vec()))
    }
}

/// Answers the requests of a connection by hyper.
///
/// # Errors
///
/// Those of the connection, and of what is no HTTP.
pub(super) async fn serve_http(connection: impl Read + Write + Unpin) -> hyper::Result<()> {
    http1::Builder::new().serve_connection(connection, service_fn(answer)).await
}

/// Answers a request.
pub(super) async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello, world!"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn would_wait<T>() -> io::Result<T> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn read_four(buffer: &mut [u8]) -> io::Result<usize> {
        buffer[..4].copy_from_slice(b"ring");
        Ok(4)
    }

    #[test]
    fn what_has_come_is_sent_back_whole() {
        let mut sent = Vec::new();
        let write = |bytes: &[u8]| {
            sent.extend_from_slice(bytes);
            Ok(bytes.len())
        };
        assert!(matches!(pass(read_four, write), Ok(Pass::Whole)));
        assert_eq!(sent, b"ring");
    }

    #[test]
    fn what_a_socket_does_not_take_is_left() {
        let Ok(Pass::Part(left)) = pass(read_four, |_| Ok(1)) else { panic!("nothing is left") };
        assert_eq!(left, b"ing");
        let Ok(Pass::Part(left)) = pass(read_four, |_| would_wait()) else {
            panic!("nothing is left")
        };
        assert_eq!(left, b"ring");
    }

    #[test]
    fn an_end_and_nothing_at_all_are_told_apart() {
        assert!(matches!(pass(|_| Ok(0), |_| would_wait()), Ok(Pass::Closed)));
        assert!(matches!(pass(|_| would_wait(), |_| Ok(0)), Ok(Pass::Nothing)));
        let failed = pass(|_| Err(io::ErrorKind::ConnectionReset.into()), |_| Ok(0));
        assert!(failed.is_err());
    }
}
