//! Connections that carry one byte there and back.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;

use rustix::net::sockopt::set_tcp_nodelay;

use super::connections::{Connections, LISTENER};
use super::set::Set;
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;

pub(super) fn accept(_: &Accept, listener: TcpListener) -> Result<(), Failure> {
    // Connections inherit it.
    set_tcp_nodelay(&listener, true)?;
    listener.set_nonblocking(true)?;
    let mut set = Set::new()?;
    set.add(&listener, LISTENER)?;
    let mut connections = Connections::default();
    let mut byte = [0];
    loop {
        for event in 0..set.wait(None)? {
            let number = set.number(event);
            if number == LISTENER {
                connections.accept(&listener, &set)?;
                continue;
            }
            let Some(connection) = connections.get(number) else { continue };
            match connection.socket.read(&mut byte) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                // One byte always has room.
                Ok(1) => drop(connection.socket.write(&byte)),
                // Whoever was there has gone.
                _ => {}
            }
            connections.close(number);
        }
    }
}
