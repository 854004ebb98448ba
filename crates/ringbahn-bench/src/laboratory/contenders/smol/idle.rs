//! Connections that wait: each for its readiness, with no buffer of its own.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use smol::Async;
use smol::io::AsyncWriteExt as _;

use crate::laboratory::case::Idle;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::serving::{self, Pass};

pub(super) fn idle(_: &Idle, listener: TcpListener) -> Result<(), Failure> {
    super::serve(listener, serve)
}

/// Sends back what comes.
async fn serve(mut connection: Async<TcpStream>) -> io::Result<()> {
    loop {
        connection.readable().await?;
        let (mut reader, mut writer) = (connection.get_ref(), connection.get_ref());
        match serving::pass(|buffer| reader.read(buffer), |bytes| writer.write(bytes))? {
            Pass::Nothing | Pass::Whole => {}
            Pass::Part(left) => connection.write_all(&left).await?,
            Pass::Closed => return Ok(()),
        }
    }
}
