//! [`Sqe`]: a submission queue entry, 64 bytes in the kernel's layout.
//!
//! The entry is ringbahn's own type because drivers must be able to *read* it: a fallback or a
//! simulator executes entries instead of handing them to a kernel. Its address words are unions
//! of pointer and integer, so that a pointer keeps its provenance on the way.
//!
//! An entry cannot be copied or cloned. It may be written to one place of one submission queue
//! once; an entry submitted twice would let the kernel write into memory already given back. And
//! what has been committed stays committed: a driver may take an entry out of a place of its own,
//! and change it, but it comes onto no tray again, since its `user_data` is not zero any more.
//!
//! # Safety
//!
//! S1. Every pointer and every descriptor in an entry stays valid until the operation's terminal
//!     CQE. Whoever calls [`Sqe::new`] promises it; [`Event::prepare`](crate::Event::prepare)
//!     gives implementors the guarantee to build that promise on.
//!
//! S2. Every bit pattern is a valid integer, so a [`Word`] may be read as one at any time.
//!
//! S3. What an event has pushed onto a tray stays on it, in its order, until the tray meets its
//!     queue: a tray only grows, and its lifetime keeps it from being exchanged for another. So
//!     the entries of a chain's events lie where they were pushed, and go where their events go.
//!
//! S4. What is registered with a ring is named on that ring only. An entry knows whose resources
//!     it names until it is pushed, its tray knows from then on, and a queue takes from a tray
//!     only what is meant for its own ring.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt;
use std::mem::{offset_of, size_of};

mod entries;
mod tray;

pub use tray::Sqes;

use crate::fd::{Place, SharedFd};
use crate::opcode;
use crate::personality::Personality;
use crate::provided::{BufferGroup, BufferQueue, SendQueue};
use crate::ring_id::{Home, RingId};

/// The most entries that one event may ask for.
pub const SQES_PER_EVENT_MAX: u32 = 64;

/// A word of an entry that holds an address or a number.
#[derive(Clone, Copy)]
#[repr(C)]
union Word {
    pointer: *mut c_void,
    integer: u64,
}

impl Word {
    const ZERO: Word = Word { integer: 0 };

    fn integer(self) -> u64 {
        // SAFETY: S2, whichever of the two was stored.
        unsafe { self.integer }
    }

    fn pointer(self) -> *mut c_void {
        // SAFETY: S2; a pointer made from a number is valid to hold, only not to follow.
        unsafe { self.pointer }
    }
}

/// A submission queue entry.
///
/// Built by [`Event::prepare`](crate::Event::prepare), read by drivers that execute entries
/// themselves. The setters consume and return the entry, so that one reads as a sentence:
///
/// ```
/// use ringbahn_core::{opcode, Sqe};
///
/// // SAFETY: a NOP names no memory and no descriptor.
/// let entry = unsafe { Sqe::new(opcode::NOP) }.length(7);
/// assert_eq!((entry.opcode(), entry.get_length()), (opcode::NOP, 7));
/// ```
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[repr(C)]
pub struct Sqe {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: i32,
    offset: Word,
    address: Word,
    length: u32,
    op_flags: u32,
    user_data: u64,
    buffer_index: u16,
    personality: u16,
    file_index: u32,
    address3: Word,
    /// The ring whose resources the entry names, until a tray takes note of it. The kernel wants
    /// to see 0 here.
    home: Home,
}

const _: () = {
    assert!(size_of::<usize>() == 8, "ringbahn needs a 64-bit target");
    assert!(size_of::<Sqe>() == 64);
    assert!(offset_of!(Sqe, offset) == 8);
    assert!(offset_of!(Sqe, address) == 16);
    assert!(offset_of!(Sqe, length) == 24);
    assert!(offset_of!(Sqe, user_data) == 32);
    assert!(offset_of!(Sqe, file_index) == 44);
    assert!(offset_of!(Sqe, address3) == 48);
    assert!(offset_of!(Sqe, home) == 56 && size_of::<Home>() == 8);
};

// SAFETY: an entry is plain numbers and addresses that it never follows; S1 makes the memory
// behind them the operation's, whichever thread submits it.
unsafe impl Send for Sqe {}
// SAFETY: S1, as for `Send`; shared access only reads the numbers and follows no address.
unsafe impl Sync for Sqe {}

