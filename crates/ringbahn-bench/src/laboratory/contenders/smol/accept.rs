//! Connections that carry one byte there and back, by a task for each.

use std::io;
use std::net::{TcpListener, TcpStream};

use smol::Async;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;

pub(super) fn accept(_: &Accept, listener: TcpListener) -> Result<(), Failure> {
    super::serve(listener, serve)
}

async fn serve(mut connection: Async<TcpStream>) -> io::Result<()> {
    let mut byte = [0];
    connection.read_exact(&mut byte).await?;
    connection.write_all(&byte).await
}
