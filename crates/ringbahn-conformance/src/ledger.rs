//! [`Ledger`]: events counted by their ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringbahn_core::Event;
use ringbahn_core::event::{Keep, Rescued};

use crate::verdict::{Verdict, ensure_eq};

/// Counts how many of the events that were entered in it have come to their end, and how.
///
/// An event that is entered carries an [`Entry`], which is dropped exactly when the event is: when
/// it is completed, when it is disposed of because nobody waits, or when it never started. So the
/// account balances only if no event was lost and none came to two ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    entered: AtomicUsize,
    ended: AtomicUsize,
    disposed: AtomicUsize,
}

/// An event's share of a ledger.
#[derive(Debug)]
pub(crate) struct Entry {
    counts: Arc<Counts>,
}

impl Ledger {
    /// Enters `event`: the same operation, whose end is counted.
    pub(crate) fn enter<E: Event>(&self, event: E) -> Rescued<E, Entry>
    where
        Entry: Keep<E::Output>,
    {
        self.counts.entered.fetch_add(1, Ordering::SeqCst);
        Rescued::new(event, Entry { counts: self.counts.clone() })
    }

    /// An entry for an event of a stream, which carries it to its end.
    pub(crate) fn entry(&self) -> Entry {
        self.counts.entered.fetch_add(1, Ordering::SeqCst);
        Entry { counts: self.counts.clone() }
    }

    /// How many of the events have not ended.
    pub(crate) fn open(&self) -> usize {
        let ended = self.counts.ended.load(Ordering::SeqCst);
        self.counts.entered.load(Ordering::SeqCst).saturating_sub(ended)
    }

    /// How many outputs have come when nobody waited for them any more.
    pub(crate) fn disposed(&self) -> usize {
        self.counts.disposed.load(Ordering::SeqCst)
    }

    /// Whether each event has ended, and none twice.
    pub(crate) fn balance(&self) -> Verdict {
        let entered = self.counts.entered.load(Ordering::SeqCst);
        ensure_eq!(self.counts.ended.load(Ordering::SeqCst), entered, "events that have ended");
        Ok(())
    }
}

/// The output of an abandoned operation is dropped, which disposes of it, and counted.
impl<T> Keep<T> for Entry {
    fn keep(self, output: T) {
        drop(output);
        self.counts.disposed.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.counts.ended.fetch_add(1, Ordering::SeqCst);
    }
}
