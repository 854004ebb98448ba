//! Messages that are sent back: connections by one multishot accept, straight into the ring's table
//! of files; for each a multishot receive, into buffers that the kernel chooses; and a send of each
//! of these, one at a time for each connection.
//!
//! # Safety
//!
//! RE1. The entries name buffers that are never freed, and are sent from only between their receive
//!      and their being put back.
#![allow(unsafe_code)]

use std::mem;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;

use io_uring::squeue::{Entry, Flags};
use io_uring::types::{Fd, Fixed};
use io_uring::{cqueue, opcode};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::net::sockopt::set_tcp_nodelay;

use super::buffers::Buffers;
use super::connections::{Connections, Message};
use super::ring::{Ring, is, result};
use crate::laboratory::case::{Echo, Idle};
use crate::laboratory::contender::Failure;

/// What an entry is for, in the upper byte of its `user_data`. Below are a buffer and a connection.
const ACCEPT: u8 = 0;
const RECEIVE: u8 = 1;
const SEND: u8 = 2;
const CLOSE: u8 = 3;

/// A send goes on until all is sent. It has the same number in both directions.
const WHOLE: i32 = RecvFlags::WAITALL.bits().cast_signed();

/// How long the buffers are for connections that wait, in bytes.
const SHORTEST: u32 = 1024;

struct Server {
    ring: Ring,
    listener: TcpListener,
    buffers: Buffers,
    connections: Connections,
    /// The connections whose receive has ended since there was no buffer.
    starved: Vec<u32>,
}

pub(super) fn echo(case: &Echo, listener: TcpListener) -> Result<(), Failure> {
    let completions = (4 * case.connections).next_power_of_two().clamp(4096, 1 << 16);
    serve(listener, case.connections, completions, (case.buffers(), case.buffer() as u32))
}

/// Connections that wait have no memory of the program but a line in a table.
pub(super) fn idle(case: &Idle, listener: TcpListener) -> Result<(), Failure> {
    serve(listener, case.connections, 1024, (64, SHORTEST))
}

fn serve(
    listener: TcpListener,
    connections: u32,
    completions: u32,
    buffers: (u16, u32),
) -> Result<(), Failure> {
    // Connections inherit it.
    set_tcp_nodelay(&listener, true)?;
    let ring = Ring::new(1024.min(completions), completions)?;
    // A few more than are to come, for those who only look whether somebody listens.
    ring.register_places(connections + 64)?;
    let buffers = Buffers::new(&ring, buffers.0, buffers.1)?;
    let connections = Connections::new(buffers.number());
    Server { ring, listener, buffers, connections, starved: Vec::new() }.run()
}

impl Server {
    fn run(&mut self) -> Result<(), Failure> {
        self.accept()?;
        let mut completions = Vec::with_capacity(4096);
        loop {
            self.ring.submit_and_wait(1)?;
            self.ring.take(&mut completions);
            for cqe in completions.drain(..) {
                self.handle(&cqe)?;
            }
            self.buffers.publish();
            if !self.starved.is_empty() && self.buffers.is_any_left() {
                for connection in mem::take(&mut self.starved) {
                    self.receive(connection)?;
                }
            }
        }
    }

    fn handle(&mut self, cqe: &cqueue::Entry) -> Result<(), Failure> {
        let data = cqe.user_data();
        let connection = data as u32;
        match (data >> 56) as u8 {
            ACCEPT => self.accepted(cqe),
            RECEIVE => self.received(connection, cqe),
            SEND => self.sent(connection, (data >> 32) as u16, cqe),
            // Only those that fail are told.
            _ => Err(result(cqe).map_or_else(Into::into, |_| "a close has succeeded twice".into())),
        }
    }

    fn accept(&mut self) -> Result<(), Failure> {
        let accept = opcode::AcceptMulti::new(Fd(self.listener.as_raw_fd()));
        self.push(accept.allocate_file_index(true).build(), ACCEPT, 0, 0)
    }

    fn accepted(&mut self, cqe: &cqueue::Entry) -> Result<(), Failure> {
        match result(cqe) {
            Ok(connection) => {
                self.connections.open(connection);
                self.receive(connection)?;
            }
            // Somebody has gone before it was his turn.
            Err(_) if is(cqe, Errno::CONNABORTED) => {}
            Err(error) => return Err(error.into()),
        }
        if cqueue::more(cqe.flags()) { Ok(()) } else { self.accept() }
    }

    fn receive(&mut self, connection: u32) -> Result<(), Failure> {
        let receive = opcode::RecvMulti::new(Fixed(connection), 0).build();
        self.push(receive, RECEIVE, 0, connection)
    }

    fn received(&mut self, connection: u32, cqe: &cqueue::Entry) -> Result<(), Failure> {
        let buffer = cqueue::buffer_select(cqe.flags());
        if buffer.is_some() {
            self.buffers.take();
        }
        match (result(cqe), buffer) {
            (Ok(length @ 1..), Some(buffer)) => {
                if self.connections.is_broken(connection) {
                    self.buffers.put(buffer);
                } else if self.connections.queue(connection, buffer, length) {
                    self.send(connection, buffer)?;
                }
                if cqueue::more(cqe.flags()) { Ok(()) } else { self.receive(connection) }
            }
            (Err(_), None) if is(cqe, Errno::NOBUFS) => {
                self.starved.push(connection);
                Ok(())
            }
            // Its end, or the end of whoever was there.
            (_, buffer) => {
                buffer.into_iter().for_each(|buffer| self.buffers.put(buffer));
                if self.connections.end(connection) { self.close(connection) } else { Ok(()) }
            }
        }
    }

    /// Sends what is left of the message in a buffer.
    fn send(&mut self, connection: u32, buffer: u16) -> Result<(), Failure> {
        let Message { start, length } = self.connections.message(buffer);
        let from = self.buffers.at(buffer).wrapping_add(start as usize);
        let send = opcode::Send::new(Fixed(connection), from, length).flags(WHOLE).build();
        self.push(send, SEND, buffer, connection)
    }

    fn sent(&mut self, connection: u32, buffer: u16, cqe: &cqueue::Entry) -> Result<(), Failure> {
        match result(cqe) {
            Ok(length) if self.connections.advance(buffer, length) => self.send(connection, buffer),
            Ok(_) => {
                self.buffers.put(buffer);
                self.next(connection)
            }
            // Whoever was there has gone, and the receive will end as well.
            Err(_) => {
                self.buffers.put(buffer);
                self.connections.break_off(connection);
                while let Some(unsent) = self.connections.dequeue(connection) {
                    self.buffers.put(unsent);
                }
                if self.connections.is_over(connection) { self.close(connection) } else { Ok(()) }
            }
        }
    }

    /// Sends the next message of a connection, if there is one.
    fn next(&mut self, connection: u32) -> Result<(), Failure> {
        match self.connections.dequeue(connection) {
            Some(buffer) => self.send(connection, buffer),
            None if self.connections.is_over(connection) => self.close(connection),
            None => Ok(()),
        }
    }

    fn close(&mut self, connection: u32) -> Result<(), Failure> {
        let close = opcode::Close::new(Fixed(connection)).build();
        self.push(close.flags(Flags::SKIP_SUCCESS), CLOSE, 0, connection)
    }

    fn push(&mut self, entry: Entry, kind: u8, buffer: u16, of: u32) -> Result<(), Failure> {
        let data = u64::from(kind) << 56 | u64::from(buffer) << 32 | u64::from(of);
        // SAFETY: RE1.
        Ok(unsafe { self.ring.push(&[entry.user_data(data)]) }?)
    }
}
