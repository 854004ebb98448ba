//! Bytes from and to files, pipes and sockets.

use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::kernel::address::Address;
use crate::kernel::control::Control;
use crate::kernel::file::{Datagram, Kind, OpenFile, Socket, State};
use crate::kernel::request::Request;
use crate::kernel::schedule::Step;
use crate::slab::Key;
use ringbahn_core::opcode;

/// How many datagrams a socket keeps.
const DATAGRAMS_MAX: usize = 64;

impl Kernel {
    pub(super) fn receive(&mut self, request: &mut Request, key: Key) -> Step {
        let Some(file) = self.files.get(key) else { return Step::failed(libc::EBADF) };
        if !file.readable {
            return Step::failed(libc::EBADF);
        }
        let is_call_of_sockets = matches!(request.opcode(), opcode::RECV | opcode::RECVMSG);
        match &file.kind {
            Kind::Socket(socket) => match &socket.state {
                State::Datagrams { .. } => self.receive_datagram(request, key),
                _ => self.receive_stream(request, key),
            },
            _ if is_call_of_sockets => Step::failed(libc::ENOTSOCK),
            Kind::Regular { .. } => self.read_file(request, key),
            Kind::Directory { .. } => Step::failed(libc::EISDIR),
            Kind::PipeReader { .. } => self.receive_stream(request, key),
            Kind::PipeWriter { .. } => Step::failed(libc::EBADF),
        }
    }

    pub(super) fn send(&mut self, request: &mut Request, key: Key) -> Step {
        let Some(file) = self.files.get(key) else { return Step::failed(libc::EBADF) };
        if !file.writable {
            return Step::failed(libc::EBADF);
        }
        let is_call_of_sockets = !matches!(request.opcode(), opcode::WRITE | opcode::WRITEV);
        match &file.kind {
            Kind::Socket(socket) => match &socket.state {
                State::Datagrams { .. } => self.send_datagram(request, key),
                _ => self.send_stream(request, key),
            },
            _ if is_call_of_sockets => Step::failed(libc::ENOTSOCK),
            Kind::Regular { .. } => self.write_file(request, key),
            Kind::PipeWriter { .. } => self.send_stream(request, key),
            Kind::Directory { .. } | Kind::PipeReader { .. } => Step::failed(libc::EBADF),
        }
    }

    /// How many of `most` bytes are moved.
    fn portion(&mut self, most: usize, fault: Fault) -> usize {
        if most > 1 && self.fails(fault) {
            self.random.between(1, most as u64 - 1) as usize
        } else {
            most
        }
    }

    fn read_file(&mut self, request: &mut Request, key: Key) -> Step {
        let Some(OpenFile { kind: Kind::Regular { node, position, .. }, .. }) = self.files.get(key)
        else {
            return Step::failed(libc::EBADF);
        };
        let (node, current) = (*node, request.entry().get_offset() == u64::MAX);
        let at = if current { *position } else { request.entry().get_offset() };
        if at > i64::MAX as u64 {
            return Step::failed(libc::EINVAL);
        }
        if self.fails(Fault::DiskError) {
            return Step::failed(libc::EIO);
        }
        let there = self.disk.length(node).saturating_sub(at).min(request.length() as u64);
        let count = self.portion(there as usize, Fault::ShortRead);
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.disk.read(node, at, count, &mut bytes);
        request.scatter(0, &bytes);
        self.bytes = bytes;
        if current {
            self.move_to(key, at + count as u64);
        }
        Step::Done(count as i32)
    }

    fn write_file(&mut self, request: &mut Request, key: Key) -> Step {
        let Some(OpenFile { kind: Kind::Regular { node, position, append }, .. }) =
            self.files.get(key)
        else {
            return Step::failed(libc::EBADF);
        };
        let (node, current) = (*node, request.entry().get_offset() == u64::MAX);
        let at = match (*append, current) {
            (true, _) => self.disk.length(node),
            (false, true) => *position,
            (false, false) => request.entry().get_offset(),
        };
        let length = request.length();
        if at.saturating_add(length as u64) > i64::MAX as u64 {
            return Step::failed(if at > i64::MAX as u64 { libc::EINVAL } else { libc::EFBIG });
        }
        if self.fails(Fault::DiskError) {
            return Step::failed(libc::EIO);
        }
        if self.fails(Fault::DiskFull) {
            return Step::failed(libc::ENOSPC);
        }
        let count = self.portion(length, Fault::ShortWrite);
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        request.gather(0, count, &mut bytes);
        self.disk.write(node, at, &bytes);
        self.bytes = bytes;
        if current {
            self.move_to(key, at + count as u64);
        }
        Step::Done(count as i32)
    }

