//! [`SendTo`]: from one buffer to an address.
#![allow(unsafe_code)]

use crate::address::SocketAddress;
use crate::buf::{BufResult, IoBuf};
use crate::event::{Event, SendMsg};
use crate::fd::SharedFd;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// Sends the bytes of a buffer to an address, from a socket that need not be connected.
///
/// Yields the number of bytes sent and the buffer. A datagram is sent whole or not at all. It is
/// a [`SendMsg`] of one buffer, since a `Send` with an address needs a newer kernel.
///
/// # Errors
///
/// Those of `sendto(2)`: `ConnectionRefused`, `EMSGSIZE` for a datagram that is too long, …
///
/// # Cancellation
///
/// Stops at once; all may have been sent before the cancel arrived.
///
/// # Kernel
///
/// Linux 5.3. Everything the message is made of is the event's until completion.
///
/// # References
///
/// [`sendto(2)`](https://man7.org/linux/man-pages/man2/send.2.html)
#[doc(alias = "IORING_OP_SENDMSG")]
#[derive(Debug)]
pub struct SendTo<B> {
    message: SendMsg<[B; 1]>,
}

impl<B: IoBuf> SendTo<B> {
    /// Sends `buffer` from `socket` to `address`.
    pub fn new(
        socket: impl Into<SharedFd>,
        buffer: B,
        address: impl Into<SocketAddress>,
    ) -> SendTo<B> {
        SendTo { message: SendMsg::new(socket, [buffer]).to(address) }
    }
}

impl<B: IoBuf> Event for SendTo<B> {
    type Output = BufResult<usize, B>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1 holds for the message, which is a part of this event.
        unsafe { self.message.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, B> {
        let (result, [buffer]) = self.message.complete(outcome.of());
        (result, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn the_buffer_comes_back_with_the_count() {
        let peer: std::net::SocketAddr = "127.0.0.1:53".parse().unwrap();
        for (result, count) in [(5, Some(5)), (-libc::EMSGSIZE, None), (-libc::ECANCELED, None)] {
            let mut send = SendTo::new(shared_null(), "hello", peer);
            assert_eq!(entry(&mut send).get_length(), 1);
            let (sent, buffer) = complete(send, result);
            assert_eq!((sent.ok(), buffer), (count, "hello"));
        }
    }
}
