//! [`Request`]: an entry that the kernel has taken, and the memory that goes with it; [`Posted`],
//! a CQE that may be told to an operation table.
//!
//! This is the one place where the simulated kernel touches memory of the program.
//!
//! # Safety
//!
//! K1. A request is made of an entry that has been taken out of the submission queue, and used up
//! by
//!     [`Request::end`], which makes the last CQE of that entry. In between the memory that the
//!     entry names is valid and the operation's, by S1 of `ringbahn_core`: the queue is filled by
//!     reservations only. So nothing can be written after an operation has been given back: there
//!     is no request left to write through.
//!
//! K2. What the words of an entry mean is told by its opcode. Each method here that follows one
//!     asks for the opcode first.
//!
//! K3. The segments of a request are those of its entry: made once, from memory that does not
//!     change while the operation is in flight.
//!
//! K4. A [`Posted`] is made by a request, with `MORE` while it goes on and without when it is used
//!     up; or it echoes a [`Dead`] entry, whose last CQE was made before; or it bears a number that
//!     no operation has ever had. Whoever gets a `Posted` queues it before it asks for the next
//!     one, and the queue keeps the order.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem::MaybeUninit;

use libc::{iovec, msghdr};
use ringbahn_core::{Cqe, Sqe, opcode};

use crate::kernel::address::Address;
use crate::slab::Key;

/// `IOSQE_IO_LINK`: the next entry starts when this one has succeeded.
pub(crate) const LINK: u8 = 1 << 2;
/// `IOSQE_IO_HARDLINK`: the next entry starts when this one has ended.
pub(crate) const HARD_LINK: u8 = 1 << 3;

const FLAG_MORE: u32 = 1 << 1;
const FLAG_NOTIFICATION: u32 = 1 << 3;

/// How many bytes of a target are scribbled into.
const SCRIBBLE: usize = 16;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not run, and waits for nothing but its time.
    Deferred,
    /// It waits for a file, or for its time to be over, and has not done anything.
    Waiting,
    /// It has ended with this result, which is to be posted.
    Ended(i32),
    /// A zero-copy send that has come to this result, and still needs the buffer.
    Notifying(i32),
}

/// A part of the memory that an operation reads or writes.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: *mut u8,
    length: usize,
}

#[derive(Debug)]
enum Segments {
    None,
    One(Segment),
    Many(Vec<Segment>),
}

/// What the beginning of a target was before it was scribbled into.
#[derive(Clone, Copy)]
struct Scribbled {
    /// They may never have been initialised.
    bytes: [MaybeUninit<u8>; SCRIBBLE],
    length: usize,
}

/// An entry that the kernel has taken and not answered for the last time.
pub(crate) struct Request {
    entry: Sqe,
    segments: Segments,
    scribbled: Scribbled,
    /// Which of all the entries it is.
    pub(crate) number: u64,
    /// The file that it works on, if that is a simulated one.
    pub(crate) file: Option<Key>,
    pub(crate) stage: Stage,
    /// How many bytes of it have been sent, where it waits to send all.
    pub(crate) done: usize,
    /// Whether a cancel has been told that it was found: it does not begin to wait any more.
    pub(crate) told_to_stop: bool,
    /// When it began, if it waits for a time.
    pub(crate) begun: Option<u64>,
    /// Entries that start, one after the other, when this one has succeeded.
    pub(crate) followers: Vec<Request>,
}

/// A CQE to be told to the operation table whose entry it answers.
#[derive(Debug)]
pub(crate) struct Posted(Cqe);

/// An entry that has had its last CQE.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dead {
    user_data: u64,
}

impl Request {
    /// The request of an entry that has been taken out of a submission queue.
    pub(crate) fn new(entry: Sqe, number: u64) -> Request {
        let mut request = Request {
            entry,
            segments: Segments::None,
            scribbled: Scribbled { bytes: [MaybeUninit::uninit(); SCRIBBLE], length: 0 },
            number,
            file: None,
            stage: Stage::Deferred,
            done: 0,
            told_to_stop: false,
            begun: None,
            followers: Vec::new(),
        };
        request.segments = request.describe();
        request
    }

    pub(crate) fn entry(&self) -> &Sqe {
        &self.entry
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.entry.opcode()
    }

