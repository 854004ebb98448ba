//! Messages that are sent back, through one buffer: a connection has memory of its own only while
//! whoever is there does not take what is sent.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpListener;

use rustix::net::sockopt::set_tcp_nodelay;

use super::connections::{Connection, Connections, LISTENER};
use super::set::Set;
use crate::laboratory::case::{Echo, Idle};
use crate::laboratory::contender::Failure;

/// How long the buffer is for connections that wait, in bytes.
const SHORTEST: usize = 1024;

/// What is to become of a connection.
enum Next {
    Stays,
    Waits { to_write: bool },
    Closes,
}

pub(super) fn echo(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    serve(&listener, case.buffer())
}

pub(super) fn idle(_: &Idle, listener: TcpListener) -> Result<(), Failure> {
    serve(&listener, SHORTEST)
}

fn serve(listener: &TcpListener, length: usize) -> Result<(), Failure> {
    // Connections inherit it.
    set_tcp_nodelay(listener, true)?;
    listener.set_nonblocking(true)?;
    let mut set = Set::new()?;
    set.add(listener, LISTENER)?;
    let mut connections = Connections::default();
    let mut buffer = vec![0; length];
    loop {
        for event in 0..set.wait(None)? {
            let number = set.number(event);
            if number == LISTENER {
                connections.accept(listener, &set)?;
                continue;
            }
            let Some(connection) = connections.get(number) else { continue };
            match step(connection, &mut buffer) {
                Ok(Next::Stays) => {}
                Ok(Next::Waits { to_write }) => set.turn(&connection.socket, number, to_write)?,
                // Whoever was there may go at any time.
                Ok(Next::Closes) | Err(_) => connections.close(number),
            }
        }
    }
}

/// Does what can be done with a connection.
fn step(connection: &mut Connection, buffer: &mut [u8]) -> io::Result<Next> {
    let was_full = !connection.unsent.is_empty();
    if was_full {
        let sent = send(connection, None)?;
        connection.unsent.drain(..sent);
        if !connection.unsent.is_empty() {
            return Ok(Next::Stays);
        }
    }
    loop {
        let length = match connection.socket.read(buffer) {
            Ok(0) => return Ok(Next::Closes),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let sent = send(connection, Some(&buffer[..length]))?;
        if sent < length {
            connection.unsent.extend_from_slice(&buffer[sent..length]);
            return Ok(if was_full { Next::Stays } else { Next::Waits { to_write: true } });
        }
        // There was less than there is room for: no need to look again.
        if length < buffer.len() {
            break;
        }
    }
    Ok(if was_full { Next::Waits { to_write: false } } else { Next::Stays })
}

/// Sends these bytes, or what is unsent, as far as the socket takes them. How many it has taken.
fn send(connection: &mut Connection, bytes: Option<&[u8]>) -> io::Result<usize> {
    let bytes = bytes.unwrap_or(&connection.unsent);
    let mut sent = 0;
    while sent < bytes.len() {
        match connection.socket.write(&bytes[sent..]) {
            Ok(length) => sent += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}
