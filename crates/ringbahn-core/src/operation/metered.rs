//! What an operation table counts, where it does: see [`metrics`](crate::metrics).
//!
//! Drivers need not care, but for what they alone know: that an operation was served without the
//! ring, is executed by somebody else than the others, or was disposed of.

use super::Header;
use super::id::{OperationId, step_of};
use super::places::Places;
use super::table::OperationTable;
use super::target::CancelTarget;
use crate::attempt::Served;
use crate::cqe::Cqe;
use crate::metrics::Metrics;
use crate::metrics::meter::{Entries, Entry, Meter};
use crate::sharing::{Lock, Sharing};
use crate::sqe::Sqe;

impl<S: Sharing> OperationTable<S> {
    /// Says that a stand-in for the kernel, inside the process, executes the entries.
    #[must_use]
    pub fn executed_inside(mut self) -> OperationTable<S> {
        if let Some(meter) = &mut self.meter {
            meter.set_inside();
        }
        self
    }

    /// What has been counted so far; `None` where nothing is.
    pub fn metrics(&self) -> Option<Metrics> {
        self.meter.as_ref().map(|meter| meter.snapshot())
    }

    /// From now on it is `nanoseconds` after some beginning, until the next call says otherwise:
    /// for a driver with a clock of its own. What is measured is measured by that.
    pub fn tell_time(&self, nanoseconds: u64) {
        if let Some(meter) = &self.meter {
            meter.tell_time(nanoseconds);
        }
    }

    /// What time it is, for [`count_served`](OperationTable::count_served).
    #[inline]
    pub fn time(&self) -> u64 {
        self.meter.as_ref().map_or(0, |meter| meter.now())
    }

    /// Counts an operation of `opcode` that was served at once, which had begun at `since`.
    #[inline]
    pub fn count_served(&self, opcode: u8, served: &Served<'_>, since: u64) {
        if let Some(meter) = &self.meter {
            meter.served_at_once(opcode, served.result(), since);
        }
    }

    /// Counts results that have been disposed of, by the
    /// [opcodes](crate::Aftermath::disposed_opcodes) of an aftermath.
    #[inline]
    pub fn count_disposed(&self, opcodes: &[u8]) {
        if let Some(meter) = &self.meter {
            meter.disposed(opcodes);
        }
    }

    /// Counts an entry that was taken out of the queue again to be executed inside the process, and
    /// has not ended.
    pub fn count_inside(&self, entry: &Sqe) {
        let Some(meter) = &self.meter else { return };
        let mut places = self.places.lock();
        // Cancels, and what is nobody's, are in no place.
        let known = places.find(entry.user_data()).is_some();
        if known && let Some(entry) = places.entry(entry.user_data()) {
            meter.executed_inside(entry);
        }
    }

    /// Leaves an operation in flight out of what is counted, and all its rounds: one that a driver
    /// has for itself, of which users know nothing. To be called before anybody executes it.
    pub fn disregard(&self, target: &CancelTarget<S>) {
        let Some(meter) = &self.meter else { return };
        target.disregard();
        if let Some(first) = target.user_data_in(self)
            && let Some(entries) = self.places.lock().entries_of(first)
        {
            meter.disregard(entries);
        }
    }

    /// An operation has been given a place, for these entries, which nobody executes yet.
    #[inline]
    pub(crate) fn meter_committed(&self, id: OperationId, entries: &[Sqe]) {
        if let Some(meter) = &self.meter {
            self.count_committed(meter, id, entries);
        }
    }

    // Cold, so that where nothing is counted no register is kept for it.
    #[cold]
    fn count_committed(&self, meter: &Meter<S>, id: OperationId, entries: &[Sqe]) {
        let mut places = self.places.lock();
        let index = id.index as usize;
        let tenant = places.tenant(id.index);
        let counted = tenant
            .zip(entries.first())
            .is_some_and(|(tenant, first)| tenant.header().count_as(first.opcode()));
        if places.entries.len() <= index {
            places.entries.resize_with(index + 1, Entries::new);
        }
        let in_place = &mut places.entries[index];
        if counted {
            meter.committed(entries.iter().map(Sqe::opcode), in_place);
        } else {
            in_place.clear();
        }
    }

    /// The operation of `header` has been committed once more, and nobody executes it yet.
    pub(crate) fn count_repeated(&self, header: &Header<S>) {
        let Some(meter) = &self.meter else { return };
        if let Some(first) = header.next_step()
            && let Some(entries) = self.places.lock().entries_of(first)
        {
            meter.repeated(entries);
        }
    }
}

impl<S: Sharing> Places<S> {
    /// The entries of the place that `user_data` names, whoever the tenant is.
    fn entries_of(&mut self, user_data: u64) -> Option<&mut Entries> {
        self.entries.get_mut(OperationId::of(user_data).index as usize)
    }

    /// The entry that `user_data` names, of the last tenant of its place.
    fn entry(&mut self, user_data: u64) -> Option<&mut Entry> {
        self.entries_of(user_data)?.get_mut(step_of(user_data) as usize)
    }

    /// Counts a CQE of an operation that is, or was until now, in its place.
    #[cold]
    pub(super) fn count_answer(&mut self, meter: &Meter<S>, cqe: &Cqe) {
        if let Some(entry) = self.entry(cqe.user_data) {
            meter.answered(entry, cqe);
        }
    }
}