/// `IOSQE_FIXED_FILE`: the descriptor is an index into the ring's table of registered files.
pub(crate) const FLAG_FIXED_FILE: u8 = 1 << 0;
/// `IOSQE_BUFFER_SELECT`: the kernel chooses a buffer of a group.
const FLAG_BUFFER_SELECT: u8 = 1 << 5;
/// A `user_data` that no entry has: it bears the mark of the ring's own ones.
const NOBODY: u64 = u64::MAX;

/// `IORING_RECVSEND_FIXED_BUF`: the data lies in a registered buffer.
const SEND_FIXED_BUFFER: u16 = 1 << 2;

/// `IOSQE_IO_DRAIN`: the entry starts when all before it have ended, and all behind it wait.
pub(crate) const FLAG_DRAIN: u8 = 1 << 1;
/// `IOSQE_IO_LINK`: the next entry starts when this one has succeeded.
pub(crate) const FLAG_LINK: u8 = 1 << 2;
/// `IOSQE_IO_HARDLINK`: the next entry starts when this one has ended.
pub(crate) const FLAG_HARD_LINK: u8 = 1 << 3;
/// `SPLICE_F_FD_IN_FIXED`: the file to take from is an index into the table of registered files.
const SPLICE_FROM_FIXED: u32 = 1 << 31;

/// How an entry hangs on the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coupling {
    /// It starts when that one has succeeded.
    Soft,
    /// It starts when that one has ended.
    Hard,
}

impl Sqe {
    /// An entry that asks for `opcode` (one of [`opcode`](crate::opcode)), all else zero and the
    /// descriptor −1.
    ///
    /// # Safety
    ///
    /// Every pointer and descriptor that the finished entry names must stay valid, and the memory
    /// unaliased as the opcode needs it (see the kernel's manual), until the operation's terminal
    /// CQE. Within [`Event::prepare`](crate::Event::prepare) whatever `self` owns is so.
    pub const unsafe fn new(opcode: u8) -> Sqe {
        Sqe {
            opcode,
            flags: 0,
            ioprio: 0,
            fd: -1,
            offset: Word::ZERO,
            address: Word::ZERO,
            length: 0,
            op_flags: 0,
            user_data: 0,
            buffer_index: 0,
            personality: 0,
            file_index: 0,
            address3: Word::ZERO,
            home: Home::ANY,
        }
    }

    /// An entry that does nothing and completes with 0.
    #[inline]
    pub const fn nop() -> Sqe {
        // SAFETY: S1 holds trivially: a NOP names no memory and no descriptor.
        unsafe { Sqe::new(opcode::NOP) }
    }

    /// An entry that cancels the one whose CQE will carry `user_data`.
    pub(crate) const fn cancel(user_data: u64) -> Sqe {
        // SAFETY: S1 holds trivially: the address word is a number that the kernel compares.
        unsafe { Sqe::new(opcode::ASYNC_CANCEL) }.address_number(user_data)
    }

    /// The file to operate on.
    #[must_use]
    #[inline]
    pub fn file(mut self, file: &SharedFd) -> Sqe {
        match file.place() {
            Place::Descriptor(number) => self.fd = number,
            Place::Direct(ring, slot) => {
                self.fd = slot.cast_signed();
                self.flags |= FLAG_FIXED_FILE;
                self = self.of(ring);
            }
        }
        self
    }

    /// The file that SPLICE and TEE take from; they put into [`file`](Sqe::file). Sets a flag in
    /// the word of [`op_flags`](Sqe::op_flags), so it comes after that.
    #[must_use]
    pub(crate) fn source_file(mut self, file: &SharedFd) -> Sqe {
        match file.place() {
            Place::Descriptor(number) => self.file_index = number.cast_unsigned(),
            Place::Direct(ring, slot) => {
                self.file_index = slot;
                self.op_flags |= SPLICE_FROM_FIXED;
                self = self.of(ring);
            }
        }
        self
    }

