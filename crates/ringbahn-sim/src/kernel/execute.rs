//! What an entry asks for, by its opcode.

use ringbahn_core::{Sqe, opcode};

use crate::kernel::Kernel;
use crate::kernel::file::Kind;
use crate::kernel::request::{HARD_LINK, LINK, Request};
use crate::kernel::schedule::Step;
use crate::slab::Key;

/// The flags that are understood: those of links, and `IOSQE_ASYNC`.
const FLAGS_KNOWN: u8 = LINK | HARD_LINK | 1 << 4;

/// The operations that are simulated.
const KNOWN: &[u8] = &[
    opcode::NOP,
    opcode::READV,
    opcode::WRITEV,
    opcode::FSYNC,
    opcode::POLL_ADD,
    opcode::SENDMSG,
    opcode::RECVMSG,
    opcode::TIMEOUT,
    opcode::ACCEPT,
    opcode::ASYNC_CANCEL,
    opcode::CONNECT,
    opcode::FALLOCATE,
    opcode::OPENAT,
    opcode::CLOSE,
    opcode::STATX,
    opcode::READ,
    opcode::WRITE,
    opcode::FADVISE,
    opcode::MADVISE,
    opcode::SEND,
    opcode::RECV,
    opcode::OPENAT2,
    opcode::SHUTDOWN,
    opcode::RENAMEAT,
    opcode::UNLINKAT,
    opcode::MKDIRAT,
    opcode::SYMLINKAT,
    opcode::LINKAT,
    opcode::SOCKET,
    opcode::SEND_ZC,
    opcode::FTRUNCATE,
    opcode::BIND,
    opcode::LISTEN,
    opcode::SYNC_FILE_RANGE,
];

/// Whether an entry asks for more results than one, which is refused whatever it works on.
fn is_multishot(entry: &Sqe) -> bool {
    /// `IORING_ACCEPT_MULTISHOT` and `IORING_RECV_MULTISHOT`, in the word of the priority.
    const ACCEPT_MULTISHOT: u16 = 1 << 0;
    const RECV_MULTISHOT: u16 = 1 << 1;
    /// `IORING_POLL_ADD_MULTI`, in the word of the length.
    const POLL_MULTISHOT: u32 = 1 << 0;
    match entry.opcode() {
        opcode::ACCEPT => entry.get_ioprio() & ACCEPT_MULTISHOT != 0,
        opcode::RECV | opcode::RECVMSG => entry.get_ioprio() & RECV_MULTISHOT != 0,
        opcode::POLL_ADD => entry.get_length() & POLL_MULTISHOT != 0,
        opcode::READ_MULTISHOT => true,
        // Of a timeout no flags are known.
        _ => false,
    }
}

