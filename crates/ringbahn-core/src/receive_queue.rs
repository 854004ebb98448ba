//! [`ReceiveQueue`]: a receive queue of a network card, which puts what it receives into memory of
//! the process; and the way in which that memory goes back to the card.
//!
//! ```text
//!        ┌──────► the card's, or waiting in the refill ring for it ──────┐
//!   given back                                                  a CQE names a piece
//!        └──────── ReceivedPiece: its owner's alone ◄─────────────────────┘
//! ```
//!
//! The kernel says where data lies in the second half of a CQE of 32 bytes, and takes memory back
//! by a ring of its own, the [refill ring](refill), whose entries the process writes.
//!
//! # Safety
//!
//! ZR1. At any time each byte of the area is in one of three places: with the card, or offered to
//!      it in the refill ring; named by one CQE that has not been decoded; or in one
//!      [`ReceivedPiece`], whose it is alone. It gets from there back into the refill ring by the
//!      drop of the piece, and by nothing else. Pieces of one page may be out at once; their bytes
//!      do not overlap, and the kernel counts them before the card gets the page again.
//!
//! ZR2. Area and refill ring live as long as a share of the queue: each piece has one, and so has
//!      each operation that may bring one, in its event. The kernel has their pages pinned as long
//!      as the ring of the queue is open. So memory that this process has unmapped is still
//!      the card's to write to, and nobody else's.
//!
//! ZR3. Entries and tail of the refill ring are written under the lock of the queue only.
//!
//! ZR4. All bytes of the area are initialised: it is made of zeroed pages.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod piece;
pub(crate) mod refill;

pub use piece::ReceivedPiece;
pub use refill::{RefillEntry, RefillMemory};

use refill::{Backlog, RefillRing};

use crate::outcome::Outcome;
use crate::ring_id::RingId;

/// How many bits of an offset say where in its area a piece is (`IORING_ZCRX_AREA_SHIFT`); those
/// above say which area.
const AREA_SHIFT: u32 = 48;

/// The memory of a [`ReceiveQueue`], as a driver has registered it with a ring.
#[derive(Debug)]
pub struct ReceiveMemory {
    /// Where the area begins.
    pub area: NonNull<u8>,
    /// How long it is, in bytes.
    pub length: usize,
    /// How the kernel calls the area in entries of the refill ring.
    pub token: u64,
    /// The refill ring.
    pub refill: RefillMemory,
}

/// A receive queue of a network card that a ring has: what arrives there is not copied.
///
/// A driver makes one ([`LocalDriver::receive_queue`]), and [`RecvZc`](crate::event::RecvZc)
/// receives by it. Clones share it. The queue is the ring's until that is closed; the memory goes
/// when the last share has: of the queue, of an operation, or of a [`ReceivedPiece`].
///
/// [`LocalDriver::receive_queue`]: https://docs.rs/ringbahn-drivers/latest/ringbahn_drivers/struct.LocalDriver.html#method.receive_queue
#[derive(Clone)]
pub struct ReceiveQueue {
    queue: Arc<Queue>,
}

struct Queue {
    ring: RingId,
    id: u32,
    area: NonNull<u8>,
    length: usize,
    token: u64,
    refill: Mutex<Refill>,
    /// Keeps the mappings (ZR2). Dropped last.
    _mappings: Box<dyn Send + Sync>,
}

struct Refill {
    ring: RefillRing,
    /// What did not fit into the ring, which the kernel empties when the card needs memory.
    backlog: Backlog,
    returns: u64,
}

// SAFETY: ZR1, ZR3: the memory belongs to the process, not to a thread; the area is reached through
// pieces only, and the refill ring under the lock.
unsafe impl Send for Queue {}
// SAFETY: ZR1, ZR3, as for `Send`.
unsafe impl Sync for Queue {}

