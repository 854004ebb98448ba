//! [`BufferGroup`]: buffers that the kernel chooses from when data is there, and not before.
//!
//! A connection that waits for data with a buffer of its own keeps that buffer from all others. A
//! group belongs to a ring instead, and the kernel takes a buffer out of it for each piece of data.
//! What it has filled is a [`ProvidedBuffer`], which goes back by being dropped.
//!
//! ```text
//!         ┌────────────► in the ring: the kernel takes from the head ───────┐
//!   give back, tail                                                   a CQE names it
//!         └───────────── ProvidedBuffer: its owner's alone ◄────────────────┘
//! ```
//!
//! # Safety
//!
//! PB1. At any time a buffer is in one of three places: in the ring, where it is the kernel's;
//!      named by a CQE that has not been decoded; or in one `ProvidedBuffer`, whose it is alone. It
//!      gets back into the ring by the drop of that one, and by nothing else.
//!
//! PB2. The memory of a group lives as long as a share of the group: each buffer that is out has
//!      one, and so has each operation that may be given one, in its event. So when the last share
//!      goes nothing is in flight that the kernel could fill a buffer for, and the registration is
//!      dropped before the memory is.
//!
//! PB3. The ring's entries and its tail are written under the lock of the group only.
//!
//! PB4. A group whose buffers are used up bit by bit is chosen from by one operation at a time,
//!      that whose event owns its [`BufferQueue`]; an entry of any other event that names the group
//!      is refused by every ring. That operation's CQEs are decoded in the order in which they were
//!      posted, each once, before another operation gets the queue. So the bytes that a CQE names
//!      are those behind what was decoded before, and what PB1 says of a buffer holds of each byte
//!      of these: behind that mark it is the kernel's or named by a CQE, before it in one
//!      `ProvidedBuffer` or back. The buffer gets back into the ring when the kernel is done with
//!      all of it and no part is out.
#![allow(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub(crate) mod buffer;
mod bundle;
pub(crate) mod line;
pub(crate) mod memory;
mod parts;
mod queue;
mod send_queue;

pub use buffer::ProvidedBuffer;
pub use bundle::{Bundle, BundleParts};
pub use memory::GroupMemory;
pub use queue::{BufferQueue, PartDecoder};
pub use send_queue::SendQueue;

use line::Turn;
use parts::{Part, Parts};

use crate::cqe::Cqe;
use crate::outcome::Outcome;
use crate::panics::contain_panic;
use crate::ring_id::{ForeignRing, Home, RingId};

/// A group of buffers of one size, from which the kernel takes one for each piece of data.
///
/// Made by a driver, and good for operations on that driver's ring only; on another one they fail
/// with [`ForeignRing`](crate::ForeignRing). Cloning it costs one atomic increment. The memory is
/// freed when the last clone, the last operation on it and the last of its buffers are gone.
///
/// A group that runs out of buffers is no error: a stream waits until one has come back. So how
/// many there are bounds what all connections together may have received and not yet dealt with.
/// Whoever keeps all buffers of a group while waiting for more of them waits for ever.
///
/// # Kernel
///
/// Linux 5.19. The drivers refuse to make a group where the kernel has none.
#[derive(Clone)]
pub struct BufferGroup {
    group: Arc<Group>,
}

struct Group {
    ring: RingId,
    id: u16,
    /// Whether it is that of a queue.
    bit_by_bit: bool,
    state: Mutex<State>,
    /// Unregisters the group when it is dropped, and so comes before the memory (PB2).
    _registration: Box<dyn Send + Sync>,
    memory: GroupMemory,
}

struct State {
    /// The counter of the next entry of the ring to be written.
    tail: u16,
    /// How many buffers have come back so far.
    returns: u64,
    /// The count of the last one that woke somebody.
    woken_at: u64,
    /// Of a group whose buffers are used up bit by bit: whose which bytes are.
    parts: Option<Parts>,
    /// Those who wait until one comes back, in the order in which they came.
    waiters: Vec<(u64, Waker)>,
    /// The next number for one of them.
    next_waiter: u64,
}