impl Kernel {
    /// Executes a request, or finds out what it has to wait for.
    pub(super) fn execute(&mut self, request: &mut Request) -> Step {
        if request.entry().flags() & !FLAGS_KNOWN != 0 || is_multishot(request.entry()) {
            return Step::failed(libc::EINVAL);
        }
        if !KNOWN.contains(&request.opcode()) {
            return Step::failed(libc::EOPNOTSUPP);
        }
        match request.opcode() {
            opcode::NOP => return Step::Done(answer(request.entry())),
            opcode::TIMEOUT => return self.time_out(request),
            opcode::ASYNC_CANCEL => return self.cancel(request.entry().get_address_number()),
            opcode::OPENAT | opcode::OPENAT2 => return self.open(request),
            opcode::STATX => return self.stat(request),
            opcode::RENAMEAT => return self.rename(request),
            opcode::UNLINKAT => return self.unlink(request),
            opcode::MKDIRAT => return self.make_directory(request),
            opcode::SYMLINKAT => return self.make_symbolic_link(request),
            opcode::LINKAT => return self.make_link(request),
            // Memory is not simulated, and advice changes nothing that a program can see.
            opcode::MADVISE => return Step::Done(0),
            opcode::SOCKET => return self.make_socket(request),
            opcode::CLOSE => {
                let result = self.descriptors.close(request);
                self.notice_closed();
                return Step::Done(result);
            }
            _ => {}
        }
        let Some(file) = request.file.filter(|&file| self.files.get(file).is_some()) else {
            return Step::failed(libc::EBADF);
        };
        match request.opcode() {
            opcode::READ | opcode::READV | opcode::RECV | opcode::RECVMSG => {
                self.receive(request, file)
            }
            opcode::WRITE | opcode::WRITEV | opcode::SEND | opcode::SENDMSG | opcode::SEND_ZC => {
                self.send(request, file)
            }
            opcode::FSYNC => self.sync(file),
            opcode::FTRUNCATE => self.truncate(file, request.entry().get_offset()),
            opcode::FALLOCATE => self.allocate(request, file),
            opcode::FADVISE => self.advise(file),
            opcode::SYNC_FILE_RANGE => self.write_back(file),
            opcode::POLL_ADD => self.poll(file, request.entry().get_op_flags()),
            opcode::ACCEPT => self.accept(request, file),
            opcode::CONNECT => self.connect(request, file),
            opcode::BIND => match request.address() {
                Ok(Some(address)) => Step::of(self.bind(file, address)),
                Ok(None) => Step::failed(libc::EINVAL),
                Err(errno) => Step::failed(errno),
            },
            opcode::LISTEN => Step::of(self.listen(file, request.entry().get_length())),
            opcode::SHUTDOWN => self.shut_down(file, request.entry().get_length().cast_signed()),
            _ => Step::failed(libc::EINVAL),
        }
    }

    /// A timer: it is looked at when it begins, and once more when its time is over.
    fn time_out(&mut self, request: &mut Request) -> Step {
        /// The time is not a duration but a moment, of one clock or another; or others.
        const FLAGS_UNKNOWN: u32 = !0;
        if request.entry().get_op_flags() & FLAGS_UNKNOWN != 0 || request.entry().get_offset() != 0
        {
            return Step::failed(libc::EINVAL);
        }
        match (request.begun, request.duration()) {
            (_, None) => Step::failed(libc::EINVAL),
            (Some(begin), Some(duration)) if self.now >= begin.saturating_add(duration) => {
                Step::failed(libc::ETIME)
            }
            (Some(begin), Some(duration)) => Step::Until(begin.saturating_add(duration)),
            (None, Some(duration)) => {
                request.begun = Some(self.now);
                Step::Until(self.now.saturating_add(duration))
            }
        }
    }

    fn poll(&mut self, file: Key, mask: u32) -> Step {
        let mask = if cfg!(target_endian = "big") { mask.rotate_left(16) } else { mask };
        let always = libc::POLLERR | libc::POLLHUP;
        let ready = self.readiness(file) & (mask as i16 | always);
        if ready == 0 { Step::Wait(file) } else { Step::Done(ready.into()) }
    }

    fn readiness(&self, key: Key) -> i16 {
        let Some(file) = self.files.get(key) else { return libc::POLLNVAL };
        file.readiness(self.room_beyond(key) > 0)
    }

    /// How many bytes the other end of a pipe or connection has room for.
    pub(super) fn room_beyond(&self, key: Key) -> usize {
        let peer = match self.files.get(key).map(|file| &file.kind) {
            Some(&Kind::PipeWriter { reader }) => reader,
            Some(Kind::Socket(socket)) => socket.peer(),
            _ => None,
        };
        peer.and_then(|peer| self.files.get(peer)).map_or(0, |peer| match &peer.kind {
            Kind::PipeReader { inbox, .. } => inbox.room(),
            Kind::Socket(socket) => socket.inbox().map_or(0, |inbox| inbox.room()),
            _ => 0,
        })
    }
}

/// What a nop is answered with: what it asks for, or nothing.
fn answer(entry: &Sqe) -> i32 {
    const INJECT_RESULT: u32 = 1 << 0;
    let asks = entry.get_op_flags() & INJECT_RESULT != 0;
    if asks { entry.get_length().cast_signed() } else { 0 }
}
