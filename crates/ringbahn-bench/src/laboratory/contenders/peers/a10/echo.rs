//! Messages that are sent back: a task for each connection, which has a buffer, or takes a stream
//! of buffers that the kernel chooses.

use std::net::{SocketAddr, TcpListener};

use a10::io::ReadBufPool;
use a10::{AsyncFd, Extract as _};
use rustix::io::Errno;

use super::super::give_way::give_way;
use super::super::library::Library as _;
use super::super::server;
use super::multishot::{next_connection, next_message};
use super::{A10, Rings as _};
use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

pub(super) fn echo(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    A10::<false>::run(async |library| {
        let listener = AsyncFd::new(listener.into(), library.queue());
        loop {
            let (socket, _) = listener.accept::<SocketAddr>().await?;
            library.detach(serve(socket, case.buffer()));
        }
    })
}

async fn serve(socket: AsyncFd, length: usize) -> Result<(), Failure> {
    let mut buffer = Vec::with_capacity(length);
    loop {
        let message = socket.recv(buffer).await?;
        if message.is_empty() {
            return Ok(());
        }
        buffer = socket.send_all(message).extract().await?;
        buffer.clear();
    }
}

pub(super) fn echo_multishot(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    A10::<true>::run(async |library| {
        let (number, length) = (case.buffers(), case.buffer() as u32);
        let pool = ReadBufPool::new(library.queue(), number, length)?;
        let listener = AsyncFd::new(listener.into(), library.queue());
        loop {
            // The kernel ends a stream at times, and then there is to be another one.
            let mut incoming = listener.multishot_accept();
            while let Some(socket) = next_connection(&mut incoming).await {
                library.detach(serve_multishot(socket?, pool.clone()));
            }
        }
    })
}

async fn serve_multishot(socket: AsyncFd, pool: ReadBufPool) -> Result<(), Failure> {
    loop {
        let mut messages = socket.multishot_recv(pool.clone());
        while let Some(message) = next_message(&mut messages).await {
            match message {
                Ok(message) if message.is_empty() => return Ok(()),
                Ok(message) => socket.send_all(message).await?,
                // All buffers are in use: others give theirs back.
                Err(error) if error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => {
                    give_way().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