    fn describe(&self) -> Segments {
        let (address, length) = (self.entry.get_address(), self.entry.get_length() as usize);
        match self.opcode() {
            opcode::READ | opcode::WRITE | opcode::RECV | opcode::SEND | opcode::SEND_ZC => {
                Segments::One(Segment { start: address.cast(), length })
            }
            opcode::READV | opcode::WRITEV => self.vectors(address.cast(), length),
            opcode::SENDMSG | opcode::RECVMSG => {
                let header = self.header();
                self.vectors(header.msg_iov, count(header.msg_iovlen))
            }
            _ => Segments::None,
        }
    }

    /// The segments that `count` vectors of this entry name.
    fn vectors(&self, first: *const iovec, count: usize) -> Segments {
        let segment = |index| {
            // SAFETY: K1, K2: the entry names an array of so many vectors.
            let place = unsafe { first.add(index) };
            // SAFETY: K1, K2: each of them has been filled.
            let vector = unsafe { place.read() };
            Segment { start: vector.iov_base.cast(), length: vector.iov_len }
        };
        Segments::Many((0..count).map(segment).collect())
    }

    fn header(&self) -> msghdr {
        assert!(matches!(self.opcode(), opcode::SENDMSG | opcode::RECVMSG));
        let header: *const msghdr = self.entry.get_address().cast();
        // SAFETY: K1, K2: the address is that of a message header, made of numbers and addresses.
        unsafe { header.read() }
    }

    fn segments(&self) -> &[Segment] {
        match &self.segments {
            Segments::None => &[],
            Segments::One(segment) => std::slice::from_ref(segment),
            Segments::Many(segments) => segments,
        }
    }

    /// Whether its segments are to be written to.
    fn is_target(&self) -> bool {
        matches!(self.opcode(), opcode::READ | opcode::READV | opcode::RECV | opcode::RECVMSG)
    }

    /// How many bytes it is to move.
    pub(crate) fn length(&self) -> usize {
        self.segments().iter().map(|segment| segment.length).sum()
    }

    /// Writes `bytes` to the target, from the byte `at` on, as far as there is room.
    pub(crate) fn scatter(&mut self, mut at: usize, mut bytes: &[u8]) {
        assert!(self.is_target(), "opcode {} has no target", self.opcode());
        for segment in self.segments() {
            let skipped = at.min(segment.length);
            at -= skipped;
            let count = bytes.len().min(segment.length - skipped);
            if count == 0 {
                continue;
            }
            let (now, later) = bytes.split_at(count);
            // SAFETY: K3: the place is within the segment.
            let start = unsafe { segment.start.add(skipped) };
            // SAFETY: K1, K2: the target has room for them, and is the operation's alone.
            unsafe { start.copy_from_nonoverlapping(now.as_ptr(), count) };
            bytes = later;
        }
    }

    /// Adds up to `limit` of the bytes that it is to send, from the byte `at` on, to `to`.
    pub(crate) fn gather(&self, mut at: usize, mut limit: usize, to: &mut Vec<u8>) {
        assert!(!self.is_target(), "opcode {} has nothing to send", self.opcode());
        for segment in self.segments() {
            let skipped = at.min(segment.length);
            at -= skipped;
            let count = limit.min(segment.length - skipped);
            if count == 0 {
                continue;
            }
            // SAFETY: K3: the place is within the segment.
            let start = unsafe { segment.start.add(skipped) };
            // SAFETY: K1, K2, K3: so many initialised bytes, which nobody changes meanwhile.
            let bytes = unsafe { std::slice::from_raw_parts(start, count) };
            to.extend_from_slice(bytes);
            limit -= count;
        }
    }

    /// Writes rubbish to the beginning of the target, which is the kernel's to write to: so a
    /// program that looks at it too early sees that.
    pub(crate) fn scribble(&mut self, rubbish: u8) {
        let Some(&segment) = self.segments().first().filter(|_| self.is_target()) else { return };
        if self.scribbled.length > 0 {
            return;
        }
        let length = segment.length.min(SCRIBBLE);
        if length == 0 {
            return;
        }
        let kept = self.scribbled.bytes.as_mut_ptr();
        // SAFETY: K1: the target has `length` bytes, and so has the place to keep them; they are
        // copied as what may not be initialised.
        unsafe { kept.copy_from_nonoverlapping(segment.start.cast(), length) };
        // SAFETY: K1, K2, as for `scatter`.
        unsafe { segment.start.write_bytes(rubbish, length) };
        self.scribbled.length = length;
    }

