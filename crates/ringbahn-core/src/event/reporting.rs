//! [`Reporting`]: a zero-copy send that tells whether it was one.
#![allow(unsafe_code)]

use crate::cqe::Cqe;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// `IORING_SEND_ZC_REPORT_USAGE`
pub(super) const REPORT_USAGE: u16 = 1 << 3;
/// `IORING_NOTIF_USAGE_ZC_COPIED`, in the notification.
const USAGE_COPIED: u32 = 1 << 31;

/// How the data of a zero-copy send reached the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usage {
    /// From the buffer itself.
    ZeroCopy,
    /// From a copy that the kernel has made of it, or of a part of it: the device or the way to it
    /// cannot do without. The loopback device is one. A plain send costs less then.
    Copied,
}

/// A zero-copy send that can tell whether it was one.
pub trait ZeroCopy: Event {
    #[doc(hidden)]
    fn report(&mut self);
}

/// A zero-copy send that also tells whether there really was no copy.
///
/// The same operation as the inner event. Yields its output, and how the data was used; `None`
/// where nothing was sent. Made by [`SendZc::reporting`](super::SendZc::reporting) and
/// [`SendMsgZc::reporting`](super::SendMsgZc::reporting).
///
/// # Errors
///
/// Those of the inner event; and `InvalidInput` from a kernel that does not know how to tell.
///
/// # Cancellation
///
/// That of the inner event.
///
/// # Kernel
///
/// Linux 6.2.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_SEND_ZC_REPORT_USAGE")]
#[derive(Debug)]
pub struct Reporting<E> {
    event: E,
}

impl<E: ZeroCopy> Reporting<E> {
    pub(super) fn new(mut event: E) -> Reporting<E> {
        event.report();
        Reporting { event }
    }
}

impl<E: ZeroCopy> Event for Reporting<E> {
    type Output = (E::Output, Option<Usage>);

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: E1 holds for the inner event, which is a part of this one.
        unsafe { self.event.prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
        let has_sent = outcome.cqes().first().is_some_and(|cqe| cqe.result().is_ok());
        let notification = outcome.cqes().iter().find(|cqe| cqe.is_notification());
        let usage = notification.filter(|_| has_sent).map(usage);
        (self.event.complete(outcome.of()), usage)
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        // SAFETY: V1: the entries are the inner event's, which only looks at this outcome.
        let outcome = unsafe { Outcome::completed(outcome.cqes()) };
        self.event.resubmit(&outcome)
    }
}

fn usage(notification: &Cqe) -> Usage {
    let copied = notification.result.cast_unsigned() & USAGE_COPIED != 0;
    if copied { Usage::Copied } else { Usage::ZeroCopy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{ended, entry, shared_null};
    use crate::event::{SendMsg, SendZc};

    const MORE: u32 = 1 << 1;
    const NOTIFICATION: u32 = 1 << 3;

    #[test]
    fn the_notification_tells_whether_the_data_was_copied() {
        for (notified, usage) in [(0, Usage::ZeroCopy), (i32::MIN, Usage::Copied)] {
            let cqes = [
                Cqe { result: 5, flags: MORE, user_data: 0 },
                Cqe { result: notified, flags: NOTIFICATION, user_data: 0 },
            ];
            let mut send = SendZc::new(shared_null(), "hello").reporting();
            assert_eq!(entry(&mut send).get_ioprio(), REPORT_USAGE);
            let ((sent, buffer), told) = send.complete(ended(&cqes));
            assert_eq!((sent.ok(), buffer, told), (Some(5), "hello", Some(usage)));

            let mut send = SendMsg::new(shared_null(), ["he", "llo"]).zero_copy().reporting();
            assert_eq!(entry(&mut send).get_ioprio(), REPORT_USAGE);
            let ((sent, _), told) = send.complete(ended(&cqes));
            assert_eq!((sent.ok(), told), (Some(5), Some(usage)));
        }
    }

    #[test]
    fn of_what_was_not_sent_nothing_is_told() {
        let failed = Cqe { result: -libc::EPIPE, flags: MORE, user_data: 0 };
        let notification = Cqe { result: 0, flags: NOTIFICATION, user_data: 0 };
        for cqes in [&[failed, notification][..], &[Cqe { flags: 0, ..failed }]] {
            let send = SendZc::new(shared_null(), "hello").reporting();
            let ((sent, _), told) = send.complete(ended(cqes));
            assert_eq!((sent.is_err(), told), (true, None));
        }
    }
}
