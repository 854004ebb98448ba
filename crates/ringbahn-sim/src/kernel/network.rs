//! Sockets: made, named, connected, accepted and shut down.

use std::collections::VecDeque;
use std::os::fd::{IntoRawFd, OwnedFd};

use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::kernel::address::Address;
use crate::kernel::file::{OpenFile, Socket, State};
use crate::kernel::request::Request;
use crate::kernel::schedule::Step;
use crate::kernel::stream::Stream;
use crate::slab::Key;

/// The first of the ports that sockets get which do not ask for one.
const PORT_FIRST: u16 = 49_152;

impl Socket {
    /// The other end of a connection or pair.
    pub(super) fn peer(&self) -> Option<Key> {
        match &self.state {
            State::Connected { peer, .. } | State::Datagrams { peer, .. } => *peer,
            State::Idle | State::Listening { .. } => None,
        }
    }

    pub(super) fn inbox(&self) -> Option<&Stream> {
        match &self.state {
            State::Connected { inbox, .. } => Some(inbox),
            _ => None,
        }
    }

    /// The other end is gone.
    pub(super) fn lose_peer(&mut self, is_reset: bool) {
        match &mut self.state {
            State::Connected { peer, inbox, .. } => {
                *peer = None;
                inbox.ended = true;
            }
            State::Datagrams { peer, .. } => *peer = None,
            State::Idle | State::Listening { .. } => {}
        }
        if is_reset {
            self.error = Some(libc::ECONNRESET);
        }
    }

    /// One of libc's `SOCK_*`.
    fn kind(&self) -> i32 {
        match self.state {
            State::Datagrams { .. } => libc::SOCK_DGRAM,
            State::Idle | State::Listening { .. } | State::Connected { .. } => libc::SOCK_STREAM,
        }
    }

    pub(super) fn local_or_unnamed(&self) -> Address {
        self.local.clone().unwrap_or_else(|| Address::unnamed(self.domain))
    }
}

impl Kernel {
    pub(super) fn make_socket(&mut self, request: &Request) -> Step {
        let (domain, kind) = (request.entry().get_fd(), request.entry().get_offset() as i32);
        match new_socket(domain, kind) {
            Ok(file) => self.opened(file),
            Err(errno) => Step::failed(errno),
        }
    }

    pub(super) fn socket(&self, key: Key) -> Result<&Socket, i32> {
        self.files.get(key).and_then(OpenFile::as_socket).ok_or(libc::ENOTSOCK)
    }

    pub(super) fn socket_mut(&mut self, key: Key) -> Result<&mut Socket, i32> {
        self.files.get_mut(key).and_then(OpenFile::as_socket_mut).ok_or(libc::ENOTSOCK)
    }

    /// The connected stream sockets, or sockets for datagrams, of a pair.
    pub(crate) fn socket_pair(&mut self, is_stream: bool) -> Result<(OwnedFd, OwnedFd), i32> {
        let state = |capacity| match is_stream {
            true => connected(None, Address::unnamed(libc::AF_UNIX), capacity),
            false => datagrams(),
        };
        let [a, b] = [(); 2].map(|()| {
            let state = state(self.stream_capacity);
            self.files.insert(OpenFile::socket(libc::AF_UNIX, state))
        });
        for (this, other) in [(a, b), (b, a)] {
            if let State::Connected { peer, .. } | State::Datagrams { peer, .. } =
                &mut self.socket_mut(this)?.state
            {
                *peer = Some(other);
            }
        }
        self.hand_out_both(a, b)
    }

    /// Gives a socket a name, by which others find it.
    pub(crate) fn bind(&mut self, key: Key, address: Address) -> Result<(), i32> {
        let socket = self.socket(key)?;
        if socket.local.is_some() || address.domain() != socket.domain {
            return Err(libc::EINVAL);
        }
        let kind = socket.kind();
        let address = match address.port() {
            Some(0) => self.with_free_port(kind, &address)?,
            _ => address,
        };
        let named = (kind, address.clone());
        if address != Address::unnamed(libc::AF_UNIX) {
            if self.names.contains_key(&named) {
                return Err(libc::EADDRINUSE);
            }
            self.names.insert(named, key);
        }
        self.socket_mut(key)?.local = Some(address);
        Ok(())
    }

