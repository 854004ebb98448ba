//! [`Selection`]: which operations of a driver are meant.

use crate::fd::{Place, SharedFd};
use crate::opcode;
use crate::ring_id::RingId;
use crate::sqe::{FLAG_FIXED_FILE, Sqe, Sqes};

/// Which operations of a driver are meant: all, or those on one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// `None` means all.
    file: Option<EntryFile>,
    /// The ring whose slot the file is in, if it is in one.
    ring: Option<RingId>,
}

impl Selection {
    /// All operations of the driver.
    pub fn all() -> Selection {
        Selection { file: None, ring: None }
    }

    /// The operations on one file: those whose entries name it and no other.
    ///
    /// A file is told by its descriptor, so a duplicate of that is another one. What a chain or a
    /// splice does to several files belongs to none of them.
    pub fn of_file(file: &SharedFd) -> Selection {
        match file.place() {
            Place::Descriptor(number) => Selection { file: Some(EntryFile(number)), ring: None },
            Place::Direct(ring, slot) => {
                Selection { file: Some(EntryFile::direct(slot)), ring: Some(ring) }
            }
        }
    }

    /// Whether an operation on `ring` is meant whose entries name `file`.
    pub(crate) fn names(&self, ring: RingId, file: EntryFile) -> bool {
        // A slot of the same number in another ring is another file.
        let may_be = self.ring.is_none_or(|its| its == ring);
        may_be && self.file.is_none_or(|meant| meant == file && file != EntryFile::NONE)
    }
}

/// Operations whose word of the descriptor is something else: the number of an address family,
/// flags, a process, a count, or a zero that the kernel wants to see.
const NO_FILE: [u8; 8] = [
    opcode::PROVIDE_BUFFERS,
    opcode::REMOVE_BUFFERS,
    opcode::SOCKET,
    opcode::WAITID,
    opcode::FUTEX_WAIT,
    opcode::FUTEX_WAKE,
    opcode::FUTEX_WAITV,
    opcode::PIPE,
];

/// The one file that an operation's entries name, in one word: its descriptor, or a number below
/// −1 for a slot of the table of registered files.
///
/// It cannot come to mean another file while the operation is in flight, which keeps the file open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryFile(i32);

impl EntryFile {
    /// None, or several.
    pub(crate) const NONE: EntryFile = EntryFile(-1);

    /// The file that the entries on a tray name.
    #[inline]
    pub(crate) fn of(sqes: &Sqes) -> EntryFile {
        match sqes.entries() {
            [entry] => EntryFile::named_by(entry),
            entries => EntryFile::named_by_all(entries),
        }
    }

    fn named_by_all(entries: &[Sqe]) -> EntryFile {
        let mut named =
            entries.iter().map(EntryFile::named_by).filter(|&file| file != EntryFile::NONE);
        let first = named.next().unwrap_or(EntryFile::NONE);
        if named.all(|file| file == first) { first } else { EntryFile::NONE }
    }

    #[inline]
    pub(crate) fn named_by(entry: &Sqe) -> EntryFile {
        let number = entry.get_fd();
        // These name another one besides.
        if matches!(entry.opcode(), opcode::SPLICE | opcode::TEE) {
            return EntryFile::NONE;
        }
        if entry.flags() & FLAG_FIXED_FILE != 0 {
            return EntryFile::direct(number.cast_unsigned());
        }
        if number < 0 || NO_FILE.contains(&entry.opcode()) {
            return EntryFile::NONE;
        }
        EntryFile(number)
    }

    fn direct(slot: u32) -> EntryFile {
        // Tables of files have at most 2^20 slots.
        EntryFile(-2 - (slot & 0x3fff_ffff).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::prepared;
    use crate::event::{Domain, EventExt, Fsync, Nop, Position, Read, Socket, Type, Write};
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::sync::Arc;

    fn null() -> (SharedFd, i32) {
        let file = File::open("/dev/null").unwrap();
        let number = file.as_raw_fd();
        (SharedFd::new(Arc::new(file)), number)
    }

    #[test]
    fn an_operation_is_on_the_file_that_all_its_entries_name() {
        let ring = RingId::new();
        let ((one, number), (other, _)) = (null(), null());
        let read = || Read::new(one.clone(), vec![0; 8], Position::Current);
        let write = |file: &SharedFd| Write::new(file.clone(), "a", Position::Current);
        let of = |event: &mut Read<Vec<u8>>| EntryFile::of(&prepared(event));
        assert_eq!(of(&mut read()), EntryFile(number));
        assert!(Selection::of_file(&one).names(ring, of(&mut read())));
        assert!(!Selection::of_file(&other).names(ring, of(&mut read())));
        assert!(Selection::all().names(ring, of(&mut read())));

        let mut durable = write(&one).link(Nop).link(Fsync::new(one.clone()));
        assert_eq!(EntryFile::of(&prepared(&mut durable)), EntryFile(number));
        let mut mixed = write(&one).link(write(&other));
        assert_eq!(EntryFile::of(&prepared(&mut mixed)), EntryFile::NONE);
    }

    #[test]
    fn an_entry_without_a_file_is_on_none() {
        let mut socket = Socket::new(Domain::IPV4, Type::STREAM, None);
        for file in [EntryFile::of(&prepared(&mut socket)), EntryFile::of(&prepared(&mut Nop))] {
            assert_eq!(file, EntryFile::NONE);
            assert!(Selection::all().names(RingId::new(), file));
            let none = Selection { file: Some(EntryFile::NONE), ring: None };
            assert!(!none.names(RingId::new(), file));
        }
    }

    #[test]
    fn a_slot_is_no_descriptor() {
        assert_ne!(EntryFile::direct(0), EntryFile::NONE);
        assert_ne!(EntryFile::direct(5), EntryFile(5));
        assert_ne!(EntryFile::direct(5), EntryFile::direct(6));
    }
}
