//! Connections that carry one byte there and back. The server then closes them, and so the ports
//! are free again at once on this side.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::connection::Readiness;
use super::{Phases, Seen};
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;
use crate::laboratory::measured::Measured;
use crate::laboratory::server::Server;

pub(super) fn run(case: &Accept, server: &mut Server, phases: Phases) -> Result<Measured, Failure> {
    let mut clients = Clients {
        address: server.address(),
        readiness: Readiness::new()?,
        clients: (0..case.connections).map(|_| None).collect(),
    };
    phases.run(server, |duration, seen| clients.go(duration, seen))
}

struct Clients {
    address: SocketAddr,
    readiness: Readiness,
    clients: Vec<Option<Client>>,
}

struct Client {
    socket: TcpStream,
    began: Instant,
}

impl Clients {
    fn go(&mut self, duration: Duration, seen: &mut Seen) -> Result<(), Failure> {
        let end = Instant::now() + duration;
        for number in 0..self.clients.len() {
            if self.clients[number].is_none() {
                self.connect(number)?;
            }
        }
        while Instant::now() < end {
            for number in self.readiness.wait()? {
                let Some(client) = &mut self.clients[number] else { continue };
                seen.operation(client.end()?);
                self.connect(number)?;
            }
        }
        Ok(())
    }

    /// Begins a connection, in place of the one of this number, which has ended.
    ///
    /// As few calls as can be, so that there are more connections than a server can take: whoever
    /// connects to this machine need not wait, and only the end of a connection is waited for.
    fn connect(&mut self, number: usize) -> Result<(), Failure> {
        let began = Instant::now();
        let mut socket = TcpStream::connect(self.address)?;
        socket.write_all(&[1])?;
        self.readiness.add_for_its_end(&socket, number)?;
        // The one before is closed by this, and with it forgotten by epoll.
        self.clients[number] = Some(Client { socket, began });
        Ok(())
    }
}

impl Client {
    /// The server has closed the connection. When it began, if it was answered.
    fn end(&mut self) -> Result<Instant, Failure> {
        match self.socket.read(&mut [0; 2])? {
            1 => Ok(self.began),
            0 => Err("the server has closed a connection unanswered".into()),
            _ => Err("the server has answered more than it was asked".into()),
        }
    }
}