    fn with_free_port(&mut self, kind: i32, address: &Address) -> Result<Address, i32> {
        for _ in PORT_FIRST..=u16::MAX {
            let candidate = address.with_port(self.next_port);
            self.next_port = self.next_port.checked_add(1).unwrap_or(PORT_FIRST);
            if !self.names.contains_key(&(kind, candidate.clone())) {
                return Ok(candidate);
            }
        }
        Err(libc::EADDRINUSE)
    }

    /// Gives an internet socket a name where it has none.
    pub(super) fn bind_by_itself(&mut self, key: Key, remote: &Address) -> Result<(), i32> {
        let socket = self.socket(key)?;
        if socket.local.is_some() || socket.domain == libc::AF_UNIX {
            return Ok(());
        }
        // From the address that it sends to: there is no other machine.
        self.bind(key, remote.with_port(0))
    }

    pub(crate) fn listen(&mut self, key: Key, limit: u32) -> Result<(), i32> {
        let socket = self.socket(key)?;
        if socket.local.is_none() {
            let address = Address::unnamed(socket.domain);
            self.bind(key, address)?;
        }
        let socket = self.socket_mut(key)?;
        match socket.state {
            State::Idle => {
                let limit = limit.max(1) as usize;
                socket.state = State::Listening { backlog: VecDeque::new(), limit };
                Ok(())
            }
            _ => Err(libc::EINVAL),
        }
    }

    /// The socket that is to be found at `address`.
    pub(super) fn find(&self, kind: i32, address: &Address) -> Option<Key> {
        let exact = self.names.get(&(kind, address.clone()));
        exact.or_else(|| self.names.get(&(kind, address.wildcard()))).copied()
    }

    pub(super) fn connect(&mut self, request: &Request, key: Key) -> Step {
        self.try_connect(request, key).unwrap_or_else(Step::failed)
    }

    fn try_connect(&mut self, request: &Request, key: Key) -> Result<Step, i32> {
        let address = request.address()?.ok_or(libc::EINVAL)?;
        let socket = self.socket(key)?;
        if address.domain() != socket.domain {
            return Err(libc::EAFNOSUPPORT);
        }
        match socket.state {
            State::Idle => {}
            State::Connected { .. } => return Err(libc::EISCONN),
            State::Listening { .. } => return Err(libc::EINVAL),
            State::Datagrams { .. } => {
                self.bind_by_itself(key, &address)?;
                if let State::Datagrams { remote, .. } = &mut self.socket_mut(key)?.state {
                    *remote = Some(address);
                }
                return Ok(Step::Done(0));
            }
        }
        let absent = match address {
            Address::Inet(_) => libc::ECONNREFUSED,
            Address::Unix(_) => libc::ENOENT,
        };
        let listener = self.find(libc::SOCK_STREAM, &address).ok_or(absent)?;
        match &self.socket(listener)?.state {
            State::Listening { backlog, limit } if backlog.len() < *limit => {}
            State::Listening { .. } => return Ok(Step::Wait(listener)),
            _ => return Err(libc::ECONNREFUSED),
        }
        if self.fails(Fault::Reset) {
            return Err(libc::ECONNREFUSED);
        }
        self.bind_by_itself(key, &address)?;
        let (domain, capacity) = (self.socket(key)?.domain, self.stream_capacity);
        let client = self.socket(key)?.local_or_unnamed();
        let mut server = OpenFile::socket(domain, connected(Some(key), client, capacity));
        if let Some(socket) = server.as_socket_mut() {
            socket.local = Some(address.clone());
        }
        let server = self.files.insert(server);
        if let State::Listening { backlog, .. } = &mut self.socket_mut(listener)?.state {
            backlog.push_back(server);
        }
        self.socket_mut(key)?.state = connected(Some(server), address, capacity);
        self.wake(listener);
        self.wake(key);
        Ok(Step::Done(0))
    }

