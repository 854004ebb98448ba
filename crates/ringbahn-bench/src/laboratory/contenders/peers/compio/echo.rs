//! Messages that are sent back: a task for each connection, which has a buffer, or takes a stream
//! of buffers that the kernel chooses.

use std::io;
use std::net;
use std::pin::pin;

use compio::buf::BufResult;
use compio::io::{AsyncRead as _, AsyncReadMulti as _, AsyncWriteExt as _};
use compio::net::{TcpListener, TcpStream};
use futures::StreamExt as _;
use rustix::io::Errno;

use super::super::library::Library as _;
use super::super::server;
use super::{Compio, Runtime as _};
use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;

pub(super) fn echo(case: &Echo, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    Compio::<false>::run(async |_| {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            compio::runtime::spawn(serve(socket, case.buffer())).detach();
        }
    })
}

async fn serve(mut socket: TcpStream, length: usize) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(length);
    loop {
        let BufResult(received, message) = socket.read(buffer).await;
        if received? == 0 {
            return Ok(());
        }
        let BufResult(sent, message) = socket.write_all(message).await;
        sent?;
        buffer = message;
        buffer.clear();
    }
}

pub(super) fn echo_multishot(case: &Echo, listener: net::TcpListener) -> Result<(), Failure> {
    server::send_at_once(&listener)?;
    Compio::<true>::run_with_buffers(Some((case.buffers(), case.buffer() as u32)), async |_| {
        let listener = TcpListener::from_std(listener)?;
        let mut incoming = listener.incoming();
        while let Some(socket) = incoming.next().await {
            compio::runtime::spawn(serve_multishot(socket?)).detach();
        }
        Ok(())
    })
}

pub(super) async fn serve_multishot(socket: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = socket.into_split();
    let mut messages = pin!(reader.read_multi(0));
    while let Some(message) = messages.next().await {
        match message {
            Ok(message) if message.is_empty() => return Ok(()),
            Ok(message) => writer.write_all(message).await.0?,
            // All buffers are in use: the stream goes on when there are some again.
            Err(error) if error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