impl ReceiveQueue {
    /// The queue that the kernel knows as `id` on `ring`.
    ///
    /// For drivers. `mappings` keeps the memory, and is dropped with the last share.
    ///
    /// # Safety
    ///
    /// `memory` has been registered with `ring` as the queue `id`, is described as the kernel has
    /// told, and is nobody else's. `mappings` keeps it mapped. The area was zeroed at first.
    /// CQEs of `ring` are noted by [`Noting::note_wide`](crate::Noting::note_wide).
    pub unsafe fn new(
        memory: ReceiveMemory,
        ring: RingId,
        id: u32,
        mappings: Box<dyn Send + Sync>,
    ) -> ReceiveQueue {
        let ReceiveMemory { area, length, token, refill } = memory;
        // SAFETY: RR1 of `refill`, by the contract of this function; ZR2.
        let refill_ring = unsafe { RefillRing::new(refill) };
        let refill = Refill { ring: refill_ring, backlog: Backlog::default(), returns: 0 };
        let queue = Queue {
            ring,
            id,
            area,
            length,
            token,
            refill: Mutex::new(refill),
            _mappings: mappings,
        };
        ReceiveQueue { queue: Arc::new(queue) }
    }

    /// The ring that has it.
    pub fn ring(&self) -> RingId {
        self.queue.ring
    }

    /// How much memory the card has been given, in bytes.
    pub fn area_length(&self) -> usize {
        self.queue.length
    }

    /// How many pieces have come back so far.
    pub fn returns(&self) -> u64 {
        self.queue.lock().returns
    }

    /// The number of the queue on its ring.
    pub(crate) fn id(&self) -> u32 {
        self.queue.id
    }

    /// What a CQE of an operation by this queue brings: the piece of data, `None` at the end of the
    /// stream.
    ///
    /// # Safety
    ///
    /// The entry of `outcome` received by this queue, the outcome tells of one CQE, and it is taken
    /// apart once.
    pub(crate) unsafe fn received<E>(
        &self,
        outcome: Outcome<'_, E>,
    ) -> Option<io::Result<ReceivedPiece>> {
        let offset = outcome.cqe().extra();
        let length = match outcome.result() {
            Ok(0) => return None,
            Ok(length) => length,
            Err(error) => return Some(Err(error)),
        };
        match Place::of(offset, length, self.queue.length) {
            // SAFETY: ZR1, by the contract of this function; the place is within the area.
            Some(place) => Some(Ok(unsafe { ReceivedPiece::new(self.clone(), place) })),
            None => {
                let message = format!(
                    "the kernel received {length} bytes at {offset:#x}, which is not in the area \
                     of the queue"
                );
                Some(Err(io::Error::new(io::ErrorKind::InvalidData, message)))
            }
        }
    }

    /// Where a place begins.
    fn address(&self, place: Place) -> NonNull<u8> {
        // SAFETY: ZR2; a place lies within the area, as `Place::of` has checked.
        unsafe { self.queue.area.add(place.offset) }
    }

    /// Gives a place back to the card.
    ///
    /// # Safety
    ///
    /// It is the caller's, who does not touch it any more, and was named by one CQE as a whole.
    unsafe fn give_back(&self, place: Place) {
        let mut refill = self.queue.lock();
        let Refill { ring, backlog, returns } = &mut *refill;
        backlog.push(place.entry(self.queue.token));
        *returns += 1;
        // What waits comes first; all of it is published at once. ZR3: the lock is held.
        backlog.move_to(ring);
    }
}

/// A place in the area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    offset: usize,
    length: u32,
}

impl Place {
    /// The place of `length` bytes that the kernel has called `offset`, if it is one of an area so
    /// many bytes long.
    fn of(offset: u64, length: u32, area_length: usize) -> Option<Place> {
        // A ring of ours has one area for each queue, whose number is 0.
        let offset = usize::try_from(offset).ok()?;
        let end = offset.checked_add(length as usize)?;
        (offset >> AREA_SHIFT == 0 && end <= area_length).then_some(Place { offset, length })
    }