impl BufferGroup {
    /// A group of the buffers in `memory`, which has been registered under `id` with `ring`.
    ///
    /// For drivers. `registration` is dropped when the last buffer and the last operation of the
    /// group are gone; its drop unregisters the group.
    ///
    /// # Safety
    ///
    /// The ring of `memory`, at [`GroupMemory::ring_address`] and with
    /// [`GroupMemory::ring_entries`], is registered as group `id` of `ring`, and nothing else will
    /// be before `registration` has been dropped.
    pub unsafe fn new(
        memory: GroupMemory,
        ring: RingId,
        id: u16,
        registration: Box<dyn Send + Sync>,
    ) -> BufferGroup {
        // SAFETY: PB2, by the contract of this function.
        unsafe { BufferGroup::make(memory, ring, id, registration, false) }
    }

    /// A group whose buffers are used up whole, or bit by bit.
    ///
    /// # Safety
    ///
    /// As for [`new`](BufferGroup::new), and it was registered as one of that kind.
    unsafe fn make(
        memory: GroupMemory,
        ring: RingId,
        id: u16,
        registration: Box<dyn Send + Sync>,
        bit_by_bit: bool,
    ) -> BufferGroup {
        let state = State {
            tail: 0,
            returns: 0,
            woken_at: 0,
            parts: bit_by_bit.then(|| Parts::new(memory.count(), memory.size())),
            waiters: Vec::new(),
            next_waiter: 0,
        };
        let state = Mutex::new(state);
        let group = Group { ring, id, bit_by_bit, state, _registration: registration, memory };
        let count = group.memory.count();
        let mut state = group.lock();
        for index in 0..count {
            // SAFETY: PB1: nobody has had them yet.
            unsafe { group.offer(&mut state, index) };
        }
        group.memory.publish(state.tail);
        drop(state);
        BufferGroup { group: Arc::new(group) }
    }

    /// How many buffers there are.
    pub fn count(&self) -> u16 {
        self.group.memory.count()
    }

    /// How large each of them is, in bytes.
    pub fn size(&self) -> u32 {
        self.group.memory.size()
    }

    /// The ring that the group is registered with.
    pub fn ring(&self) -> RingId {
        self.group.ring
    }

    /// How many buffers have come back so far.
    ///
    /// One goes out for each receive; so when nothing is in flight, and nobody keeps one, as many
    /// have come back as have gone out.
    pub fn returns(&self) -> u64 {
        self.group.lock().returns
    }

