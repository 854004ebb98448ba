//! [`Then`]: two events in a chain that does not break between them.

use super::pair::{Pair, event_of_pair};
use crate::event::Event;
use crate::outcome::Outcome;
use crate::sqe::{Coupling, Sqes};

/// Two events, of which the second one starts when the first one has ended, however it ended.
///
/// Made by [`EventExt::then`](crate::event::EventExt::then), for what is to be done in any case:
/// to close what was written to, to end a connection after the last message. Apart from that it
/// is as [`Link`](crate::event::Link).
///
/// In a longer chain, what stands behind a link that broke does not start, whatever stands there:
/// of `a.link(b).then(c)`, where `a` fails, neither `b` nor `c` runs. Of `a.then(b).link(c)` `b`
/// runs always, and `c` if `b` has succeeded.
///
/// An entry that the kernel cannot make sense of, such as one of an operation that it does not
/// have, keeps the whole chain from starting.
///
/// # Examples
///
/// ```
/// use std::net::{Shutdown, TcpStream};
/// use std::sync::Arc;
/// use ringbahn_core::SharedFd;
/// use ringbahn_core::event::{self, EventExt};
///
/// fn last_words(socket: TcpStream) {
///     let socket = SharedFd::new(Arc::new(socket));
///     let say = event::SendAll::new(socket.clone(), "bye");
///     let end = say.then(event::Shutdown::new(socket, Shutdown::Both));
/// #   drop(end);
/// }
/// ```
///
/// # Errors
///
/// Those of the events.
///
/// # Cancellation
///
/// That of both events, one after the other: where the first one is cancelled the second one
/// starts, and is cancelled in its turn, unless it has been faster.
///
/// # Kernel
///
/// Linux 5.5. The events may need a newer one. Both events live until both have ended.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IOSQE_IO_HARDLINK")]
#[derive(Debug)]
pub struct Then<A, B> {
    pair: Pair<A, B>,
}

impl<A: Event, B: Event> Then<A, B> {
    pub(super) fn new(first: A, second: B) -> Then<A, B> {
        Then { pair: Pair::new(first, second) }
    }
}

event_of_pair!(Then, Coupling::Hard);

#[cfg(test)]
mod tests {
    use crate::event::testing::{prepared, resubmits};
    use crate::event::{EventExt, Nop};
    use crate::sqe::{FLAG_HARD_LINK, FLAG_LINK};

    #[test]
    fn each_entry_says_how_the_next_one_hangs_on_it() {
        let mut chain = Nop.link(Nop).then(Nop.then(Nop).link(Nop));
        let sqes = prepared(&mut chain);
        let flags: Vec<u8> = sqes.entries().iter().map(|entry| entry.flags()).collect();
        assert_eq!(flags, [FLAG_LINK, FLAG_HARD_LINK, FLAG_HARD_LINK, FLAG_LINK, 0]);
        assert!(!sqes.is_open_chain());
        assert!(!resubmits(&mut chain, -libc::ECANCELED));
    }

    #[test]
    fn a_chain_without_its_end_is_open() {
        let mut sqes = crate::Sqes::new();
        sqes.push(crate::Sqe::nop());
        sqes.couple_last(crate::sqe::Coupling::Hard);
        assert!(sqes.is_open_chain());
    }
}
