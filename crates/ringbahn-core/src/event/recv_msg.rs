//! [`RecvMsg`]: from a socket into several buffers, with an address and control messages.
#![allow(unsafe_code)]

use socket2::SockAddrStorage;

use crate::address::SocketAddress;
use crate::buf::{BufResult, IoBufMut, IoBufs, IoVecs};
use crate::event::Event;
use crate::event::message::{ControlMessage, Header, decode};
use crate::event::transfer::sent;
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// What a [`RecvMsg`] has received besides the bytes in its buffers.
#[derive(Debug, Default)]
pub struct Received {
    /// How many bytes are in the buffers.
    pub count: usize,
    /// Who sent them; `None` from a connected stream.
    pub address: Option<SocketAddress>,
    /// The control messages. Descriptors in them are closed when they are dropped.
    pub control: Vec<ControlMessage>,
    flags: i32,
}

impl Received {
    /// Whether the datagram was longer than the buffers, and the rest of it is lost.
    pub fn is_truncated(&self) -> bool {
        self.flags & libc::MSG_TRUNC != 0
    }

    /// Whether there were more control messages than there was room for.
    pub fn is_control_truncated(&self) -> bool {
        self.flags & libc::MSG_CTRUNC != 0
    }

    /// Takes it that only `count` bytes of a datagram are left, and the rest is lost.
    pub fn truncate(&mut self, count: usize) {
        if count < self.count {
            self.count = count;
            self.flags |= libc::MSG_TRUNC;
        }
    }

    /// All of the flags that the kernel has set, libc's `MSG_*`.
    pub fn flags(&self) -> i32 {
        self.flags
    }
}

/// Receives a message from a socket into several buffers, one after the other.
///
/// Yields the number of bytes received, who sent them and what came along, and the buffers.
/// Descriptors that are passed are closed on exec, and with the output unless taken out of it.
///
/// # Errors
///
/// Those of `recvmsg(2)`: `ConnectionReset`, `NotConnected`, …
///
/// # Cancellation
///
/// Stops at once, with nothing received; or a message had arrived already, which is then in the
/// output, and lost with it where nobody takes it.
///
/// # Kernel
///
/// Linux 5.3. Everything the message is made of is the event's until completion.
///
/// # References
///
/// [`recvmsg(2)`](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
#[doc(alias = "IORING_OP_RECVMSG")]
#[derive(Debug)]
pub struct RecvMsg<V> {
    socket: SharedFd,
    buffers: V,
    address: SockAddrStorage,
    control: Vec<u8>,
    vectors: IoVecs,
    header: Header,
    flags: i32,
}

impl<V: IoBufs<Buffer: IoBufMut>> RecvMsg<V> {
    /// Receives from `socket` into `buffers`.
    pub fn new(socket: impl Into<SharedFd>, buffers: V) -> RecvMsg<V> {
        RecvMsg {
            socket: socket.into(),
            buffers,
            address: SockAddrStorage::zeroed(),
            control: Vec::new(),
            vectors: IoVecs::default(),
            header: Header::new(),
            flags: libc::MSG_CMSG_CLOEXEC,
        }
    }

    /// Makes room for `bytes` of control messages, of which each takes
    /// [`ControlMessage::space`]. At first there is none.
    #[must_use]
    pub fn control_space(mut self, bytes: usize) -> RecvMsg<V> {
        self.control = vec![0; bytes];
        self
    }

    /// Whether to leave the message in the socket, for the next receive (`MSG_PEEK`).
    #[must_use]
    pub fn peek(mut self, peek: bool) -> RecvMsg<V> {
        let others = self.flags & !libc::MSG_PEEK;
        self.flags = if peek { others | libc::MSG_PEEK } else { others };
        self
    }
}

