//! Connections with a thread each, and connections that are closed again, one after the other.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use rustix::net::sockopt::set_tcp_nodelay;

use crate::laboratory::case::{Accept, Echo};
use crate::laboratory::contender::Failure;

/// How much stack a thread needs, generously, in bytes.
const STACK: usize = 64 << 10;

pub(super) fn echo(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    // Connections inherit it.
    set_tcp_nodelay(&listener, true)?;
    let length = case.buffer();
    loop {
        let (socket, _) = listener.accept()?;
        // Whoever was there may go at any time, and with him the thread.
        let serve = move || drop(serve(socket, length));
        thread::Builder::new().stack_size(STACK).spawn(serve)?;
    }
}

fn serve(mut socket: TcpStream, length: usize) -> io::Result<()> {
    let mut buffer = vec![0; length];
    loop {
        match socket.read(&mut buffer)? {
            0 => return Ok(()),
            length => socket.write_all(&buffer[..length])?,
        }
    }
}

pub(super) fn accept(_: &Accept, listener: TcpListener) -> Result<(), Failure> {
    set_tcp_nodelay(&listener, true)?;
    loop {
        let (mut socket, _) = listener.accept()?;
        let mut byte = [0];
        // Whoever was there may have gone.
        let answered = socket.read_exact(&mut byte).and_then(|()| socket.write_all(&byte));
        drop(answered);
    }
}
