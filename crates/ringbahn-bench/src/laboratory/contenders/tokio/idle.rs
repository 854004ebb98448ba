//! Connections that wait: each for its readiness, with no buffer of its own.

use std::io;
use std::net::TcpListener;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::Tokio;
use crate::laboratory::case::Idle;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::serving::{self, Pass};

pub(super) fn idle<R: Tokio>(_: &Idle, listener: TcpListener) -> Result<(), Failure> {
    listener.set_nonblocking(true)?;
    R::new()?.serve(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (connection, _) = listener.accept().await?;
            tokio::spawn(serve(connection));
        }
    })
}

/// Sends back what comes.
async fn serve(mut connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    loop {
        connection.readable().await?;
        let read = |buffer: &mut [u8]| connection.try_read(buffer);
        match serving::pass(read, |bytes| connection.try_write(bytes))? {
            Pass::Nothing | Pass::Whole => {}
            Pass::Part(left) => connection.write_all(&left).await?,
            Pass::Closed => return Ok(()),
        }
    }
}