    fn move_to(&mut self, key: Key, to: u64) {
        if let Some(OpenFile { kind: Kind::Regular { position, .. }, .. }) = self.files.get_mut(key)
        {
            *position = to;
        }
    }

    /// What the connection has failed with, once.
    fn take_error(&mut self, key: Key) -> Option<i32> {
        if let Ok(Socket { state: State::Connected { .. }, .. }) = self.socket(key)
            && self.fails(Fault::Reset)
        {
            self.reset(key);
            return Some(libc::ECONNRESET);
        }
        self.socket_mut(key).ok().and_then(|socket| socket.error.take())
    }

    fn receive_stream(&mut self, request: &mut Request, key: Key) -> Step {
        if let Some(errno) = self.take_error(key) {
            return Step::failed(errno);
        }
        let wanted = request.length();
        let flags = message_flags(request);
        let Some(file) = self.files.get(key) else { return Step::failed(libc::EBADF) };
        let (inbox, sender, shut) = match &file.kind {
            Kind::PipeReader { inbox, writer } => (inbox, *writer, false),
            Kind::Socket(socket) => match &socket.state {
                State::Connected { inbox, peer, .. } => (inbox, *peer, socket.read_shut),
                _ => return Step::failed(libc::ENOTCONN),
            },
            _ => return Step::failed(libc::EBADF),
        };
        let available = inbox.available(wanted);
        let ended = inbox.ended || shut;
        let is_whole = flags & libc::MSG_WAITALL != 0 && flags & libc::MSG_PEEK == 0;
        let enough = available > 0 && (!is_whole || available == wanted.min(inbox.capacity()));
        if wanted > 0 && !enough && !ended {
            return if flags & libc::MSG_DONTWAIT != 0 {
                Step::failed(libc::EAGAIN)
            } else {
                Step::Wait(key)
            };
        }
        let count = self.portion(available, Fault::ShortRead);
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let (mut control, peeks) = (Control::default(), flags & libc::MSG_PEEK != 0);
        let inbox = self.files.get_mut(key).and_then(|file| match &mut file.kind {
            Kind::PipeReader { inbox, .. } => Some(inbox),
            Kind::Socket(socket) => match &mut socket.state {
                State::Connected { inbox, .. } => Some(inbox),
                _ => None,
            },
            _ => None,
        });
        if let Some(inbox) = inbox {
            inbox.peek(count, &mut bytes);
            if peeks {
                let passed = inbox.control().map(Control::duplicate);
                control = passed.and_then(Result::ok).unwrap_or_default();
            } else if count > 0 {
                control = inbox.consume(count);
            }
        }
        request.scatter(0, &bytes);
        self.bytes = bytes;
        self.answer_message(request, None, control, 0);
        if !peeks && let Some(sender) = sender {
            self.wake(sender);
        }
        Step::Done(count as i32)
    }

    /// Tells a receiver of a message what came along.
    fn answer_message(
        &mut self,
        request: &mut Request,
        from: Option<&Address>,
        control: Control,
        flags: i32,
    ) {
        if request.opcode() != opcode::RECVMSG {
            return;
        }
        let (control, is_truncated) = control.into_message(request.control_room());
        let flags = if is_truncated { flags | libc::MSG_CTRUNC } else { flags };
        request.answer_message(from, &control, flags);
    }

