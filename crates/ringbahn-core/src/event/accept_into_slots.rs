//! [`AcceptIntoSlots`]: connections from a listening socket, one after the other, into slots.
#![allow(unsafe_code)]

use std::io;

use crate::direct::{DirectFd, DirectTable};
use crate::event::accept_multi::{ACCEPT_MULTISHOT, AcceptMulti};
use crate::event::into_slot::ANY_SLOT;
use crate::fd::SharedFd;
use crate::multishot::event::{MultiEvent, or_too_old};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// Accepts connections from a listening socket, as they come, into slots that the kernel chooses.
///
/// Made by [`AcceptMulti::into_slots`]. Yields each connection as a direct descriptor. Dropping one
/// closes it. Run by [`Drive::stream`](crate::Drive::stream).
///
/// # Errors
///
/// Those of [`AcceptMulti`], but `ENFILE` where no slot is free: then the connection that had come
/// is closed, and the stream goes on when it is polled again. `InvalidInput` with
/// [`ForeignRing`](crate::ForeignRing) where the table is another ring's.
///
/// # Cancellation
///
/// Stops at once; connections that nobody has read are closed.
///
/// # Kernel
///
/// Linux 5.19. The socket is the event's until completion. Where there is no such operation the
/// first item is an error of the kind `Unsupported`; [`IntoSlot`](super::IntoSlot) of
/// [`Accept`](super::Accept) does the same with an entry for each.
///
/// # References
///
/// [`io_uring_prep_multishot_accept_direct(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_multishot_accept_direct.3.html)
#[doc(alias = "IORING_OP_ACCEPT")]
#[derive(Debug)]
pub struct AcceptIntoSlots {
    socket: SharedFd,
    table: DirectTable,
}

impl AcceptIntoSlots {
    /// Accepts connections from `socket`, which listens, into slots of `table`.
    pub fn new(socket: impl Into<SharedFd>, table: &DirectTable) -> AcceptIntoSlots {
        AcceptIntoSlots { socket: socket.into(), table: table.clone() }
    }
}

impl MultiEvent for AcceptIntoSlots {
    type Item = DirectFd;
    type Decoder = DirectTable;

    fn decoder(&self) -> DirectTable {
        self.table.clone()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: S1 by E2; the entry names no memory: there is one place for many addresses.
        let entry = unsafe { Sqe::new(opcode::ACCEPT) };
        let entry = entry.file(&self.socket).ioprio(ACCEPT_MULTISHOT);
        sqes.push(entry.file_index(ANY_SLOT).of(self.table.ring()));
    }

    fn decode(table: &DirectTable, outcome: Outcome<'_, Self>) -> Option<io::Result<DirectFd>> {
        let what = "a multishot accept into slots on a listening socket";
        Some(match outcome.result() {
            // E3: the kernel has filled this slot for this CQE, and nobody else knows of it.
            Ok(slot) => Ok(table.opened(slot)),
            Err(error) => Err(or_too_old(error, what, "5.19")),
        })
    }

    fn goes_on_after(error: &io::Error) -> bool {
        AcceptMulti::goes_on_after(error)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::event::testing::{cqe, ended};
    use crate::ring_id::RingId;

    #[derive(Debug)]
    struct Closed(RingId, Arc<Mutex<Vec<u32>>>);

    impl crate::Slots for Closed {
        fn ring(&self) -> RingId {
            self.0
        }

        fn close(&self, slot: u32) {
            self.1.lock().unwrap().push(slot);
        }
    }

    #[test]
    fn a_connection_is_closed_with_its_item_and_an_error_closes_nothing() {
        let closed = Arc::default();
        let table = DirectTable::new(Closed(RingId::new(), Arc::clone(&closed)));
        let decode = |result| AcceptIntoSlots::decode(&table, ended(&[cqe(result)])).unwrap();
        let connection = decode(5).unwrap();
        assert_eq!((connection.slot(), table.open()), (5, 1));
        drop(connection);
        let full = decode(-libc::ENFILE).unwrap_err();
        assert!(AcceptIntoSlots::goes_on_after(&full));
        assert!(!AcceptIntoSlots::goes_on_after(&decode(-libc::EINVAL).unwrap_err()));
        assert_eq!((&closed.lock().unwrap()[..], table.open()), (&[5][..], 0));
    }
}