    /// Takes the rubbish back: a buffer comes back as it was where nothing has been read.
    pub(crate) fn restore(&mut self) {
        let length = std::mem::take(&mut self.scribbled.length);
        if length > 0
            && let Some(&segment) = self.segments().first()
        {
            let kept = self.scribbled.bytes.as_ptr();
            let start = segment.start.cast::<MaybeUninit<u8>>();
            // SAFETY: K1: as many bytes as were kept, back to where they came from.
            unsafe { start.copy_from_nonoverlapping(kept, length) };
        }
    }

    /// The path that it names, or the first of two, without the zero at the end. Of `SYMLINKAT`
    /// that is what the link is to lead to.
    pub(crate) fn path(&self) -> Vec<u8> {
        assert!(matches!(
            self.opcode(),
            opcode::OPENAT
                | opcode::OPENAT2
                | opcode::STATX
                | opcode::RENAMEAT
                | opcode::UNLINKAT
                | opcode::MKDIRAT
                | opcode::SYMLINKAT
                | opcode::LINKAT
        ));
        // SAFETY: K1, K2: the address is that of a string which ends with a zero.
        let path = unsafe { CStr::from_ptr(self.entry.get_address().cast()) };
        path.to_bytes().to_vec()
    }

    /// The second path that it names, without the zero at the end.
    pub(crate) fn second_path(&self) -> Vec<u8> {
        assert!(matches!(self.opcode(), opcode::RENAMEAT | opcode::SYMLINKAT | opcode::LINKAT));
        // SAFETY: K1, K2: the second address is that of a string which ends with a zero.
        let path = unsafe { CStr::from_ptr(self.entry.get_address2().cast()) };
        path.to_bytes().to_vec()
    }

    /// How a file is to be opened: the flags, and how its path may be followed.
    pub(crate) fn how_to_open(&self) -> (u64, u64) {
        match self.opcode() {
            opcode::OPENAT => (self.entry.get_op_flags().into(), 0),
            code => {
                assert_eq!(code, opcode::OPENAT2);
                let how: *const [u64; 3] = self.entry.get_address2().cast_const().cast();
                // SAFETY: K1, K2: the second address is that of flags, permissions, and how the
                // path may be followed, each of 64 bits.
                let [flags, _, resolve] = unsafe { how.read() };
                (flags, resolve)
            }
        }
    }

    /// How long it is to wait, in nanoseconds. `None` for a time that makes no sense.
    pub(crate) fn duration(&self) -> Option<u64> {
        assert_eq!(self.opcode(), opcode::TIMEOUT);
        let time: *const [i64; 2] = self.entry.get_address().cast();
        // SAFETY: K1, K2: the address is that of seconds and nanoseconds, both of 64 bits.
        let [seconds, nanoseconds] = unsafe { time.read() };
        let (seconds, nanoseconds) =
            (u64::try_from(seconds).ok()?, u64::try_from(nanoseconds).ok()?);
        Some(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
    }

    /// The address that it is to connect or send to, or to have. `Err` where that is none that is
    /// known here.
    pub(crate) fn address(&self) -> Result<Option<Address>, i32> {
        let (start, length) = match self.opcode() {
            opcode::CONNECT | opcode::BIND => {
                (self.entry.get_address(), self.entry.get_offset() as usize)
            }
            opcode::SENDMSG => {
                let header = self.header();
                (header.msg_name, header.msg_namelen as usize)
            }
            _ => return Ok(None),
        };
        if start.is_null() || length == 0 {
            return Ok(None);
        }
        // SAFETY: K1, K2: the entry names an address of so many bytes.
        let bytes = unsafe { std::slice::from_raw_parts(start.cast_const().cast::<u8>(), length) };
        Address::from_bytes(bytes).map(Some).ok_or(libc::EAFNOSUPPORT)
    }

    /// The control messages that it is to send.
    pub(crate) fn control(&self) -> Vec<u8> {
        if self.opcode() != opcode::SENDMSG {
            return Vec::new();
        }
        let header = self.header();
        let length = count(header.msg_controllen);
        if header.msg_control.is_null() || length == 0 {
            return Vec::new();
        }
        let start: *const u8 = header.msg_control.cast_const().cast();
        // SAFETY: K1, K2: the header names so many bytes of control messages.
        unsafe { std::slice::from_raw_parts(start, length) }.to_vec()
    }

    /// How many bytes of control messages it can take.
    pub(crate) fn control_room(&self) -> usize {
        match self.opcode() {
            opcode::RECVMSG => count(self.header().msg_controllen),
            _ => 0,
        }
    }

    /// Tells a receiver of a message what came along with the bytes. `control` is no longer than
    /// there is room for.
    pub(crate) fn answer_message(&mut self, from: Option<&Address>, control: &[u8], flags: i32) {
        let mut header = self.header();
        assert!(self.is_target() && control.len() <= count(header.msg_controllen));
        let name = from.map(Address::to_bytes).unwrap_or_default();
        let room = name.len().min(header.msg_namelen as usize);
        if !header.msg_name.is_null() && room > 0 {
            let start: *mut u8 = header.msg_name.cast();
            // SAFETY: K1, K2: the header names a place with so much room for an address.
            unsafe { start.copy_from_nonoverlapping(name.as_ptr(), room) };
        }
        if !control.is_empty() {
            let start: *mut u8 = header.msg_control.cast();
            // SAFETY: K1, K2: it names a place with so much room for control messages.
            unsafe { start.copy_from_nonoverlapping(control.as_ptr(), control.len()) };
        }
        header.msg_namelen = name.len() as u32;
        header.msg_controllen = control.len() as _;
        header.msg_flags = flags;
        let place: *mut msghdr = self.entry.get_address().cast();
        // SAFETY: K1, K2: the header itself is the operation's to be written to.
        unsafe { place.write(header) };
    }

    /// Tells who has connected.
    pub(crate) fn answer_peer(&mut self, peer: &Address) {
        assert_eq!(self.opcode(), opcode::ACCEPT);
        let start: *mut u8 = self.entry.get_address().cast();
        let length: *mut u32 = self.entry.get_address2().cast();
        if start.is_null() || length.is_null() {
            return;
        }
        let bytes = peer.to_bytes();
        // SAFETY: K1, K2: the second address is that of a length.
        let room = unsafe { length.read() } as usize;
        // SAFETY: K1, K2: so much room is at the first one.
        unsafe { start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len().min(room)) };
        // SAFETY: K1, K2: the length is there to be written to.
        unsafe { length.write(bytes.len() as u32) };
    }

