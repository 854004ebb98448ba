//! [`connect`] and [`Readiness`]: sockets of clients, and which of them something can be done with.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;

use rustix::event::{Timespec, epoll};

use super::PATIENCE;
use crate::laboratory::contender::Failure;

/// How many are told at once.
const EVENTS: usize = 1024;

/// A connection that does not wait when it is read from or written to.
///
/// # Errors
///
/// Those of connecting.
pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Sockets, and which of them something can be done with.
pub(super) struct Readiness {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Readiness {
    pub(super) fn new() -> io::Result<Readiness> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Readiness { epoll, events: Vec::with_capacity(EVENTS) })
    }

    /// Whether `socket` can be read from is told from now on, by its number.
    pub(super) fn add(&self, socket: &TcpStream, number: usize) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, data(number), flags(false))?)
    }

    /// That the other side has closed `socket` is told once it has, by its number.
    pub(super) fn add_for_its_end(&self, socket: &TcpStream, number: usize) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, data(number), epoll::EventFlags::RDHUP)?)
    }

    /// Changes whether it is told that `socket` can be written to.
    pub(super) fn change(&self, socket: &TcpStream, number: usize, write: bool) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, socket, data(number), flags(write))?)
    }

    /// Waits until there is one, and yields the numbers of all there are.
    pub(super) fn wait(&mut self) -> Result<Vec<usize>, Failure> {
        self.events.clear();
        let patience = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        let spare = rustix::buffer::spare_capacity(&mut self.events);
        epoll::wait(&self.epoll, spare, Some(&patience))?;
        if self.events.is_empty() {
            return Err("the server does not answer".into());
        }
        Ok(self.events.iter().map(|event| event.data.u64() as usize).collect())
    }
}

fn data(number: usize) -> epoll::EventData {
    epoll::EventData::new_u64(number as u64)
}

fn flags(write: bool) -> epoll::EventFlags {
    let write = if write { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
    epoll::EventFlags::IN | write
}
