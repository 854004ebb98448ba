//! [`RegisterFd`]: a slot of the ring for a file that the process has open.
//!
//! # Safety
//!
//! RF1. Where the kernel answers that it has registered one file, it has written the slot that it
//!      has chosen over `number`, and nobody else knows of that slot.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;

use crate::direct::{DirectFd, DirectTable};
use crate::event::Event;
use crate::fd::{Place, SharedFd};
use crate::opcode;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_FILE_INDEX_ALLOC` as a C `int`, of whose value this word has the extended sign.
const ANY_SLOT_HERE: u64 = u64::MAX;

/// Gets a file that the process has open into a slot of the ring, as a direct descriptor.
///
/// The descriptor stays what it was: both are the same open file, which is closed when both have
/// been. The other way round it is [`InstallFd`](super::InstallFd). Dropping the output closes the
/// slot.
///
/// # Errors
///
/// `ENFILE` where no slot is free; `EBADF` where the file is a ring of io_uring; `Unsupported` on
/// kernels before 6.0; `InvalidInput` on another ring than that of the table.
///
/// # Cancellation
///
/// Stops it only before it has begun. A file that is in its slot by then is closed there where
/// nobody takes it.
///
/// # Kernel
///
/// Linux 6.0. The file, and the place for the number of the slot, are the event's until completion.
///
/// # References
///
/// [`io_uring_prep_files_update(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_files_update.3.html)
#[doc(alias = "IORING_OP_FILES_UPDATE")]
#[derive(Debug)]
pub struct RegisterFd {
    file: SharedFd,
    table: DirectTable,
    /// The descriptor on the way in, the slot on the way out.
    number: RawFd,
}

impl RegisterFd {
    /// A slot of `table` for `file`, a descriptor of the process.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where `file` is a direct descriptor:
    /// [`SendToRing`](super::SendToRing) gets it into a slot of another ring.
    pub fn new(file: impl Into<SharedFd>, table: &DirectTable) -> io::Result<RegisterFd> {
        let file = file.into();
        if let Place::Direct(..) = file.place() {
            let message = "the file is in a slot already: only descriptors of the process get \
                           into one this way";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(RegisterFd { file, table: table.clone(), number: -1 })
    }
}

impl Event for RegisterFd {
    type Output = io::Result<DirectFd>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        if let Place::Descriptor(number) = self.file.place() {
            self.number = number;
        }
        // SAFETY: S1 by E1: the place for the number is the event's; E2: and so is the file.
        let entry = unsafe { Sqe::new(opcode::FILES_UPDATE) };
        let entry = entry.address(&raw mut self.number).length(1).offset(ANY_SLOT_HERE);
        sqes.push(entry.of(self.table.ring()));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<DirectFd> {
        match outcome.result() {
            // RF1: one was asked for.
            Ok(1..) => Ok(self.table.opened(self.number.cast_unsigned())),
            Ok(0) => Err(io::Error::other("the kernel has registered no file, and not said why")),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "files get into slots that the kernel chooses from Linux 6.0 on: use a descriptor \
                 of the process, or open the file into a slot",
            )),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::event::testing::{cancelled, complete, entry, null};
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

    /// An event that the kernel has answered with this slot.
    fn answered(table: &DirectTable, slot: RawFd) -> RegisterFd {
        let file = null();
        let number = file.as_raw_fd();
        let mut event = RegisterFd::new(file, table).unwrap();
        let place: *mut RawFd = entry(&mut event).get_address().cast();
        // SAFETY: E1: the entry's place has room for one number, and its event is in place.
        let asked = unsafe { place.replace(slot) };
        assert_eq!(asked, number);
        event
    }

    #[test]
    fn the_slot_is_the_one_that_the_kernel_has_written() {
        let closed = Arc::default();
        let table = DirectTable::new(Closed(RingId::new(), Arc::clone(&closed)));
        let file = complete(answered(&table, 3), 1).unwrap();
        assert_eq!((file.slot(), table.open()), (3, 1));
        assert!(RegisterFd::new(file, &table).is_err(), "it is in a slot");
        cancelled(answered(&table, 4), 1);
        assert_eq!((&closed.lock().unwrap()[..], table.open()), (&[3, 4][..], 0));
        for result in [0, -libc::ENFILE, -libc::EINVAL, -libc::ECANCELED, -512] {
            assert!(complete(answered(&table, 5), result).is_err());
        }
        assert_eq!(closed.lock().unwrap().len(), 2);
    }

    #[test]
    fn one_that_is_submitted_once_more_names_the_descriptor_again() {
        let table = DirectTable::new(Closed(RingId::new(), Arc::default()));
        let mut event = answered(&table, 3);
        let number = event.file.place();
        entry(&mut event);
        assert_eq!(Place::Descriptor(event.number), number);
    }
}
