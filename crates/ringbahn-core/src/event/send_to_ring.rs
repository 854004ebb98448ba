//! [`SendToRing`]: a direct descriptor for another ring.
#![allow(unsafe_code)]

use std::io;
use std::ptr;

use crate::direct::{DirectFd, DirectTable};
use crate::event::Event;
use crate::event::into_slot::ANY_SLOT;
use crate::fd::{Place, SharedFd};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_MSG_SEND_FD`: what is sent is a file in a slot.
const SEND_FD: u64 = 1;
/// `IORING_MSG_RING_CQE_SKIP`: the other ring need not be told; we know the slot.
const NO_CQE: u32 = 1;

/// Gets the file of a direct descriptor into a slot of another ring as well.
///
/// Submitted to the ring that the descriptor is of. Yields a direct descriptor of the other ring,
/// whose driver alone can use it; the file is closed when both have been. Dropping the output
/// closes the new one.
///
/// # Errors
///
/// `ENFILE` where the other ring has no slot free; `EBADFD` where it has been made and not been
/// enabled; `InvalidInput` on another ring than that of the descriptor.
///
/// # Cancellation
///
/// Stops it only before it has begun. A file that is in its slot by then is closed there where
/// nobody takes it.
///
/// # Kernel
///
/// Linux 6.0. The file, and a descriptor of the other ring, are the event's until completion. Where
/// the other ring is bound to a thread the file gets there when that thread enters the kernel.
///
/// # References
///
/// [`io_uring_prep_msg_ring_fd(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_msg_ring_fd.3.html)
#[doc(alias = "IORING_OP_MSG_RING")]
#[derive(Debug)]
pub struct SendToRing {
    file: SharedFd,
    table: DirectTable,
    /// A share of the other ring itself.
    ring: SharedFd,
}

impl SendToRing {
    /// Sends `file`, a [`DirectFd`] or a share of one, to the ring of `table`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where `file` is no direct descriptor, or of that very ring; `NotConnected`
    /// where the ring has gone; `Unsupported` where the driver that has made the table does not
    /// take files from others.
    pub fn new(file: impl Into<SharedFd>, table: &DirectTable) -> io::Result<SendToRing> {
        let file = file.into();
        match file.place() {
            Place::Descriptor(_) => Err(invalid("only direct descriptors are sent to a ring")),
            Place::Direct(ring, _) if ring == table.ring() => {
                Err(invalid("the direct descriptor is of that very ring"))
            }
            Place::Direct(..) => {
                let ring = table.ring_file()?;
                Ok(SendToRing { file, table: table.clone(), ring })
            }
        }
    }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

impl Event for SendToRing {
    type Output = io::Result<DirectFd>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: S1 by E2: the entry names two files that the event owns shares of.
        let entry = unsafe { Sqe::new(opcode::MSG_RING) };
        let entry = entry.file(&self.ring).address_number(SEND_FD).op_flags(NO_CQE);
        let mut entry = entry.file_index(ANY_SLOT);
        if let Place::Direct(ring, slot) = self.file.place() {
            entry = entry.of(ring).address3(ptr::without_provenance::<()>(slot as usize));
        }
        sqes.push(entry);
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<DirectFd> {
        // E3: the kernel has put the file into this slot, and nobody else knows of it.
        outcome.result().map(|slot| self.table.opened(slot))
    }
}
