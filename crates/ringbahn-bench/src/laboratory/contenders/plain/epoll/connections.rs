//! [`Connections`]: sockets, by numbers that are used again.

use std::io;
use std::net::{TcpListener, TcpStream};

use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use super::set::Set;

/// The number of the listener.
pub(super) const LISTENER: usize = usize::MAX;

/// Sockets, by numbers that are used again.
#[derive(Default)]
pub(super) struct Connections {
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
}

/// A socket, and what it has not taken yet.
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    pub(super) unsent: Vec<u8>,
}

impl Connections {
    /// Takes in everybody who waits.
    ///
    /// # Errors
    ///
    /// Those of accepting, unless it is because nobody waits any more.
    pub(super) fn accept(&mut self, listener: &TcpListener, set: &Set) -> io::Result<()> {
        loop {
            match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(socket) => {
                    let number = self.free.pop().unwrap_or(self.connections.len());
                    set.add(&socket, number)?;
                    let connection = Connection { socket: socket.into(), unsent: Vec::new() };
                    if number == self.connections.len() {
                        self.connections.push(None);
                    }
                    self.connections[number] = Some(connection);
                }
                Err(Errno::AGAIN) => return Ok(()),
                // Somebody has gone before it was his turn.
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The connection of this number; `None` if it has been closed.
    pub(super) fn get(&mut self, number: usize) -> Option<&mut Connection> {
        self.connections.get_mut(number)?.as_mut()
    }

    /// Closes it, by which it also leaves the set.
    pub(super) fn close(&mut self, number: usize) {
        if self.connections[number].take().is_some() {
            self.free.push(number);
        }
    }
}
