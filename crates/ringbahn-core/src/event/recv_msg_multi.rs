//! [`RecvMsgMulti`]: the messages that a socket receives, in buffers of a group.
//!
//! The kernel writes into each buffer a header, the sender's address, the control messages and the
//! data; the places of the middle two are as large as the entry asks for.
#![allow(unsafe_code)]

use std::io;
use std::ops::Deref;

use socket2::SockAddrStorage;

use super::message::{ControlMessage, Header, decode};
use super::recv_multi::{RECV_MULTISHOT, share_of};
use crate::address::SocketAddress;
use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::provided::{BufferGroup, ProvidedBuffer};
use crate::sqe::{Sqe, Sqes};

/// The length of `struct io_uring_recvmsg_out`, in bytes: four words of 32 bits.
const HEADER: usize = 16;
/// The room for an address.
const ADDRESS: usize = size_of::<SockAddrStorage>();

/// A message that a [`RecvMsgMulti`] has received. Reads as its data.
#[derive(Debug)]
pub struct Message {
    buffer: ProvidedBuffer,
    address: Option<SocketAddress>,
    control: Vec<ControlMessage>,
    flags: i32,
}

impl Message {
    /// Who sent it; `None` from a connected stream, or from a Unix socket without a name.
    pub fn address(&self) -> Option<&SocketAddress> {
        self.address.as_ref()
    }

    /// The control messages, taken out. Descriptors in them are closed when they are dropped.
    pub fn take_control(&mut self) -> Vec<ControlMessage> {
        std::mem::take(&mut self.control)
    }

    /// Whether the datagram was longer than the buffer, and the rest of it is lost.
    pub fn is_truncated(&self) -> bool {
        self.flags & libc::MSG_TRUNC != 0
    }

    /// Whether there were more control messages than there was room for.
    pub fn is_control_truncated(&self) -> bool {
        self.flags & libc::MSG_CTRUNC != 0
    }

    /// All of the flags that the kernel has set, libc's `MSG_*`.
    pub fn flags(&self) -> i32 {
        self.flags
    }

    /// The buffer, which holds the data only.
    pub fn into_buffer(self) -> ProvidedBuffer {
        self.buffer
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer
    }
}

/// Receives messages from a socket, as they come, into buffers that the kernel chooses from a
/// group.
///
/// Yields each message with who sent it and what came along. Of each buffer
/// [`overhead`](RecvMsgMulti::overhead) bytes are taken by these; a longer message is cut off. An
/// empty message without an address is how a stream ends, and ends this one. Run by
/// [`Drive::stream`](crate::Drive::stream).
///
/// # Errors
///
/// Those of `recvmsg(2)`; the stream ends with them. A group without buffers is none: the stream
/// waits until one comes back. `InvalidInput` where the group's buffers are smaller than the
/// overhead, or with [`ForeignRing`](crate::ForeignRing) where the group is another ring's.
///
/// # Cancellation
///
/// Stops at once; messages that were received and that nobody has read are lost, their descriptors
/// closed, and their buffers go back to the group.
///
/// # Kernel
///
/// Linux 6.0. What the message is made of, and a share of the group, are the event's until
/// completion. Where there is no such operation the first item is an error of the kind
/// `Unsupported`; [`RecvMsg`](super::RecvMsg) receives one message.
///
/// # References
///
/// [`recvmsg(2)`](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
#[doc(alias = "IORING_OP_RECVMSG")]
#[derive(Debug)]
pub struct RecvMsgMulti {
    socket: SharedFd,
    group: BufferGroup,
    header: Header,
}

/// What it takes to take a message apart.
#[derive(Debug)]
pub struct MessageDecoder {
    group: BufferGroup,
    control_space: usize,
}

impl RecvMsgMulti {
    /// Receives from `socket` into buffers of `group`.
    pub fn new(socket: impl Into<SharedFd>, group: &BufferGroup) -> RecvMsgMulti {
        let mut header = Header::new();
        header.0.msg_namelen = ADDRESS as u32;
        RecvMsgMulti { socket: socket.into(), group: group.clone(), header }
    }

    /// Makes room for `bytes` of control messages in each buffer, of which each takes
    /// [`ControlMessage::space`]. At first there is none.
    #[must_use]
    pub fn control_space(mut self, bytes: usize) -> RecvMsgMulti {
        self.header.0.msg_controllen = bytes as _;
        self
    }

