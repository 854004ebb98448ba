//! Messages that are sent back: a task for each connection.

use std::io;
use std::net;

use tokio_uring::buf::BoundedBuf as _;
use tokio_uring::net::{TcpListener, TcpStream};

use super::super::library::Library;
use super::super::server;
use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

pub(super) fn echo<U: Library>(case: &Echo, listener: net::TcpListener) -> Result<(), Failure> {
    serve_with::<U>(case.buffer(), listener)
}

/// Sends back what comes, through buffers of `length` bytes.
///
/// # Errors
///
/// Those of accepting connections.
pub(super) fn serve_with<U: Library>(
    length: usize,
    listener: net::TcpListener,
) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    U::run(async |_| {
        let listener = TcpListener::from_std(listener);
        loop {
            let (socket, _) = listener.accept().await?;
            tokio_uring::spawn(serve(socket, length));
        }
    })
}

async fn serve(socket: TcpStream, length: usize) -> io::Result<()> {
    let mut buffer = vec![0; length];
    loop {
        let (received, message) = socket.read(buffer).await;
        let received = received?;
        if received == 0 {
            return Ok(());
        }
        let (sent, message) = socket.write_all(message.slice(..received)).await;
        sent?;
        buffer = message.into_inner();
    }
}
