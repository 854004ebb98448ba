//! Messages and their answers upon connections that stay: each answer is followed by a message.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::connection::{Readiness, connect};
use super::{Phases, Seen};
use crate::laboratory::case::Echo;
use crate::laboratory::contender::Failure;
use crate::laboratory::measured::Measured;
use crate::laboratory::server::Server;

/// How much is read at a time, in bytes.
const READ: usize = 256 << 10;
/// What an echoed message consists of.
const FILL: u8 = 0x5a;

/// Messages, and how long an answer is.
pub(super) struct Exchange {
    pub(super) message: Vec<u8>,
    pub(super) answer_length: usize,
    /// What each byte of an answer must be; `None` if that is not looked at.
    pub(super) fill: Option<u8>,
    pub(super) connections: u32,
    /// How many messages of a connection are on their way.
    pub(super) pipeline: u32,
}

/// The load of an echo server.
pub(super) fn echo(case: &Echo, server: &mut Server, phases: Phases) -> Result<Measured, Failure> {
    let length = usize::try_from(case.length)?;
    let exchange = Exchange {
        message: vec![FILL; length],
        answer_length: length,
        fill: Some(FILL),
        connections: case.connections,
        pipeline: case.pipeline,
    };
    exchange.run(server, phases)
}

impl Exchange {
    pub(super) fn run(self, server: &mut Server, phases: Phases) -> Result<Measured, Failure> {
        let mut clients = Clients::connect(server.address(), self)?;
        phases.run(server, |duration, seen| clients.go(duration, seen))
    }
}

struct Clients {
    exchange: Exchange,
    /// As many messages as are on their way at a time, one behind the other.
    messages: Vec<u8>,
    clients: Vec<Client>,
    readiness: Readiness,
    buffer: Vec<u8>,
}

struct Client {
    socket: TcpStream,
    /// When the messages were sent whose answers have not come, the oldest first.
    sent: VecDeque<Instant>,
    /// How much of the next answer has come, in bytes.
    received: usize,
    /// How many bytes are to be written as soon as the socket takes them.
    unwritten: usize,
    /// Whether the socket had no room for what is unwritten.
    is_full: bool,
}

impl Clients {
    fn connect(address: SocketAddr, exchange: Exchange) -> Result<Clients, Failure> {
        let readiness = Readiness::new()?;
        let mut clients = Vec::new();
        for number in 0..exchange.connections as usize {
            let socket = connect(address)?;
            readiness.add(&socket, number)?;
            let sent = VecDeque::with_capacity(exchange.pipeline as usize);
            clients.push(Client { socket, sent, received: 0, unwritten: 0, is_full: false });
        }
        let messages = exchange.message.repeat(exchange.pipeline as usize);
        Ok(Clients { exchange, messages, clients, readiness, buffer: vec![0; READ] })
    }

    /// Answers are waited for, and followed by messages, for as long as `duration`. Those that are
    /// on their way then are dealt with the next time.
    fn go(&mut self, duration: Duration, seen: &mut Seen) -> Result<(), Failure> {
        let end = Instant::now() + duration;
        for number in 0..self.clients.len() {
            let missing = self.exchange.pipeline as usize - self.clients[number].sent.len();
            self.send(number, missing)?;
        }
        while Instant::now() < end {
            for number in self.readiness.wait()? {
                self.send(number, 0)?;
                self.receive(number, seen)?;
            }
        }
        Ok(())
    }

    fn receive(&mut self, number: usize, seen: &mut Seen) -> Result<(), Failure> {
        let client = &mut self.clients[number];
        let length = match client.socket.read(&mut self.buffer) {
            Ok(0) => return Err("the server has closed a connection".into()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let is_right = |fill| self.buffer[..length].iter().all(|&byte| byte == fill);
        if !self.exchange.fill.is_none_or(is_right) {
            return Err("the echo is another one".into());
        }
        client.received += length;
        let answers = client.received / self.exchange.answer_length;
        client.received %= self.exchange.answer_length;
        for _ in 0..answers {
            let start = client.sent.pop_front().ok_or("there are more answers than messages")?;
            seen.operation(start);
        }
        self.send(number, answers)
    }

    /// Sends so many more messages, as far as the socket takes them.
    fn send(&mut self, number: usize, messages: usize) -> Result<(), Failure> {
        let client = &mut self.clients[number];
        client.sent.extend((0..messages).map(|_| Instant::now()));
        let length = self.exchange.message.len();
        client.unwritten += messages * length;
        while client.unwritten > 0 {
            // What is left of a message that has gone out in part, and all that follow it.
            let from = (length - client.unwritten % length) % length;
            let to = (from + client.unwritten).min(self.messages.len());
            match client.socket.write(&self.messages[from..to]) {
                Ok(written) => client.unwritten -= written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let is_full = client.unwritten > 0;
        if is_full != client.is_full {
            client.is_full = is_full;
            self.readiness.change(&client.socket, number, is_full)?;
        }
        Ok(())
    }
}
