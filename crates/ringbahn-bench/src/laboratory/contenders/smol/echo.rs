//! Messages that are sent back, by a task for each connection.

use std::io;
use std::net::{TcpListener, TcpStream};

use smol::Async;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

pub(super) fn echo(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    let length = case.buffer();
    super::serve(listener, |connection| serve(connection, length))
}

/// Sends back what comes.
async fn serve(mut connection: Async<TcpStream>, length: usize) -> io::Result<()> {
    let mut buffer = vec![0; length];
    loop {
        let received = connection.read(&mut buffer).await?;
        if received == 0 {
            return Ok(());
        }
        connection.write_all(&buffer[..received]).await?;
    }
}