    /// Tells what is known of a file: its number, mode and length, and how many names it has.
    pub(crate) fn answer_statx(
        &mut self,
        number: u64,
        (mode, links): (u16, u32),
        length: u64,
        now: u64,
    ) {
        assert_eq!(self.opcode(), opcode::STATX);
        // SAFETY: K2: a `statx` is made of integers only, for which zero is a value.
        let mut statx: libc::statx = unsafe { MaybeUninit::zeroed().assume_init() };
        statx.stx_mask = libc::STATX_BASIC_STATS;
        statx.stx_ino = number;
        statx.stx_mode = mode;
        statx.stx_size = length;
        statx.stx_blocks = length.div_ceil(512);
        statx.stx_blksize = 4096;
        statx.stx_nlink = links;
        statx.stx_mtime.tv_sec = (now / 1_000_000_000) as i64;
        statx.stx_mtime.tv_nsec = (now % 1_000_000_000) as u32;
        let place: *mut libc::statx = self.entry.get_address2().cast();
        // SAFETY: K1, K2: the second address is that of a place for the answer.
        unsafe { place.write(statx) };
    }

    /// A CQE after which there will be more.
    pub(crate) fn progress(&self, result: i32) -> Posted {
        let user_data = self.entry.user_data();
        Posted(Cqe { user_data, result, flags: FLAG_MORE })
    }

    /// The last CQE. What the entry named is nobody's here any more.
    pub(crate) fn end(mut self, result: i32) -> (Posted, Dead) {
        self.restore();
        let user_data = self.entry.user_data();
        let flags = match self.stage {
            Stage::Notifying(_) => FLAG_NOTIFICATION,
            _ => 0,
        };
        (Posted(Cqe { user_data, result, flags }), Dead { user_data })
    }
}

impl Posted {
    pub(crate) fn cqe(&self) -> &Cqe {
        &self.0
    }

    /// A CQE that belongs to nothing: `user_data` of 32 bits is of generation 0, and no operation
    /// ever is.
    pub(crate) fn unknown(user_data: u32, result: i32) -> Posted {
        Posted(Cqe { user_data: user_data.into(), result, flags: 0 })
    }
}

impl Dead {
    /// One more CQE for an entry that has had its last one.
    pub(crate) fn echo(self, result: i32, notification: bool) -> Posted {
        let flags = if notification { FLAG_NOTIFICATION } else { 0 };
        Posted(Cqe { user_data: self.user_data, result, flags })
    }
}

/// A length of a message header, which is of another type with every libc.
fn count<T: TryInto<usize>>(length: T) -> usize {
    length.try_into().unwrap_or(0)
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("number", &self.number)
            .field("entry", &self.entry)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
