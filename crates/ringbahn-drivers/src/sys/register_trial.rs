//! Every register operation, tried on rings that nobody uses.
//!
//! [`STEPS`] is the trial: what is asked of which ring, in an order in which one step finds what an
//! earlier one has left, and a later one takes it away again.
//!
//! # Safety
//!
//! J1. A step passes a null pointer, or a [`Request`]: 256 zeroed bytes, aligned for every
//!     structure of the interface, with some words set. What an opcode of [`STEPS`] reads and
//!     writes, with the count that stands next to it, is never larger.
//!
//! J2. What a request points to is a local of [`Trials::request`]'s caller, large enough for the
//!     one element that is asked for, and is read or written during the call only: tables are
//!     copied, the one buffer is empty, and memory is the kernel's own. No step leaves the kernel
//!     an address to use later.
//!
//! J3. `IORING_REGISTER_QUERY` follows the header it is given to at most `size` bytes.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::uapi::{QueryHeader, QueryOpcodes, REGISTER_QUERY, SYS_REGISTER};

/// The rings that are tried on; each is fresh, and the calling thread's. The kernel may be too old
/// for the last two.
#[derive(Debug)]
pub(crate) struct Rings {
    pub(crate) plain: OwnedFd,
    pub(crate) other: OwnedFd,
    /// `R_DISABLED`, and not enabled.
    pub(crate) disabled: Option<OwnedFd>,
    /// `SINGLE_ISSUER`, `DEFER_TASKRUN`, and `CQE32`.
    pub(crate) deferred: Option<OwnedFd>,
    pub(crate) eventfd: OwnedFd,
}

/// Tries every step, and says for each opcode what its first attempt has returned, or the first
/// that was not `EINVAL`.
pub(crate) fn try_all(rings: &Rings) -> Vec<(u32, io::Result<u32>)> {
    let mut trials = Trials { rings, results: Vec::new() };
    for step in STEPS {
        if let Some(ring) = trials.ring(step.on) {
            let result = trials.take(step, ring);
            trials.results.push((step.opcode, result));
        }
    }
    let mut best: Vec<(u32, io::Result<u32>)> = Vec::with_capacity(trials.results.len());
    for (opcode, result) in trials.results {
        match best.iter_mut().find(|(seen, _)| *seen == opcode) {
            None => best.push((opcode, result)),
            Some((_, Err(error))) if error.raw_os_error() == Some(libc::EINVAL) => {
                best.retain(|(seen, _)| *seen != opcode);
                best.push((opcode, result));
            }
            Some(_) => {}
        }
    }
    best
}

/// What the kernel says that it knows, since Linux 6.18.
///
/// # Errors
///
/// The `errno` of the call, unchanged: `EINVAL` before.
pub(crate) fn query() -> io::Result<QueryOpcodes> {
    let mut answer = QueryOpcodes::default();
    let mut header = QueryHeader {
        data: (&raw mut answer).expose_provenance() as u64,
        size: size_of::<QueryOpcodes>() as u32,
        ..QueryHeader::default()
    };
    let argument = (&raw mut header).cast::<c_void>();
    // SAFETY: J3; both are locals that outlive the call, and accept every bit pattern.
    let returned = unsafe { libc::syscall(SYS_REGISTER, -1, REGISTER_QUERY, argument, 0) };
    if returned < 0 {
        return Err(io::Error::last_os_error());
    }
    if header.result < 0 {
        return Err(io::Error::from_raw_os_error(-header.result));
    }
    Ok(answer)
}

/// What a step is tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Plain,
    Other,
    Disabled,
    Deferred,
    /// No ring: the descriptor -1.
    Nothing,
}