    /// What gives it back, to the area that the kernel knows by `token`.
    fn entry(self, token: u64) -> RefillEntry {
        RefillEntry::new(self.offset as u64 | token, self.length)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Refill> {
        // No code that can panic half-way runs under the lock, so poison says nothing.
        self.refill.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ReceiveQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveQueue")
            .field("ring", &self.ring())
            .field("area_length", &self.area_length())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A queue over ordinary memory, whose other side the test plays.

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Where the entries of the refill ring begin, in words of 8 bytes.
    const ENTRIES: usize = 8;

    /// What the kernel and the card have. It outlives the queue.
    pub(crate) struct Card {
        area: NonNull<u8>,
        /// The refill ring: head and tail, and from the eighth word on the entries.
        words: NonNull<u64>,
        entries: u32,
        /// Where the kernel has read up to.
        head: u32,
        // Never touched again but through the pointers.
        _memory: Vec<u64>,
        _refill: Vec<u64>,
    }

    /// A queue with an area of `length` bytes and a refill ring of `entries` entries, the counters
    /// of which begin at `start`.
    pub(crate) fn queue(length: usize, entries: u32, start: u32) -> (ReceiveQueue, Card) {
        let mut memory = vec![0_u64; length.div_ceil(8)];
        let mut refill = vec![0_u64; ENTRIES + 2 * entries as usize];
        let area = NonNull::new(memory.as_mut_ptr()).unwrap().cast();
        let words = NonNull::new(refill.as_mut_ptr()).unwrap();
        let card = Card { area, words, entries, head: start, _memory: memory, _refill: refill };
        card.counter(0).store(start, Ordering::Relaxed);
        card.counter(1).store(start, Ordering::Relaxed);
        let refill = RefillMemory {
            head: card.word(0).cast(),
            tail: card.word(1).cast(),
            entries: card.word(ENTRIES).cast(),
            count: entries,
        };
        let memory = ReceiveMemory { area, length, token: 0, refill };
        // SAFETY: no ring knows of it; the memory is the card's, which the tests keep.
        let queue = unsafe { ReceiveQueue::new(memory, RingId::new(), 3, Box::new(())) };
        (queue, card)
    }

    impl Card {
        fn word(&self, index: usize) -> NonNull<u64> {
            // SAFETY: the tests ask for words that there are.
            unsafe { self.words.add(index) }
        }

        fn counter(&self, index: usize) -> &AtomicU32 {
            // SAFETY: the word is there, and only used as an atomic.
            unsafe { AtomicU32::from_ptr(self.word(index).as_ptr().cast()) }
        }

        /// Puts data into the area, as a card does.
        pub(crate) fn put(&self, offset: usize, data: &[u8]) {
            // SAFETY: the tests stay within the area.
            let place = unsafe { self.area.add(offset) };
            // SAFETY: as above, at a place that is the card's.
            unsafe { place.as_ptr().copy_from_nonoverlapping(data.as_ptr(), data.len()) };
        }

        /// What has been given back and published: offset and length of each.
        pub(crate) fn refilled(&mut self) -> Vec<(u64, u32)> {
            let tail = self.counter(1).load(Ordering::Acquire);
            let mut entries = Vec::new();
            while self.head != tail {
                let place = ENTRIES + 2 * (self.head & (self.entries - 1)) as usize;
                // SAFETY: the entry is there, and published.
                let offset = unsafe { self.word(place).read() };
                // SAFETY: as above.
                let [length, padding] = unsafe { self.word(place + 1).cast::<[u32; 2]>().read() };
                assert_eq!(padding, 0);
                entries.push((offset, length));
                self.head = self.head.wrapping_add(1);
            }
            self.counter(0).store(self.head, Ordering::Release);
            entries
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_lies_within_the_one_area() {
        assert_eq!(Place::of(8, 4, 12), Some(Place { offset: 8, length: 4 }));
        for (offset, length) in [(9, 4), (12, 1), (u64::MAX, 1), (1 << AREA_SHIFT, 1)] {
            assert_eq!(Place::of(offset, length, 12), None, "{offset:#x}");
        }
        // Not even in an area as long as can be.
        assert_eq!(Place::of(1 << AREA_SHIFT, 1, usize::MAX), None);
    }

    #[test]
    fn an_entry_says_which_area_a_place_is_of() {
        let place = Place { offset: 0x1234, length: 77 };
        let token = 5 << AREA_SHIFT;
        assert_eq!(place.entry(token), RefillEntry::new(0x0005_0000_0000_1234, 77));
    }
}
