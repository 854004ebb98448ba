//! [`SendMsg`]: from several buffers to a socket, with an address and control messages.
#![allow(unsafe_code)]

use crate::address::SocketAddress;
use crate::buf::{BufResult, IoBufs, IoVecs};
use crate::event::message::{ControlMessage, Header, encode};
use crate::event::transfer::sent;
use crate::event::{Event, SendMsgZc};
use crate::fd::SharedFd;
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Sends the bytes of several buffers to a socket, one after the other.
///
/// Sends datagrams to an address, and passes descriptors to the peer of a Unix socket. Yields the
/// number of bytes sent and the buffers. Never raises `SIGPIPE` (`MSG_NOSIGNAL`).
///
/// # Examples
///
/// ```
/// use std::net::{SocketAddr, UdpSocket};
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::event::SendMsg;
///
/// let socket = OwnedFd::from(UdpSocket::bind("127.0.0.1:0")?);
/// let peer = SocketAddr::from(([127, 0, 0, 1], 53));
/// let send = SendMsg::new(socket, ["head", "body"]).to(peer);
/// # drop(send);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of `sendmsg(2)`: `BrokenPipe`, `NotConnected`, `EMSGSIZE` for a datagram that is too
/// long, …
///
/// # Cancellation
///
/// Stops at once; a part or all may have been sent before the cancel arrived.
///
/// # Kernel
///
/// Linux 5.3. Everything the message is made of is the event's until completion.
///
/// # References
///
/// [`sendmsg(2)`](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
#[doc(alias = "IORING_OP_SENDMSG")]
#[derive(Debug)]
pub struct SendMsg<V> {
    socket: SharedFd,
    buffers: V,
    address: Option<SocketAddress>,
    /// Keeps the descriptors that are passed open until the kernel has taken them.
    messages: Vec<ControlMessage>,
    control: Vec<u8>,
    vectors: IoVecs,
    header: Header,
}

impl<V: IoBufs> SendMsg<V> {
    /// Sends `buffers` to `socket`.
    pub fn new(socket: impl Into<SharedFd>, buffers: V) -> SendMsg<V> {
        SendMsg {
            socket: socket.into(),
            buffers,
            address: None,
            messages: Vec::new(),
            control: Vec::new(),
            vectors: IoVecs::default(),
            header: Header::new(),
        }
    }

    /// The address to send to, from a socket that is not connected.
    #[must_use]
    pub fn to(mut self, address: impl Into<SocketAddress>) -> SendMsg<V> {
        self.address = Some(address.into());
        self
    }

    /// One more control message to go along.
    #[must_use]
    pub fn control(mut self, message: ControlMessage) -> SendMsg<V> {
        self.messages.push(message);
        self
    }

    /// The same send without copying the bytes.
    pub fn zero_copy(self) -> SendMsgZc<V> {
        SendMsgZc::new(self)
    }

    /// The entry that asks for it with `opcode`, SENDMSG or SENDMSG_ZC.
    ///
    /// # Safety
    ///
    /// As for [`Event::prepare`].
    pub(super) unsafe fn entry(&mut self, opcode: u8) -> Sqe {
        self.vectors.describe_bytes(&self.buffers);
        self.control = encode(&self.messages);
        let header = &mut self.header.0;
        if let Some(address) = &self.address {
            header.msg_name = address.as_ptr().cast_mut().cast();
            header.msg_namelen = address.length();
        }
        header.msg_iov = self.vectors.as_ptr().cast_mut();
        header.msg_iovlen = self.vectors.count() as _;
        if !self.control.is_empty() {
            header.msg_control = self.control.as_mut_ptr().cast();
            header.msg_controllen = self.control.len() as _;
        }
        // SAFETY: S1 by E1 and B1: the header and all it points to are the event's, so are the
        // descriptors in the control messages; E2.
        let entry = unsafe { Sqe::new(opcode) };
        let entry = entry.file(&self.socket).address(&raw const *header).length(1);
        entry.op_flags(libc::MSG_NOSIGNAL.cast_unsigned())
    }
}

impl<V: IoBufs> Event for SendMsg<V> {
    type Output = BufResult<usize, V>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1, by the contract of this method.
        sqes.push(unsafe { self.entry(opcode::SENDMSG) });
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, V> {
        (sent(outcome, self.vectors.bytes()), self.buffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, is_open, owned_stray, shared_null};

    #[test]
    fn the_header_describes_the_message() {
        let peer: std::net::SocketAddr = "127.0.0.1:80".parse().unwrap();
        let (passed, number) = owned_stray();
        let mut send = SendMsg::new(shared_null(), ["ab", "cde"])
            .to(peer)
            .control(ControlMessage::descriptors(vec![passed]));
        let sqe = entry(&mut send);
        assert_eq!(sqe.get_address(), (&raw mut send.header.0).cast());
        assert_eq!(sqe.get_op_flags(), libc::MSG_NOSIGNAL as u32);
        let header = send.header.0;
        assert_eq!((header.msg_namelen, header.msg_iovlen, header.msg_controllen), (16, 2, 24));

        assert!(is_open(number));
        let (result, buffers) = complete(send, 5);
        assert_eq!((result.unwrap(), buffers), (5, ["ab", "cde"]));
        assert!(!is_open(number));
    }

    #[test]
    fn the_buffers_come_back_with_an_error() {
        for errno in [libc::EPIPE, libc::ECANCELED, 512] {
            let mut send = SendMsg::new(shared_null(), ["ab"]);
            entry(&mut send);
            let (result, buffers) = complete(send, -errno);
            assert_eq!((result.is_err(), buffers), (true, ["ab"]));
        }
    }
}