    /// The group of buffers that the kernel is to choose from when there is data. No ring but that
    /// of the group takes the entry.
    #[must_use]
    #[inline]
    pub fn buffer_group(mut self, group: &BufferGroup) -> Sqe {
        if group.is_used_up_bit_by_bit() {
            // Only the event that has the queue may.
            self.home = self.home.and(Home::ALONE);
        }
        self.select(group.ring(), group.id())
    }

    /// The buffers of a queue, which the event owns.
    #[must_use]
    pub(crate) fn buffer_queue(self, queue: &BufferQueue) -> Sqe {
        self.select(queue.ring(), queue.group().id())
    }

    /// The bytes of a queue that wait to be sent. The event owns the queue.
    #[must_use]
    pub(crate) fn send_queue(self, queue: &SendQueue) -> Sqe {
        self.select(queue.ring(), queue.id())
    }

    fn select(self, ring: RingId, id: u16) -> Sqe {
        self.selecting(id).of(ring)
    }

    /// The number of the group of buffers that the kernel is to choose from.
    #[must_use]
    pub(crate) fn selecting(mut self, group: u16) -> Sqe {
        self.flags |= FLAG_BUFFER_SELECT;
        self.buffer_index = group;
        self
    }

    /// Says that the entry names something registered with `ring`: no other ring takes it.
    ///
    /// [`file`](Sqe::file) says so by itself.
    #[must_use]
    #[inline]
    pub(crate) fn of(mut self, ring: RingId) -> Sqe {
        self.home = self.home.and(Home::only(ring));
        self
    }

    /// The descriptor word as a number: `AT_FDCWD`, or for opcodes such as SOCKET something else.
    #[must_use]
    pub const fn fd_number(mut self, number: i32) -> Sqe {
        self.fd = number;
        self
    }

    /// The address word as a pointer: the data, a path, an `iovec` array, a `msghdr`, …
    #[must_use]
    pub const fn address<T>(mut self, pointer: *const T) -> Sqe {
        self.address = Word { pointer: pointer.cast_mut().cast() };
        self
    }

    /// The address word as a number: the target of ASYNC_CANCEL.
    #[must_use]
    pub const fn address_number(mut self, number: u64) -> Sqe {
        self.address = Word { integer: number };
        self
    }

    /// The length word: bytes, `iovec`s or whatever the opcode counts.
    #[must_use]
    pub const fn length(mut self, length: u32) -> Sqe {
        self.length = length;
        self
    }

    /// The offset word as a number: a position in the file, in bytes, or `u64::MAX` for the
    /// current one.
    #[must_use]
    pub const fn offset(mut self, offset: u64) -> Sqe {
        self.offset = Word { integer: offset };
        self
    }

    /// The offset word as a pointer: the second address of ACCEPT and STATX.
    #[must_use]
    pub const fn address2<T>(mut self, pointer: *const T) -> Sqe {
        self.offset = Word { pointer: pointer.cast_mut().cast() };
        self
    }

    /// The flags word that each opcode reads in its own way (`rw_flags`, `msg_flags`, …).
    #[must_use]
    pub const fn op_flags(mut self, flags: u32) -> Sqe {
        self.op_flags = flags;
        self
    }

    /// The I/O priority, which socket opcodes read as more flags.
    #[must_use]
    pub const fn ioprio(mut self, ioprio: u16) -> Sqe {
        self.ioprio = ioprio;
        self
    }

    /// The index of a registered buffer, or a buffer group.
    #[must_use]
    pub const fn buffer_index(mut self, index: u16) -> Sqe {
        self.buffer_index = index;
        self
    }

    /// The word that names a slot for a direct descriptor, or the length of an address.
    #[must_use]
    pub const fn file_index(mut self, index: u32) -> Sqe {
        self.file_index = index;
        self
    }

    /// The credentials to run with. No ring but that of the personality takes the entry.
    #[must_use]
    pub fn personality(mut self, personality: &Personality) -> Sqe {
        self.personality = personality.number();
        self.of(personality.ring())
    }

    /// The third address word.
    #[must_use]
    pub const fn address3<T>(mut self, pointer: *const T) -> Sqe {
        self.address3 = Word { pointer: pointer.cast_mut().cast() };
        self
    }

