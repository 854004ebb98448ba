//! Connections that wait, without a buffer: the kernel chooses one when there is something to
//! receive.

use std::io;
use std::net;

use compio::io::{AsyncReadManaged as _, AsyncWriteExt as _};
use compio::net::{TcpListener, TcpStream};

use super::super::server;
use super::Runtime;
use crate::laboratory::case::Idle;
use crate::laboratory::contender::Failure;

pub(super) fn idle<C: Runtime>(_: &Idle, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    C::run_with_buffers(Some(server::IDLE_BUFFER_GROUP), async |_| {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            compio::runtime::spawn(serve(socket)).detach();
        }
    })
}

async fn serve(mut socket: TcpStream) -> io::Result<()> {
    while let Some(message) = socket.read_managed(0).await? {
        socket.write_all(message).await.0?;
    }
    Ok(())
}
