//! Connections that carry one byte there and back: one multishot accept, and for each connection a
//! chain of three entries, which tells nothing unless it fails.
//!
//! # Safety
//!
//! RAC1. The memory is never freed, and nobody reads it; the byte of a place is used by the
//!       connection in that place only.
#![allow(unsafe_code)]

use std::net::TcpListener;
use std::os::fd::AsRawFd as _;

use io_uring::squeue::Flags;
use io_uring::types::{Fd, Fixed};
use io_uring::{cqueue, opcode};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::net::sockopt::set_tcp_nodelay;

use super::ring::{Ring, is, result};
use crate::laboratory::case::Accept;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::memory;

/// The marks of entries in their `user_data`. Below is a connection.
const CONNECTION: u64 = 1 << 63;
const CLOSE: u64 = 1 << 62;

/// A receive of nothing breaks the chain.
const WHOLE: i32 = RecvFlags::WAITALL.bits().cast_signed();

struct Server {
    ring: Ring,
    listener: TcpListener,
    /// A byte for each place.
    bytes: &'static mut [u8],
}

pub(super) fn accept(case: &Accept, listener: TcpListener) -> Result<(), Failure> {
    // Connections inherit it.
    set_tcp_nodelay(&listener, true)?;
    let ring = Ring::new(1024, 4096)?;
    // Another one may come in the place of one whose end the server has not seen yet.
    let places = 2 * case.connections + 64;
    ring.register_places(places)?;
    let mut server = Server { ring, listener, bytes: memory::pages(places as usize) };
    server.accept()?;
    let mut completions = Vec::with_capacity(4096);
    loop {
        server.ring.submit_and_wait(1)?;
        server.ring.take(&mut completions);
        for cqe in completions.drain(..) {
            server.handle(&cqe)?;
        }
    }
}

impl Server {
    fn accept(&mut self) -> Result<(), Failure> {
        let accept = opcode::AcceptMulti::new(Fd(self.listener.as_raw_fd()));
        let accept = accept.allocate_file_index(true).build();
        // SAFETY: RAC1: it names no memory.
        Ok(unsafe { self.ring.push(&[accept.user_data(0)]) }?)
    }

    fn handle(&mut self, cqe: &cqueue::Entry) -> Result<(), Failure> {
        if cqe.user_data() & CLOSE != 0 {
            // Only those that fail are told.
            return Err(result(cqe).map_or_else(Into::into, |_| "it was closed twice".into()));
        }
        if cqe.user_data() & CONNECTION != 0 {
            // Whoever was there has gone, and the chain has not come to its end.
            return self.close(cqe.user_data() as u32);
        }
        match result(cqe) {
            Ok(connection) => self.serve(connection)?,
            // Somebody has gone before it was his turn.
            Err(_) if is(cqe, Errno::CONNABORTED) => {}
            Err(error) => return Err(error.into()),
        }
        if cqueue::more(cqe.flags()) { Ok(()) } else { self.accept() }
    }

    fn serve(&mut self, connection: u32) -> Result<(), Failure> {
        let file = Fixed(connection);
        let byte = &raw mut self.bytes[connection as usize];
        let linked = Flags::IO_LINK | Flags::SKIP_SUCCESS;
        let data = CONNECTION | u64::from(connection);
        let receive = opcode::Recv::new(file, byte, 1).flags(WHOLE).build();
        let send = opcode::Send::new(file, byte, 1).build();
        let close = opcode::Close::new(file).build().flags(Flags::SKIP_SUCCESS);
        let entries = [
            receive.flags(linked).user_data(data),
            send.flags(linked).user_data(data),
            close.user_data(CLOSE | data),
        ];
        // SAFETY: RAC1.
        Ok(unsafe { self.ring.push(&entries) }?)
    }

    fn close(&mut self, connection: u32) -> Result<(), Failure> {
        let close = opcode::Close::new(Fixed(connection)).build().flags(Flags::SKIP_SUCCESS);
        // SAFETY: RAC1: it names no memory.
        Ok(unsafe { self.ring.push(&[close.user_data(CLOSE | u64::from(connection))]) }?)
    }
}