/// What a step asks with.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// A null pointer.
    Null,
    /// These words, and then zeros.
    Words(&'static [u32]),
    /// These words, but for one: at the index there is the descriptor of the plain ring.
    Ring(&'static [u32], usize),
    /// Wherever there is room, and then the descriptor of the plain ring as a long word.
    Enlist,
    /// The descriptor of the eventfd.
    Eventfd,
    /// These words, but for the long one at the index, which is the address of a block.
    Pointing(&'static [u32], usize, Block),
    /// What the opcode has returned, as the first word.
    Answer(u32),
}

/// What a request points to.
#[derive(Clone, Copy, Debug)]
enum Block {
    /// The descriptor -1: an empty slot.
    NoFile,
    /// A `struct iovec` with neither address nor length: an empty slot.
    NoBuffer,
    /// A `struct io_uring_region_desc` that asks for a page of the kernel's.
    Region,
}

#[derive(Clone, Copy, Debug)]
enum Count {
    Exactly(u32),
    /// What the opcode has returned.
    Answer(u32),
}

struct Step {
    opcode: u32,
    on: On,
    ask: Ask,
    count: Count,
}

const fn step(opcode: u32, on: On, ask: Ask, count: u32) -> Step {
    Step { opcode, on, ask, count: Count::Exactly(count) }
}

/// Two half words as they follow each other in memory.
const fn halves(first: u16, second: u16) -> u32 {
    let ([a, b], [c, d]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u32::from_ne_bytes([a, b, c, d])
}

/// `struct io_uring_rsrc_register`, `…_update2`: 32 bytes, which is their count.
const RESOURCE: u32 = 32;
const ALL: u32 = u32::MAX;

const STEPS: &[Step] = &[
    step(0, On::Plain, Ask::Words(&[0; 4]), 1), // BUFFERS: one empty slot.
    step(30, On::Other, Ask::Ring(&[], 0), 1),  // CLONE_BUFFERS
    step(1, On::Plain, Ask::Null, 0),
    step(2, On::Plain, Ask::Words(&[ALL]), 1), // FILES: one empty slot.
    step(6, On::Plain, Ask::Pointing(&[], 2, Block::NoFile), 1),
    step(25, On::Plain, Ask::Words(&[0, 1]), 0), // FILE_ALLOC_RANGE: that slot.
    step(3, On::Plain, Ask::Null, 0),
    step(4, On::Plain, Ask::Eventfd, 1),
    step(5, On::Plain, Ask::Null, 0),
    step(7, On::Plain, Ask::Eventfd, 1), // EVENTFD_ASYNC
    step(5, On::Plain, Ask::Null, 0),
    step(8, On::Plain, Ask::Words(&[]), 0), // PROBE: the header of the answer only.
    step(9, On::Plain, Ask::Null, 0),
    Step { opcode: 10, on: On::Plain, ask: Ask::Null, count: Count::Answer(9) },
    // RESTRICTIONS: nothing may be registered but ENABLE_RINGS.
    step(11, On::Disabled, Ask::Words(&[halves(0, u16::from_ne_bytes([12, 0]))]), 1),
    step(12, On::Disabled, Ask::Null, 0),
    step(13, On::Plain, Ask::Pointing(&[1], 4, Block::NoFile), RESOURCE), // FILES2
    step(14, On::Plain, Ask::Pointing(&[0, 0, 0, 0, 0, 0, 1], 2, Block::NoFile), RESOURCE),
    step(3, On::Plain, Ask::Null, 0),
    step(15, On::Plain, Ask::Pointing(&[1], 4, Block::NoBuffer), RESOURCE), // BUFFERS2
    step(16, On::Plain, Ask::Pointing(&[0, 0, 0, 0, 0, 0, 1], 2, Block::NoBuffer), RESOURCE),
    step(1, On::Plain, Ask::Null, 0),
    step(17, On::Plain, Ask::Words(&[]), 8), // IOWQ_AFF: of this thread, and taken back at once.
    step(18, On::Plain, Ask::Null, 0),
    step(19, On::Plain, Ask::Words(&[0, 0]), 2), // IOWQ_MAX_WORKERS: 0 leaves them as they are.
    step(20, On::Plain, Ask::Enlist, 1),         // RING_FDS
    step(21, On::Plain, Ask::Answer(20), 1),
    // PBUF_RING: one buffer in memory of the kernel's; before 6.4 the answer is EINVAL, and EFAULT
    // to the address 0.
    step(22, On::Plain, Ask::Words(&[0, 0, 1, halves(0, 1)]), 1),
    step(22, On::Plain, Ask::Words(&[0, 0, 1]), 1),
    step(26, On::Plain, Ask::Words(&[]), 1), // PBUF_STATUS
    step(23, On::Plain, Ask::Words(&[]), 1),
    // SYNC_CANCEL: what has never been submitted, without a timeout.
    step(24, On::Plain, Ask::Words(&[1, 1, ALL, 0, ALL, ALL, ALL, ALL]), 1),
    step(27, On::Plain, Ask::Words(&[]), 1), // NAPI
    step(28, On::Plain, Ask::Words(&[]), 1),
    step(29, On::Plain, Ask::Words(&[libc::CLOCK_MONOTONIC as u32]), 0), // CLOCK
    // SEND_MSG_RING: an entry of the opcode MSG_RING.
    step(31, On::Nothing, Ask::Ring(&[u32::from_ne_bytes([40, 0, 0, 0])], 1), 1),
    step(32, On::Deferred, Ask::Words(&[]), 1), // ZCRX_IFQ: without a region, which is EFAULT.
    step(33, On::Deferred, Ask::Words(&[16]), 1), // RESIZE_RINGS: nobody has mapped this ring.
    step(34, On::Plain, Ask::Pointing(&[], 0, Block::Region), 1),
];

/// What a step passes.
#[repr(C, align(8))]
struct Request([u32; 64]);

impl Request {
    fn new(words: &[u32]) -> Request {
        let mut request = Request([0; 64]);
        for (place, word) in request.0.iter_mut().zip(words) {
            *place = *word;
        }
        request
    }

    /// Sets the long word that begins at the word `index`, an even number.
    fn set_long(&mut self, index: usize, value: u64) {
        let [a, b, c, d, e, f, g, h] = value.to_ne_bytes();
        self.0[index] = u32::from_ne_bytes([a, b, c, d]);
        self.0[index + 1] = u32::from_ne_bytes([e, f, g, h]);
    }
}

struct Trials<'a> {
    rings: &'a Rings,
    results: Vec<(u32, io::Result<u32>)>,
}

impl Trials<'_> {
    fn ring(&self, on: On) -> Option<RawFd> {
        let ring = match on {
            On::Plain => Some(&self.rings.plain),
            On::Other => Some(&self.rings.other),
            On::Disabled => self.rings.disabled.as_ref(),
            On::Deferred => self.rings.deferred.as_ref(),
            On::Nothing => return Some(-1),
        };
        ring.map(AsRawFd::as_raw_fd)
    }

    /// What `opcode` has returned so far; 0, which nothing is registered under, where it failed.
    fn answer(&self, opcode: u32) -> u32 {
        let mut results = self.results.iter();
        let found = results.find(|(tried, _)| *tried == opcode);
        found.and_then(|(_, result)| result.as_ref().ok().copied()).unwrap_or_default()
    }

    fn take(&self, step: &Step, ring: RawFd) -> io::Result<u32> {
        let count = match step.count {
            Count::Exactly(count) => count,
            Count::Answer(opcode) => self.answer(opcode),
        };
        let mut block = Request::new(&[]);
        let mut request = self.request(step.ask, &mut block);
        let argument = match &mut request {
            Some(request) => (&raw mut *request).cast::<c_void>(),
            None => std::ptr::null_mut(),
        };
        // SAFETY: J1, J2; `request` and `block` are locals that outlive the call.
        let returned = unsafe { libc::syscall(SYS_REGISTER, ring, step.opcode, argument, count) };
        let answer = u32::try_from(returned).map_err(|_| io::Error::last_os_error());
        let answer = match answer {
            // SYNC_CANCEL has looked, and found nothing that it could end.
            Err(error) if step.opcode == 24 && error.raw_os_error() == Some(libc::ENOENT) => 0,
            answer => answer?,
        };
        // The registered ring is not told by the result, but written into the request.
        let index = request.filter(|_| step.opcode == 20).map(|request| request.0[0]);
        Ok(index.unwrap_or(answer))
    }

    /// What to pass for `ask`; `block` is what it may point to.
    fn request(&self, ask: Ask, block: &mut Request) -> Option<Request> {
        let plain = self.rings.plain.as_raw_fd() as u32;
        Some(match ask {
            Ask::Null => return None,
            Ask::Words(words) => Request::new(words),
            Ask::Ring(words, index) => {
                let mut request = Request::new(words);
                request.0[index] = plain;
                request
            }
            Ask::Enlist => {
                let mut request = Request::new(&[ALL]);
                request.set_long(2, u64::from(plain));
                request
            }
            Ask::Eventfd => Request::new(&[self.rings.eventfd.as_raw_fd() as u32]),
            Ask::Answer(opcode) => Request::new(&[self.answer(opcode)]),
            Ask::Pointing(words, index, content) => {
                match content {
                    Block::NoFile => block.0[0] = ALL,
                    Block::NoBuffer => {}
                    Block::Region => block.set_long(2, rustix::param::page_size() as u64),
                }
                let mut request = Request::new(words);
                request.set_long(index, (&raw mut *block).expose_provenance() as u64);
                request
            }
        })
    }
}
