//! [`SendMsgZc`]: from several buffers to a socket, with an address, without a copy.
#![allow(unsafe_code)]

use crate::buf::{BufResult, IoBufs};
use crate::event::reporting::{REPORT_USAGE, Reporting, ZeroCopy};
use crate::event::{Event, SendMsg};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// Sends the bytes of several buffers to a socket, one after the other, without copying them.
///
/// A [`SendMsg`] that was told to, by [`zero_copy`](SendMsg::zero_copy). Yields the number of bytes
/// sent and the buffers, once the network no longer needs them, as a [`SendZc`](super::SendZc)
/// does.
///
/// # Errors
///
/// Those of `sendmsg(2)`; `Unsupported` for sockets that cannot, such as Unix ones; `OutOfMemory`
/// beyond `RLIMIT_MEMLOCK`.
///
/// # Cancellation
///
/// Stops the sending at once; a part or all may have been sent before the cancel arrived. The wait
/// for the buffers cannot be cancelled.
///
/// # Kernel
///
/// Linux 6.1. Everything the message is made of is the event's until the second CQE, the
/// notification.
///
/// # References
///
/// [`sendmsg(2)`](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
#[doc(alias = "IORING_OP_SENDMSG_ZC")]
#[derive(Debug)]
pub struct SendMsgZc<V> {
    message: SendMsg<V>,
    reports: bool,
}

impl<V: IoBufs> SendMsgZc<V> {
    pub(super) fn new(message: SendMsg<V>) -> SendMsgZc<V> {
        SendMsgZc { message, reports: false }
    }

    /// The same send, which also tells whether there really was no copy.
    pub fn reporting(self) -> Reporting<SendMsgZc<V>> {
        Reporting::new(self)
    }
}

impl<V: IoBufs> ZeroCopy for SendMsgZc<V> {
    fn report(&mut self) {
        self.reports = true;
    }
}

impl<V: IoBufs> Event for SendMsgZc<V> {
    type Output = BufResult<usize, V>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: E1 holds for the message, which is a part of this event.
        let entry = unsafe { self.message.entry(opcode::SENDMSG_ZC) };
        sqes.push(entry.ioprio(if self.reports { REPORT_USAGE } else { 0 }));
    }

    /// The first CQE has the count; the notification, which came last, has nothing to say of it.
    fn complete(self, outcome: Outcome<'_, Self>) -> BufResult<usize, V> {
        self.message.complete(outcome.of())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, shared_null};

    #[test]
    fn the_buffers_come_back_with_the_count_or_an_error() {
        for (result, count) in [(3, Some(3)), (-libc::EPIPE, None), (-512, None)] {
            let mut send = SendMsg::new(shared_null(), ["ab", "cd"]).zero_copy();
            assert_eq!(entry(&mut send).get_length(), 1);
            let (sent, buffers) = complete(send, result);
            assert_eq!((sent.ok(), buffers), (count, ["ab", "cd"]));
        }
    }
}
