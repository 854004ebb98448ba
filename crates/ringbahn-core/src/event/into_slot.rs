//! [`IntoSlot`]: opens a file into a slot of the ring instead of as a descriptor.
#![allow(unsafe_code)]

use std::io;

use crate::direct::DirectTable;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// `IORING_FILE_INDEX_ALLOC`: the kernel chooses a free slot.
pub(super) const ANY_SLOT: u32 = u32::MAX;

/// An event that opens a file: [`OpenAt`](crate::event::OpenAt),
/// [`OpenAt2`](crate::event::OpenAt2), [`Accept`](crate::event::Accept),
/// [`Pipe`](crate::event::Pipe), which opens two, and [`Socket`](crate::event::Socket). There are
/// no others, since only these make what the kernel answers with slots.
pub trait Opens: Event + sealed::Opening {
    /// The event that does the same, but for the file to get into a slot of `table`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # // Not run: this crate brings no driver to run it on.
    /// use ringbahn_core::event::{OpenAt, OpenOptions, Opens, Position, Read};
    /// use ringbahn_core::{DirectTable, Drive};
    ///
    /// # async fn example(driver: impl Drive + Copy, table: &DirectTable) -> std::io::Result<()> {
    /// let open = OpenAt::new("/etc/hostname", OpenOptions::new().read(true))?;
    /// let file = driver.submit(open.into_slot(table)).await?;
    /// let (count, name) = driver.submit(Read::new(file, vec![0; 64], Position::At(0))).await;
    /// # drop((count, name));
    /// # Ok(())
    /// # }
    /// ```
    fn into_slot(self, table: &DirectTable) -> IntoSlot<Self> {
        IntoSlot::new(self, table)
    }
}

impl<E: sealed::Opening> Opens for E {}

pub(super) mod sealed {
    use super::{DirectTable, Event, Sqe};

    /// What [`IntoSlot`](super::IntoSlot) needs of an event.
    pub trait Opening: Event {
        /// The output for a file in a slot.
        type Opened;

        /// The entry; for a descriptor with `flags`, which are those of the process's descriptors.
        ///
        /// # Safety
        ///
        /// As for [`Event::prepare`].
        unsafe fn entry(&mut self, flags: i32) -> Sqe;

        /// Makes the output, where the kernel has put what was opened into slots of `table`, and
        /// has answered with this number.
        fn opened(self, answer: u32, table: &DirectTable) -> Self::Opened;
    }
}

/// Opens a file into a slot of a ring, as a direct descriptor.
///
/// Made by [`Opens::into_slot`]. Yields what the event within yields, with a
/// [`DirectFd`](crate::DirectFd) in place of the descriptor. Dropping the output closes the file.
///
/// # Errors
///
/// Those of the event within; `ENFILE` where no slot is free; `InvalidInput` on another ring than
/// that of the table.
///
/// # Cancellation
///
/// That of the event within. A file that got into its slot before the cancel arrived is closed
/// where nobody takes it.
///
/// # Kernel
///
/// Linux 5.19. The event within may need a newer one. What it owns is the event's until completion.
///
/// # References
///
/// [`io_uring_prep_open(3)`](https://man7.org/linux/man-pages/man3/io_uring_prep_open.3.html)
#[doc(alias = "IORING_FILE_INDEX_ALLOC")]
#[derive(Debug)]
pub struct IntoSlot<E> {
    event: E,
    table: DirectTable,
}

impl<E: Opens> IntoSlot<E> {
    /// `event`, but for the file to get into a slot of `table`.
    pub fn new(event: E, table: &DirectTable) -> IntoSlot<E> {
        IntoSlot { event, table: table.clone() }
    }
}

impl<E: Opens> Event for IntoSlot<E> {
    type Output = io::Result<E::Opened>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: E1 holds for the event within, which is a part of this one. A file in a slot is
        // nothing that an exec could pass on, and the kernel refuses to be told not to.
        let entry = unsafe { self.event.entry(0) };
        sqes.belongs_to(self.table.ring());
        sqes.push(entry.file_index(ANY_SLOT));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<E::Opened> {
        // E3: the kernel has filled slots, and nobody else knows of them.
        let answer = outcome.result()?;
        Ok(self.event.opened(answer, &self.table))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use socket2::{Domain, Type};

    use super::*;
    use crate::event::testing::{cancelled, complete, prepared, shared_null};
    use crate::event::{Accept, OpenAt, OpenOptions, Read, Socket};
    use crate::fd::SharedFd;
    use crate::ring_id::{Home, RingId};
    use crate::sqe::FLAG_FIXED_FILE;

    #[derive(Debug)]
    struct Closed {
        ring: RingId,
        slots: Arc<Mutex<Vec<u32>>>,
    }

    impl crate::Slots for Closed {
        fn ring(&self) -> RingId {
            self.ring
        }

        fn close(&self, slot: u32) {
            self.slots.lock().unwrap().push(slot);
        }
    }

    fn table() -> (DirectTable, Arc<Mutex<Vec<u32>>>) {
        let slots = Arc::default();
        let ring = RingId::new();
        (DirectTable::new(Closed { ring, slots: Arc::clone(&slots) }), slots)
    }

    fn open(table: &DirectTable) -> IntoSlot<OpenAt> {
        OpenAt::new("/", OpenOptions::new().read(true)).unwrap().into_slot(table)
    }

    #[test]
    fn a_slot_is_closed_once_when_its_last_share_goes() {
        let (table, closed) = table();
        let file = complete(open(&table), 7).unwrap();
        assert_eq!((file.slot(), table.open()), (7, 1));
        let shares: [SharedFd; 2] = std::array::from_fn({
            let share = SharedFd::from(file);
            move |_| share.clone()
        });
        let [first, second] = shares;
        drop(first);
        assert_eq!(*closed.lock().unwrap(), []);
        drop(second);
        assert_eq!((&closed.lock().unwrap()[..], table.open()), (&[7][..], 0));
    }

    #[test]
    fn a_file_that_nobody_takes_is_closed_and_an_error_closes_nothing() {
        let (table, closed) = table();
        cancelled(open(&table), 3);
        cancelled(Socket::new(Domain::IPV4, Type::STREAM, None).into_slot(&table), 4);
        cancelled(Accept::new(shared_null()).into_slot(&table), -libc::ECANCELED);
        for errno in [libc::ENFILE, libc::ECANCELED, 512] {
            assert!(complete(open(&table), -errno).is_err());
        }
        assert_eq!((&closed.lock().unwrap()[..], table.open()), (&[3, 4][..], 0));
    }

    #[test]
    fn the_entries_go_to_the_ring_of_the_table_only() {
        let (table, _closed) = table();
        let home = Home::only(table.ring());
        assert_eq!(prepared(&mut open(&table)).home(), home);
        let file = complete(open(&table), 7).unwrap();
        let mut read = Read::new(file, [0; 4], crate::event::Position::Current);
        let sqes = prepared(&mut read);
        assert_eq!(sqes.home(), home);
        let [entry] = sqes.entries() else { panic!("one entry") };
        assert_eq!((entry.get_fd(), entry.flags()), (7, FLAG_FIXED_FILE));
        assert_eq!(entry.bytes()[56..], [0; 8], "the kernel wants nothing there");
    }
}
