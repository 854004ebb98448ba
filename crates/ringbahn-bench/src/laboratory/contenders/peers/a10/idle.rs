//! Connections that wait, without a buffer: the kernel chooses one when there is something to
//! receive.

use std::net::{SocketAddr, TcpListener};

use a10::AsyncFd;
use a10::io::ReadBufPool;

use super::super::server;
use super::Rings;
use crate::laboratory::case::Idle;
use crate::laboratory::contender::Failure;

pub(super) fn idle<A: Rings>(_: &Idle, listener: TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    A::run(async |library: A| {
        let (number, length) = server::IDLE_BUFFER_GROUP;
        let pool = ReadBufPool::new(library.queue(), number, length)?;
        let listener = AsyncFd::new(listener.into(), library.queue());
        loop {
            let (socket, _) = listener.accept::<SocketAddr>().await?;
            library.detach(serve(socket, pool.clone()));
        }
    })
}

async fn serve(socket: AsyncFd, pool: ReadBufPool) -> Result<(), Failure> {
    loop {
        let message = socket.recv(pool.get()).await?;
        if message.is_empty() {
            return Ok(());
        }
        socket.send_all(message).await?;
    }
}
