//! [`OpenFile`]: what a descriptor stands for, and who waits for it.

use std::collections::VecDeque;

use crate::kernel::address::Address;
use crate::kernel::control::Control;
use crate::kernel::disk::Number;
use crate::kernel::requests::Requests;
use crate::kernel::stream::Stream;
use crate::slab::Key;

/// When the requests that wait for a file are looked through for those that do not any more.
const WAITING_MANY: usize = 64;

/// What a descriptor stands for. All duplicates of a descriptor share it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) kind: Kind,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// How many requests work on it: it stays as long as there is one.
    pub(crate) running: u32,
    /// Whether the last descriptor is gone.
    pub(crate) closed: bool,
    /// Requests that are to be looked at when something changes.
    waiting: VecDeque<Key>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Regular {
        node: Number,
        position: u64,
        append: bool,
    },
    Directory {
        node: Number,
    },
    /// The end of a pipe that is read from, which has the bytes.
    PipeReader {
        inbox: Stream,
        writer: Option<Key>,
    },
    PipeWriter {
        reader: Option<Key>,
    },
    Socket(Box<Socket>),
}

#[derive(Debug)]
pub(crate) struct Socket {
    /// One of libc's `AF_*`.
    pub(crate) domain: i32,
    pub(crate) local: Option<Address>,
    pub(crate) state: State,
    /// What the next operation fails with.
    pub(crate) error: Option<i32>,
    /// Whether nothing more is to be received, or sent.
    pub(crate) read_shut: bool,
    pub(crate) write_shut: bool,
}

#[derive(Debug)]
pub(crate) enum State {
    /// A stream that is not connected.
    Idle,
    Listening {
        backlog: VecDeque<Key>,
        limit: usize,
    },
    Connected {
        peer: Option<Key>,
        remote: Address,
        inbox: Stream,
    },
    /// A socket for datagrams. The peer is that of a pair.
    Datagrams {
        inbox: VecDeque<Datagram>,
        remote: Option<Address>,
        peer: Option<Key>,
    },
}

#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) from: Address,
    pub(crate) bytes: Vec<u8>,
    pub(crate) control: Control,
}

impl OpenFile {
    pub(crate) fn new(kind: Kind, readable: bool, writable: bool) -> OpenFile {
        OpenFile { kind, readable, writable, running: 0, closed: false, waiting: VecDeque::new() }
    }

    pub(crate) fn socket(domain: i32, state: State) -> OpenFile {
        let (local, error) = (None, None);
        let socket = Socket { domain, local, state, error, read_shut: false, write_shut: false };
        OpenFile::new(Kind::Socket(Box::new(socket)), true, true)
    }

    pub(crate) fn as_socket(&self) -> Option<&Socket> {
        match &self.kind {
            Kind::Socket(socket) => Some(socket),
            _ => None,
        }
    }

    pub(crate) fn as_socket_mut(&mut self) -> Option<&mut Socket> {
        match &mut self.kind {
            Kind::Socket(socket) => Some(socket),
            _ => None,
        }
    }

    /// Adds a request to be looked at when something changes. `requests` are all that are running.
    pub(super) fn add_waiting(&mut self, request: Key, requests: &Requests) {
        if self.waiting.len() >= WAITING_MANY && self.waiting.len().is_power_of_two() {
            self.waiting.retain(|&key| requests.get(key).is_some());
        }
        self.waiting.push_back(request);
    }

    pub(crate) fn take_waiting(&mut self) -> VecDeque<Key> {
        std::mem::take(&mut self.waiting)
    }

    /// What it is ready for: libc's `POLL*`. `peer_room` says whether the other end has room.
    pub(crate) fn readiness(&self, peer_room: bool) -> i16 {
        let when = |condition: bool, flags: i16| if condition { flags } else { 0 };
        match &self.kind {
            Kind::Regular { .. } | Kind::Directory { .. } => libc::POLLIN | libc::POLLOUT,
            Kind::PipeReader { inbox, writer } => {
                when(!inbox.is_empty(), libc::POLLIN) | when(writer.is_none(), libc::POLLHUP)
            }
            Kind::PipeWriter { reader } => {
                when(reader.is_none(), libc::POLLERR | libc::POLLOUT)
                    | when(peer_room, libc::POLLOUT)
            }
            Kind::Socket(socket) => socket.readiness(peer_room),
        }
    }
}

impl Socket {
    fn readiness(&self, peer_room: bool) -> i16 {
        let when = |condition: bool, flags: i16| if condition { flags } else { 0 };
        let failed = when(self.error.is_some(), libc::POLLERR | libc::POLLIN | libc::POLLOUT);
        failed
            | match &self.state {
                State::Idle => libc::POLLOUT | libc::POLLHUP,
                State::Listening { backlog, .. } => when(!backlog.is_empty(), libc::POLLIN),
                State::Connected { inbox, .. } => {
                    let ended = inbox.ended || self.read_shut;
                    when(!inbox.is_empty() || ended, libc::POLLIN)
                        | when(ended, libc::POLLRDHUP)
                        | when(
                            ended && (self.write_shut || inbox.ended && !peer_room),
                            libc::POLLHUP,
                        )
                        | when(peer_room || inbox.ended, libc::POLLOUT)
                }
                State::Datagrams { inbox, .. } => {
                    when(!inbox.is_empty() || self.read_shut, libc::POLLIN) | libc::POLLOUT
                }
            }
    }
}