    fn send_stream(&mut self, request: &mut Request, key: Key) -> Step {
        if let Some(errno) = self.take_error(key) {
            return sent_so_far(request, errno);
        }
        let Some(file) = self.files.get(key) else { return Step::failed(libc::EBADF) };
        let receiver = match &file.kind {
            Kind::PipeWriter { reader } => *reader,
            Kind::Socket(socket) => match &socket.state {
                State::Connected { peer, .. } if !socket.write_shut => *peer,
                State::Connected { .. } => None,
                _ => return Step::failed(libc::ENOTCONN),
            },
            _ => return Step::failed(libc::EBADF),
        };
        let Some(receiver) = receiver else { return sent_so_far(request, libc::EPIPE) };
        let rest = request.length() - request.done;
        let (room, flags) = (self.room_beyond(key), message_flags(request));
        if rest > 0 && room == 0 {
            return if flags & libc::MSG_DONTWAIT != 0 {
                sent_so_far(request, libc::EAGAIN)
            } else {
                Step::Wait(key)
            };
        }
        let control = match Control::of(request) {
            Ok(control) if request.done == 0 => control,
            Ok(_) => Control::default(),
            Err(errno) => return sent_so_far(request, errno),
        };
        let is_whole = flags & libc::MSG_WAITALL != 0;
        let most = rest.min(room);
        let count = if is_whole { most } else { self.portion(most, Fault::ShortWrite) };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        request.gather(request.done, count, &mut bytes);
        if let Some(file) = self.files.get_mut(receiver) {
            match &mut file.kind {
                Kind::PipeReader { inbox, .. } => inbox.push(&bytes, control),
                Kind::Socket(socket) => match &mut socket.state {
                    // What is sent to one who receives no more goes nowhere.
                    State::Connected { inbox, .. } if !socket.read_shut => {
                        inbox.push(&bytes, control);
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        self.bytes = bytes;
        self.wake(receiver);
        request.done += count;
        if is_whole && request.done < request.length() {
            return Step::Wait(key);
        }
        Step::Done(request.done as i32)
    }

    fn receive_datagram(&mut self, request: &mut Request, key: Key) -> Step {
        let flags = message_flags(request);
        let shut = self.socket(key).is_ok_and(|socket| socket.read_shut);
        let Ok(Socket { state: State::Datagrams { inbox, .. }, .. }) = self.socket_mut(key) else {
            return Step::failed(libc::ENOTSOCK);
        };
        let datagram = match inbox.front() {
            None if shut => return Step::Done(0),
            None if flags & libc::MSG_DONTWAIT != 0 => return Step::failed(libc::EAGAIN),
            None => return Step::Wait(key),
            Some(front) if flags & libc::MSG_PEEK != 0 => Datagram {
                from: front.from.clone(),
                bytes: front.bytes.clone(),
                control: front.control.duplicate().unwrap_or_default(),
            },
            Some(_) => match inbox.pop_front() {
                Some(datagram) => datagram,
                None => return Step::Wait(key),
            },
        };
        let count = datagram.bytes.len().min(request.length());
        let truncated = count < datagram.bytes.len();
        request.scatter(0, &datagram.bytes[..count]);
        let out_flags = if truncated { libc::MSG_TRUNC } else { 0 };
        self.answer_message(request, Some(&datagram.from), datagram.control, out_flags);
        // Those that wait for room here.
        self.wake(key);
        let wants_length = flags & libc::MSG_TRUNC != 0;
        Step::Done(if wants_length { datagram.bytes.len() } else { count } as i32)
    }

    fn send_datagram(&mut self, request: &mut Request, key: Key) -> Step {
        self.try_send_datagram(request, key).unwrap_or_else(Step::failed)
    }

    fn try_send_datagram(&mut self, request: &mut Request, key: Key) -> Result<Step, i32> {
        let named = request.address()?;
        let socket = self.socket(key)?;
        let (is_unix, shut) = (socket.domain == libc::AF_UNIX, socket.write_shut);
        let State::Datagrams { remote, peer, .. } = &socket.state else {
            return Err(libc::ENOTSOCK);
        };
        if shut {
            return Err(libc::EPIPE);
        }
        let (to, peer) = (named.or_else(|| remote.clone()), *peer);
        let target = match (&to, peer) {
            (None, None) if is_unix => return Err(libc::ENOTCONN),
            (None, None) => return Err(libc::EDESTADDRREQ),
            (None, Some(peer)) => Some(peer),
            (Some(to), _) if to.domain() != socket.domain => return Err(libc::EAFNOSUPPORT),
            (Some(to), _) => self.find(libc::SOCK_DGRAM, to),
        };
        if let Some(to) = &to {
            self.bind_by_itself(key, to)?;
        }
        let length = request.length();
        let from = self.socket(key)?.local_or_unnamed();
        let lost = !is_unix && self.fails(Fault::DatagramLost);
        let Some(target) = target.filter(|_| !lost) else {
            return if is_unix { Err(libc::ECONNREFUSED) } else { Ok(Step::Done(length as i32)) };
        };
        let control = Control::of(request)?;
        let mut bytes = Vec::with_capacity(length);
        request.gather(0, length, &mut bytes);
        if let State::Datagrams { inbox, .. } = &mut self.socket_mut(target)?.state {
            if inbox.len() < DATAGRAMS_MAX {
                inbox.push_back(Datagram { from, bytes, control });
            } else if is_unix {
                return Ok(Step::Wait(target));
            }
        }
        self.wake(target);
        Ok(Step::Done(length as i32))
    }
}

/// What a send ends with that cannot go on: what it has sent, if that is anything.
fn sent_so_far(request: &Request, errno: i32) -> Step {
    if request.done > 0 { Step::Done(request.done as i32) } else { Step::failed(errno) }
}

/// The `MSG_*` flags of a request, which reads and writes do not have.
fn message_flags(request: &Request) -> i32 {
    match request.opcode() {
        opcode::READ | opcode::READV | opcode::WRITE | opcode::WRITEV => 0,
        _ => request.entry().get_op_flags().cast_signed(),
    }
}