    #[inline]
    pub(crate) fn set_user_data(&mut self, user_data: u64) {
        self.user_data = user_data;
    }

    /// Has the entry name its memory by the index under which its ring has it. An operation that
    /// cannot do so takes it for ordinary memory.
    fn use_registered(&mut self, index: u16) {
        match self.opcode {
            opcode::READ => self.opcode = opcode::READ_FIXED,
            opcode::WRITE => self.opcode = opcode::WRITE_FIXED,
            opcode::READV => self.opcode = opcode::READV_FIXED,
            opcode::WRITEV => self.opcode = opcode::WRITEV_FIXED,
            opcode::SEND_ZC => self.ioprio |= SEND_FIXED_BUFFER,
            _ => return,
        }
        self.buffer_index = index;
    }

    pub(crate) fn set_coupled(&mut self, coupling: Coupling) {
        self.flags |= match coupling {
            Coupling::Soft => FLAG_LINK,
            Coupling::Hard => FLAG_HARD_LINK,
        };
    }

    fn set_drained(&mut self) {
        self.flags |= FLAG_DRAIN;
    }

    /// The operation asked for.
    pub const fn opcode(&self) -> u8 {
        self.opcode
    }

    /// The `IOSQE_*` flags.
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// The I/O priority.
    pub const fn get_ioprio(&self) -> u16 {
        self.ioprio
    }

    /// The descriptor word.
    pub const fn get_fd(&self) -> i32 {
        self.fd
    }

    /// The offset word as a number.
    pub fn get_offset(&self) -> u64 {
        self.offset.integer()
    }

    /// The offset word as a pointer.
    pub fn get_address2(&self) -> *mut c_void {
        self.offset.pointer()
    }

    /// The address word as a pointer.
    pub fn get_address(&self) -> *mut c_void {
        self.address.pointer()
    }

    /// The address word as a number.
    pub fn get_address_number(&self) -> u64 {
        self.address.integer()
    }

    /// The length word.
    pub const fn get_length(&self) -> u32 {
        self.length
    }

    /// The opcode's own flags.
    pub const fn get_op_flags(&self) -> u32 {
        self.op_flags
    }

    /// What the CQE will carry back.
    pub const fn user_data(&self) -> u64 {
        self.user_data
    }

    /// The buffer index or group.
    pub const fn get_buffer_index(&self) -> u16 {
        self.buffer_index
    }

    /// The slot for a direct descriptor, or the length of an address.
    pub const fn get_file_index(&self) -> u32 {
        self.file_index
    }

    /// The number of the credentials to run with; 0 for those of the thread that submits.
    pub const fn get_personality(&self) -> u16 {
        self.personality
    }

    /// The third address word as a pointer.
    pub fn get_address3(&self) -> *mut c_void {
        self.address3.pointer()
    }

    /// The 64 bytes as the kernel reads them (little-endian machines: as in its header).
    pub fn bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        let words: [(usize, u64); 5] = [
            (8, self.offset.integer()),
            (16, self.address.integer()),
            (32, self.user_data),
            (48, self.address3.integer()),
            (56, self.home.last_word()),
        ];
        bytes[0] = self.opcode;
        bytes[1] = self.flags;
        bytes[2..4].copy_from_slice(&self.ioprio.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.fd.to_ne_bytes());
        bytes[24..28].copy_from_slice(&self.length.to_ne_bytes());
        bytes[28..32].copy_from_slice(&self.op_flags.to_ne_bytes());
        bytes[40..42].copy_from_slice(&self.buffer_index.to_ne_bytes());
        bytes[42..44].copy_from_slice(&self.personality.to_ne_bytes());
        bytes[44..48].copy_from_slice(&self.file_index.to_ne_bytes());
        for (at, word) in words {
            bytes[at..at + 8].copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }
}

impl fmt::Debug for Sqe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqe")
            .field("opcode", &self.opcode)
            .field("flags", &self.flags)
            .field("fd", &self.fd)
            .field("offset", &self.offset.integer())
            .field("address", &self.address.pointer())
            .field("length", &self.length)
            .field("op_flags", &self.op_flags)
            .field("user_data", &self.user_data)
            .finish_non_exhaustive()
    }
}