    /// Waits until more than `returns` buffers have come back: [`returns`](BufferGroup::returns)
    /// as of before an operation that has found none.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub fn returned_after(&self, returns: u64) -> BufferReturn {
        BufferReturn { turn: Turn::after(self, returns) }
    }

    /// Waits until it is one's turn to receive once more: others who wait for a buffer go first.
    ///
    /// For whoever receives again and again. Without it one that gives a buffer back takes the
    /// same one again, and those who wait for one get none.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub fn turn(&self) -> BufferReturn {
        BufferReturn { turn: Turn::behind_woken(self) }
    }

    /// The group's number on its ring.
    pub fn id(&self) -> u16 {
        self.group.id
    }

    /// Finds out whether the group is registered with `ring`.
    ///
    /// # Errors
    ///
    /// [`ForeignRing`](crate::ForeignRing) where the group is not registered with `ring`.
    pub fn check_ring(&self, ring: RingId) -> Result<(), ForeignRing> {
        Home::only(self.ring()).check(ring)
    }

    /// What a CQE says: its result, and the buffer that it brings, whatever the result is.
    ///
    /// # Safety
    ///
    /// The entry of `outcome` chose from this group, the outcome tells of one CQE, and it is taken
    /// apart once.
    pub(crate) unsafe fn received<E>(
        &self,
        outcome: Outcome<'_, E>,
    ) -> (io::Result<u32>, Option<ProvidedBuffer>) {
        let cqe = outcome.cqe();
        let buffer = cqe.buffer().filter(|&index| index < self.count()).map(|index| {
            let length = u32::try_from(cqe.result).unwrap_or(0).min(self.size());
            // SAFETY: PB1, by the contract of this function: the CQE has just been decoded.
            unsafe { ProvidedBuffer::new(self.clone(), index, 0, length) }
        });
        (outcome.result(), buffer)
    }

    /// The buffer that a CQE says was filled with some data; `None` where it says anything else.
    ///
    /// # Safety
    ///
    /// As for [`received`](BufferGroup::received).
    #[inline]
    pub(crate) unsafe fn filled(&self, cqe: &Cqe) -> Option<ProvidedBuffer> {
        let length = u32::try_from(cqe.result).ok().filter(|&length| length > 0)?;
        let index = cqe.buffer().filter(|&index| index < self.count())?;
        // SAFETY: PB1, by the contract of this function: the CQE has just been decoded.
        Some(unsafe { ProvidedBuffer::new(self.clone(), index, 0, length.min(self.size())) })
    }

    /// Whether it is that of a [`BufferQueue`].
    pub(crate) fn is_used_up_bit_by_bit(&self) -> bool {
        self.group.bit_by_bit
    }

    /// The next `bytes` that the kernel has used, the first of which lie in the buffer `first`;
    /// `None` where they are not next.
    ///
    /// # Safety
    ///
    /// PB4: a CQE says so, of the operation that has the queue, and all its CQEs are told in order.
    unsafe fn parts(&self, first: u16, bytes: u32) -> Option<Bundle> {
        let taken = self.group.lock().parts.as_mut()?.take(first, bytes)?;
        let own = |Part { index, start, length }: Part| {
            // SAFETY: PB1 by PB4: the bytes are those behind the mark, which has just passed them.
            unsafe { ProvidedBuffer::new(self.clone(), index, start, length) }
        };
        let parts = taken.parts.into_iter().map(own).collect();
        if let Some(index) = taken.left {
            // SAFETY: PB4: the kernel is done with it, and this is the end of its hold.
            unsafe { self.give_back(index) };
        }
        Some(Bundle::new(parts))
    }

    /// The buffer's place in memory.
    fn address(&self, index: u16) -> std::ptr::NonNull<u8> {
        self.group.memory.buffer(index)
    }

    /// Puts a buffer back into the ring, if nobody has any more of it, and tells those who wait.
    ///
    /// # Safety
    ///
    /// The buffer is the caller's, or a part of it, who does not touch it any more.
    unsafe fn give_back(&self, index: u16) {
        let mut state = self.group.lock();
        if state.parts.as_mut().is_some_and(|parts| !parts.give_back(index)) {
            return;
        }
        // SAFETY: PB1, by the contract of this function; PB4: no other part of it is out.
        unsafe { self.group.offer(&mut state, index) };
        self.group.memory.publish(state.tail);
        state.returns += 1;
        if state.waiters.is_empty() {
            return;
        }
        let waiters = std::mem::take(&mut state.waiters);
        state.woken_at = state.returns;
        drop(state);
        for (_, waker) in waiters {
            contain_panic(|| waker.wake());
        }
    }
}

/// The future of [`BufferGroup::returned_after`].
#[must_use = "futures do nothing unless polled"]
pub struct BufferReturn {
    turn: Turn,
}

impl Future for BufferReturn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.turn.poll(cx.waker())
    }
}

impl fmt::Debug for BufferReturn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferReturn").finish_non_exhaustive()
    }
}

impl Group {
    /// Writes the entry that offers a buffer to the kernel, which sees it when the tail is
    /// published.
    ///
    /// # Safety
    ///
    /// The buffer is the caller's, all of it.
    unsafe fn offer(&self, state: &mut State, index: u16) {
        // SAFETY: PB1, by the contract of this function; PB3: the state is that under the lock.
        unsafe { self.memory.put(state.tail, index, 0..self.memory.size()) };
        state.tail = state.tail.wrapping_add(1);
        if let Some(parts) = &mut state.parts {
            parts.offer(index);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic half-way runs under the lock, so poison says nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BufferGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferGroup")
            .field("count", &self.count())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