    /// How many bytes of each buffer are not for data, with `control_space` bytes of control
    /// messages.
    pub const fn overhead(control_space: usize) -> usize {
        HEADER + ADDRESS + control_space
    }
}

impl MultiEvent for RecvMsgMulti {
    type Item = Message;
    type Decoder = MessageDecoder;

    fn decoder(&self) -> MessageDecoder {
        #[allow(clippy::unnecessary_cast, reason = "it is not with every libc")]
        let control_space = self.header.0.msg_controllen as usize;
        MessageDecoder { group: self.group.clone(), control_space }
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E1 and E2: the header is the event's; the memory that the kernel chooses is
        // the group's, of which the event has a share (PB2).
        let entry = unsafe { Sqe::new(opcode::RECVMSG) }.file(&self.socket);
        let entry = entry.address(&raw const self.header.0).length(1).ioprio(RECV_MULTISHOT);
        let flags = libc::MSG_CMSG_CLOEXEC.cast_unsigned();
        sqes.push(entry.buffer_group(&self.group).op_flags(flags));
    }

    fn decode(decoder: &MessageDecoder, outcome: Outcome<'_, Self>) -> Option<io::Result<Message>> {
        // SAFETY: E3: the entry has chosen from this group, and the CQE is told once.
        match unsafe { decoder.group.received(outcome) } {
            (Ok(0), _) => None,
            // SAFETY: E3: the kernel has laid the message out as the decoder's event has asked.
            (Ok(_), Some(buffer)) => unsafe { decoder.message(buffer) },
            (Ok(_), None) => Some(Err(too_small())),
            (Err(error), _) if error.raw_os_error() == Some(libc::EFAULT) => Some(Err(too_small())),
            (Err(error), _) => Some(Err(or_too_old(error, "a multishot receive", "6.0"))),
        }
    }

    fn group(decoder: &MessageDecoder) -> Option<&BufferGroup> {
        Some(&decoder.group)
    }

    fn unread_max(&self) -> u32 {
        share_of(&self.group)
    }
}

impl MessageDecoder {
    /// Takes a message apart. `None` for an empty one from nobody.
    ///
    /// # Safety
    ///
    /// The kernel has written a message to the buffer, for an entry with this much room for
    /// control messages, and it has not been taken apart before.
    unsafe fn message(&self, mut buffer: ProvidedBuffer) -> Option<io::Result<Message>> {
        let data = RecvMsgMulti::overhead(self.control_space);
        if buffer.len() < data {
            return Some(Err(too_small()));
        }
        // SAFETY: E3: by the contract of this function.
        let Beside { address, control, flags } = unsafe { beside(&buffer, self.control_space) };
        buffer.advance(data);
        if buffer.is_empty() && address.is_none() && control.is_empty() {
            return None;
        }
        Some(Ok(Message { buffer, address, control, flags }))
    }
}

/// What comes with the data of a message.
pub(crate) struct Beside {
    pub(crate) address: Option<SocketAddress>,
    pub(crate) control: Vec<ControlMessage>,
    pub(crate) flags: i32,
}

/// Takes apart what lies before the data of a message.
///
/// # Safety
///
/// The kernel has written `bytes` for an entry with this much room for control messages, and they
/// have not been taken apart before.
///
/// # Panics
///
/// Where the bytes are fewer than [`RecvMsgMulti::overhead`].
pub(crate) unsafe fn beside(bytes: &[u8], control_space: usize) -> Beside {
    let word = |n: usize| {
        let bytes = bytes[4 * n..].first_chunk().copied().unwrap_or_default();
        u32::from_ne_bytes(bytes)
    };
    let (name, control, flags) = (word(0), word(1) as usize, word(3).cast_signed());
    let name = &bytes[HEADER..][..(name as usize).min(ADDRESS)];
    // SAFETY: A1: the kernel has written an address, if any.
    let address = (!name.is_empty()).then(|| unsafe { SocketAddress::from_bytes(name) });
    let control = &bytes[HEADER + ADDRESS..][..control.min(control_space)];
    // SAFETY: E3: the descriptors received are this message's alone, and taken here once.
    let control = unsafe { decode(control) };
    Beside { address, control, flags }
}

fn too_small() -> io::Error {
    let message = "the buffers of the group have no room for an address, control messages and \
                   data: see RecvMsgMulti::overhead";
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
