//! [`Sqes`]: the tray on which an event lays out the entries of one operation.

use std::marker::PhantomData;

use smallvec::SmallVec;

use super::{FLAG_LINK, NOBODY, Sqe, Word};
use crate::operation::table::OperationTable;
use crate::operation::target::CancelTarget;
use crate::ring_id::{Home, RingId};
use crate::sharing::Sharing;

/// The entries of one operation, laid out by [`Event::prepare`](crate::Event::prepare) before any
/// queue is involved.
///
/// Preparing on a tray and not in the queue itself costs a copy of 64 bytes, and buys that no
/// user code ever runs under a driver's lock.
///
/// A tray belongs to the call that it is handed to: its lifetime is invariant, so there is no other
/// tray of that type that it could be exchanged for. Were there one, an event in a chain could
/// make off with the entries of the event before it, and have the kernel write to the memory they
/// name when that is long freed:
///
/// ```compile_fail
/// # #![allow(unsafe_code)]
/// use std::sync::Mutex;
/// use ringbahn_core::{Event, Outcome, Sqe, Sqes};
///
/// static LOOT: Mutex<Option<Sqes>> = Mutex::new(None);
///
/// struct Thief;
///
/// impl Event for Thief {
///     type Output = ();
///
///     unsafe fn prepare(&mut self, sqes: &mut Sqes) {
///         *LOOT.lock().unwrap() = Some(std::mem::replace(sqes, Sqes::new()));
///         sqes.push(Sqe::nop());
///     }
///
///     fn complete(self, _outcome: Outcome<'_, Self>) {}
/// }
/// ```
#[derive(Debug)]
pub struct Sqes<'tray> {
    entries: SmallVec<[Sqe; 1]>,
    /// Which entry is to cancel which operation. Where that is to be found is known only when
    /// the tray meets its ring.
    cancels: Vec<(usize, CancelTarget)>,
    /// The rings that the entries may go to.
    home: Home,
    /// Invariant: S3.
    brand: PhantomData<fn(&'tray ()) -> &'tray ()>,
}

impl Sqes<'static> {
    /// An empty tray.
    #[inline]
    pub fn new() -> Sqes<'static> {
        Sqes { entries: SmallVec::new(), cancels: Vec::new(), home: Home::ANY, brand: PhantomData }
    }
}

impl Default for Sqes<'static> {
    fn default() -> Sqes<'static> {
        Sqes::new()
    }
}

impl Sqes<'_> {
    /// Adds an entry behind those there are.
    ///
    /// # Panics
    ///
    /// Panics where the entry was taken out of a place of a queue, to which it had been committed:
    /// the promises made for it were its event's, and no other event can make them.
    #[inline]
    pub fn push(&mut self, mut entry: Sqe) {
        assert!(entry.user_data == 0, "an entry is committed to one queue, once");
        self.home = self.home.and(std::mem::replace(&mut entry.home, Home::ANY));
        self.entries.push(entry);
    }

    /// Says that the entries name something registered with `ring`, such as a group of buffers.
    ///
    /// Any other ring refuses the event with [`ForeignRing`](crate::ForeignRing), in its output,
    /// and nothing of it reaches that ring. Of a direct descriptor given to [`Sqe::file`] the
    /// tray knows by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbahn_core::{Event, Outcome, RingId, Sqe, Sqes};
    ///
    /// /// Does nothing, and on one ring only.
    /// struct NopOn(RingId);
    ///
    /// impl Event for NopOn {
    ///     type Output = std::io::Result<()>;
    ///
    ///     unsafe fn prepare(&mut self, sqes: &mut Sqes) {
    ///         sqes.belongs_to(self.0);
    ///         sqes.push(Sqe::nop());
    ///     }
    ///
    ///     fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
    ///         outcome.result().map(drop)
    ///     }
    /// }
    /// ```
    pub fn belongs_to(&mut self, ring: RingId) {
        self.home = self.home.and(Home::only(ring));
    }

    /// The rings that the entries may go to.
    #[inline]
    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// Adds an entry that cancels `target`, if that is an operation of the same ring.
    pub(crate) fn push_cancel(&mut self, target: CancelTarget) {
        self.cancels.push((self.entries.len(), target));
        self.entries.push(Sqe::cancel(NOBODY));
    }

    /// Finds the operations that are to be cancelled in the ring of `table`.
    #[inline]
    pub(crate) fn aim<S: Sharing>(&mut self, table: &OperationTable<S>) {
        // The targets stay on the tray. It goes when the driver has let go of its lock; a target
        // that is the last share of its operation must not go earlier.
        for (index, target) in &self.cancels {
            if let Some(user_data) = target.user_data_in(table) {
                self.entries[*index].address = Word { integer: user_data };
                // Whoever ends cancelled without having been asked is submitted once more.
                target.forewarn();
            }
        }
    }

    /// The entries so far, in the order of their submission.
    #[inline]
    pub fn entries(&self) -> &[Sqe] {
        &self.entries
    }

    /// Whether the entry added last waits for one behind it that there is not.
    #[inline]
    pub(crate) fn is_open_chain(&self) -> bool {
        self.entries.last().is_some_and(|last| last.flags & FLAG_LINK != 0)
    }

    /// Makes the entry added last and the next one a chain: the next one starts when this one
    /// has succeeded.
    pub(crate) fn link_last(&mut self) {
        if let Some(last) = self.entries.last_mut() {
            last.set_linked();
        }
    }

    /// Moves the entries off the tray: the one way from here into a queue.
    #[inline]
    pub(crate) fn take_entries(&mut self) -> impl Iterator<Item = Sqe> {
        self.entries.drain(..)
    }

    /// Moves the entry off a tray that holds one, which is by far the usual case.
    #[inline]
    pub(crate) fn take_only_entry(&mut self) -> Option<Sqe> {
        if self.entries.len() == 1 { self.entries.pop() } else { None }
    }
}