impl<V: IoBufs<Buffer: IoBufMut>> Event for RecvMsg<V> {
    type Output = BufResult<Received, V>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        self.vectors.describe_targets(&mut self.buffers);
        let header = &mut self.header.0;
        header.msg_name = (&raw mut self.address).cast();
        header.msg_namelen = size_of::<SockAddrStorage>() as u32;
        header.msg_iov = self.vectors.as_ptr().cast_mut();
        header.msg_iovlen = self.vectors.count() as _;
        header.msg_control = self.control.as_mut_ptr().cast();
        header.msg_controllen = self.control.len() as _;
        header.msg_flags = 0;
        // SAFETY: S1 by E1 and B1: the header and all it points to are the event's; E2.
        let entry = unsafe { Sqe::new(opcode::RECVMSG) };
        let entry = entry.file(&self.socket).address(&raw mut *header).length(1);
        sqes.push(entry.op_flags(self.flags.cast_unsigned()));
    }

    fn complete(mut self, outcome: Outcome<'_, Self>) -> BufResult<Received, V> {
        let count = match sent(outcome, self.vectors.bytes()) {
            Ok(count) => count,
            Err(error) => return (Err(error), self.buffers),
        };
        let header = self.header.0;
        #[allow(clippy::unnecessary_cast, reason = "it is not with every libc")]
        let written = self.control.len().min(header.msg_controllen as usize);
        // SAFETY: E3: the descriptors received are the event's alone, and taken here once.
        let control = unsafe { decode(&self.control[..written]) };
        let address = (header.msg_namelen > 0).then(|| {
            // SAFETY: A1: the place was zero, and the kernel has written an address to it.
            unsafe { SocketAddress::from_kernel(self.address, header.msg_namelen) }
        });
        // SAFETY: E3: so many bytes have been written to what `prepare` described, and `sent` has
        // made sure that they are no more than were described.
        unsafe { self.vectors.set_filled(&mut self.buffers, count) };
        (Ok(Received { count, address, control, flags: header.msg_flags }), self.buffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::message::encode;
    use crate::event::testing::{cancelled, complete, entry, is_open, owned_stray, shared_null};
    use std::os::fd::IntoRawFd;

    /// An event that has received five bytes, and a descriptor with the number given.
    fn with_descriptor() -> (RecvMsg<[[u8; 4]; 2]>, i32) {
        let space = ControlMessage::space(4);
        let mut recv = RecvMsg::new(shared_null(), [[0; 4]; 2]).control_space(space);
        let sqe = entry(&mut recv);
        assert_eq!(sqe.get_op_flags(), libc::MSG_CMSG_CLOEXEC as u32);
        assert_eq!(recv.header.0.msg_controllen, space as _);

        let (passed, number) = owned_stray();
        let messages = [ControlMessage::descriptors(vec![passed])];
        recv.control = encode(&messages);
        let _ = messages.map(|message| message.into_descriptors().remove(0).into_raw_fd());
        recv.header.0.msg_namelen = 0;
        recv.header.0.msg_flags = libc::MSG_TRUNC;
        recv.buffers = [*b"hell", *b"o..."];
        (recv, number)
    }

    #[test]
    fn a_message_comes_with_all_that_travels_beside_it() {
        let (recv, number) = with_descriptor();
        let (received, buffers) = complete(recv, 5);
        let mut received = received.unwrap();
        assert_eq!((received.count, buffers), (5, [*b"hell", *b"o..."]));
        assert!(received.address.is_none());
        assert!(received.is_truncated() && !received.is_control_truncated());
        let mut rest = Received { count: 5, ..Received::default() };
        rest.truncate(5);
        assert!(!rest.is_truncated());
        rest.truncate(2);
        assert!(rest.is_truncated() && rest.count == 2);
        let descriptors = received.control.remove(0).into_descriptors();
        assert!(is_open(number));
        drop(descriptors);
        assert!(!is_open(number));
    }

    #[test]
    fn descriptors_that_nobody_takes_are_closed() {
        let (recv, number) = with_descriptor();
        cancelled(recv, 5);
        assert!(!is_open(number));
    }

    #[test]
    fn an_address_is_given_where_there_is_one() {
        let peer = SocketAddress::from("[::1]:53".parse::<std::net::SocketAddr>().unwrap());
        let mut recv = RecvMsg::new(shared_null(), [vec![1; 4]]);
        entry(&mut recv);
        let target: *mut u8 = (&raw mut recv.address).cast();
        // SAFETY: E1: the place is as large as any address.
        unsafe { target.copy_from(peer.as_ptr().cast(), peer.length() as usize) };
        recv.header.0.msg_namelen = peer.length();
        let (received, buffers) = complete(recv, 0);
        assert_eq!((received.unwrap().address, &buffers), (Some(peer), &[vec![]]));
    }

    #[test]
    fn a_message_can_be_left_in_the_socket() {
        for peek in [false, true] {
            let mut recv = RecvMsg::new(shared_null(), [vec![0; 4]]).peek(true).peek(peek);
            let flags = entry(&mut recv).get_op_flags().cast_signed();
            assert_eq!(flags & libc::MSG_PEEK != 0, peek);
            assert_ne!(flags & libc::MSG_CMSG_CLOEXEC, 0);
        }
    }

    #[test]
    fn an_error_leaves_the_buffers_as_they_were() {
        for errno in [libc::ECONNRESET, libc::ECANCELED, 512] {
            let mut recv = RecvMsg::new(shared_null(), [vec![1, 2]]);
            entry(&mut recv);
            let (result, buffers) = complete(recv, -errno);
            assert!(result.is_err());
            assert_eq!(buffers, [[1, 2]]);
        }
    }
}