    pub(super) fn accept(&mut self, request: &mut Request, key: Key) -> Step {
        match self.socket_mut(key).map(|socket| &mut socket.state) {
            Ok(State::Listening { backlog, .. }) if backlog.is_empty() => return Step::Wait(key),
            Ok(State::Listening { .. }) => {}
            Ok(_) => return Step::failed(libc::EINVAL),
            Err(errno) => return Step::failed(errno),
        }
        if self.fails(Fault::DescriptorsExhausted) {
            return Step::failed(libc::EMFILE);
        }
        let first = match self.socket_mut(key).map(|socket| &mut socket.state) {
            Ok(State::Listening { backlog, .. }) => backlog.pop_front(),
            _ => None,
        };
        let Some(connection) = first else { return Step::Wait(key) };
        let opened = self.hand_out(connection);
        let peer = match self.socket(connection).map(|socket| &socket.state) {
            Ok(State::Connected { remote, .. }) => remote.clone(),
            _ => Address::unnamed(libc::AF_UNIX),
        };
        match opened {
            Ok(descriptor) => {
                request.answer_peer(&peer);
                // Those that wait for room in the backlog.
                self.wake(key);
                Step::Done(descriptor.into_raw_fd())
            }
            Err(errno) => {
                if let Ok(State::Listening { backlog, .. }) =
                    self.socket_mut(key).map(|socket| &mut socket.state)
                {
                    backlog.push_front(connection);
                }
                Step::failed(errno)
            }
        }
    }

    pub(super) fn shut_down(&mut self, key: Key, how: i32) -> Step {
        let (read, write) = match how {
            libc::SHUT_RD => (true, false),
            libc::SHUT_WR => (false, true),
            libc::SHUT_RDWR => (true, true),
            _ => return Step::failed(libc::EINVAL),
        };
        let peer = match self.socket_mut(key) {
            Err(errno) => return Step::failed(errno),
            Ok(Socket { state: State::Idle, .. }) => return Step::failed(libc::ENOTCONN),
            Ok(socket) => {
                socket.read_shut |= read;
                socket.write_shut |= write;
                if write { socket.peer() } else { None }
            }
        };
        if let Some(peer) = peer
            && let Ok(Socket { state: State::Connected { inbox, .. }, .. }) = self.socket_mut(peer)
        {
            inbox.ended = true;
            self.wake(peer);
        }
        self.wake(key);
        Step::Done(0)
    }

    /// The network resets a connection: both ends learn of it.
    pub(super) fn reset(&mut self, key: Key) {
        let peer = self.socket(key).ok().and_then(Socket::peer);
        if let Ok(socket) = self.socket_mut(key) {
            socket.lose_peer(false);
        }
        if let Some(peer) = peer {
            self.lose_peer(peer, true);
        }
        self.wake(key);
    }

    /// The address of a socket.
    pub(crate) fn local_address(&self, key: Key) -> Result<Address, i32> {
        self.socket(key).map(Socket::local_or_unnamed)
    }
}

fn new_socket(domain: i32, kind: i32) -> Result<OpenFile, i32> {
    if !matches!(domain, libc::AF_INET | libc::AF_INET6 | libc::AF_UNIX) {
        return Err(libc::EAFNOSUPPORT);
    }
    match kind & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) {
        libc::SOCK_STREAM => Ok(OpenFile::socket(domain, State::Idle)),
        libc::SOCK_DGRAM => Ok(OpenFile::socket(domain, datagrams())),
        _ => Err(libc::ESOCKTNOSUPPORT),
    }
}

fn connected(peer: Option<Key>, remote: Address, capacity: usize) -> State {
    State::Connected { peer, remote, inbox: Stream::new(capacity) }
}

fn datagrams() -> State {
    State::Datagrams { inbox: VecDeque::new(), remote: None, peer: None }
}
