//! Connections that carry one byte there and back. The server then closes them, and so the ports
//! are free again at once on this side.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use super::connection::Readiness;
use super::{Phases, Seen, address};
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;
use crate::laboratory::measured::Measured;
use crate::laboratory::server::Server;

pub(super) fn run(case: &Accept, server: &mut Server, phases: Phases) -> Result<Measured, Failure> {
    let mut clients = Clients {
        address: address(server),
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
    is_sent: bool,
    is_answered: bool,
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
                if let Some(began) = self.step(number)? {
                    seen.operation(began);
                    self.connect(number)?;
                }
            }
        }
        Ok(())
    }

    /// Begins a connection, in place of the one of this number, which has ended.
    fn connect(&mut self, number: usize) -> Result<(), Failure> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let began = Instant::now();
        match socket.connect(&self.address.into()) {
            Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => {
                return Err(error.into());
            }
            _ => {}
        }
        let socket = TcpStream::from(socket);
        self.readiness.add(&socket, number, true)?;
        // The one before is closed by this, and with it forgotten by epoll.
        self.clients[number] = Some(Client { socket, began, is_sent: false, is_answered: false });
        Ok(())
    }

    /// Does what can be done with a connection; yields when it began once it has ended.
    fn step(&mut self, number: usize) -> Result<Option<Instant>, Failure> {
        let Some(client) = &mut self.clients[number] else { return Ok(None) };
        if !client.is_sent {
            client.socket.write_all(&[1])?;
            client.is_sent = true;
            self.readiness.change(&client.socket, number, false)?;
        }
        let mut byte = [0; 2];
        loop {
            match client.socket.read(&mut byte) {
                Ok(0) if client.is_answered => return Ok(Some(client.began)),
                Ok(0) => return Err("the server has closed a connection unanswered".into()),
                Ok(_) => client.is_answered = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
