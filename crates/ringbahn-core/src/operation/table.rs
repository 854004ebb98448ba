//! [`OperationTable`]: the operations in flight on one ring.
//!
//! # Safety
//!
//! T1. A place holds an operation from the commit of its entries until the last CQE of each of
//!     them, and the table's share of it is dropped only then.
//!
//! T2. The generation of a place changes whenever its tenant leaves. So a CQE that finds a tenant
//!     under its index and generation was posted for an entry of that tenant's one commit.
#![allow(unsafe_code)]

use std::fmt;
use std::io::Write as _;
use std::task::Waker;

use super::StepEnd;
use super::batch::{Batch, Consequence, Consequences, Next};
use super::ended::Ended;
use super::id::{OperationId, cancel_target};
use super::places::{Places, Tenant};
use super::target::CancelTarget;
use crate::cancelling::{Cancelling, Watch};
use crate::completion::cell::Progress;
use crate::cqe::{Cqe, WideCqe};
use crate::metrics::Metering;
use crate::metrics::meter::Meter;
use crate::ring_id::RingId;
use crate::selection::{EntryFile, Selection};
use crate::sharing::{Lock, Shared, Sharing, Word};
use crate::sync::Ordering;

/// The operations in flight on one ring.
///
/// Both halves of a ring's queues share one: what is committed to the submission queue enters the
/// table, and what the completion queue yields is looked up in it. A driver never sees an entry's
/// `user_data`; unknown, stale and duplicate CQEs end here.
///
/// Dropped with operations still in flight, as happens when a driver lets go of its ring without
/// draining it, a table leaks them: the kernel may write to their buffers after the ring has been
/// closed. It says so on the standard error output.
pub struct OperationTable<S: Sharing = Shared> {
    ring: RingId,
    pub(super) places: S::Lock<Places<S>>,
    in_flight: S::Word,
    /// What is counted by opcode, where anything is.
    pub(super) meter: Option<Box<Meter<S>>>,
}

/// A table that is locked while CQEs are noted in it. The operations that they end are in flight
/// until it is dropped.
pub struct Noting<'a, S: Sharing = Shared> {
    places: <S::Lock<Places<S>> as Lock<Places<S>>>::Guard<'a>,
    table: &'a OperationTable<S>,
    /// How many operations have ended.
    ended: u64,
}

/// What a CQE turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    /// It belongs to an operation, which has not ended with it.
    Progress,
    /// It ended its operation.
    Finished,
    /// It answers one of the ring's own cancels.
    Cancel,
    /// It belongs to nothing in flight: unknown, stale or a duplicate. It was ignored.
    Unknown,
}

impl<S: Sharing> OperationTable<S> {
    /// An empty table.
    pub fn new() -> OperationTable<S> {
        OperationTable::metered(Metering::Off)
    }

    /// An empty table that keeps what `metering` says.
    pub fn metered(metering: Metering) -> OperationTable<S> {
        OperationTable {
            ring: RingId::new(),
            places: S::Lock::new(Places::new()),
            in_flight: S::Word::new(0),
            meter: Meter::new(metering),
        }
    }

    /// The identity of the ring.
    #[inline]
    pub fn ring(&self) -> RingId {
        self.ring
    }

    /// How many operations are in flight: committed to the queue and not ended.
    pub fn in_flight(&self) -> usize {
        // SeqCst, as where it changes: drivers decide by it whether somebody must wait for CQEs.
        self.in_flight.load(Ordering::SeqCst) as usize
    }

    /// Gives an operation a place. `None` where there are as many as a ring can tell apart.
    // Always inlined: the share arrives in two halves, and stored apart and loaded whole it would
    // be waited for.
    #[inline(always)]
    pub(crate) fn insert(
        &self,
        operation: Tenant<S>,
        steps: u32,
        file: EntryFile,
    ) -> Option<OperationId> {
        let mut places = self.places.lock();
        let (id, header) = places.occupy(operation, file)?;
        header.enter(self, id.user_data(0), steps);
        self.in_flight.add(1, Ordering::SeqCst);
        Some(id)
    }

    /// Notes one CQE, as [`Noting::note`] does.
    ///
    /// # Safety
    ///
    /// As for `Noting::note`.
    pub unsafe fn note(&self, cqe: Cqe, batch: &mut Batch<S>) -> Matched {
        // SAFETY: T2; the promises of `Noting::note` are those of this function.
        unsafe { self.noting().note(&cqe, batch) }
    }

    /// Locks the table, for CQEs to be noted in it.
    #[inline]
    pub fn noting(&self) -> Noting<'_, S> {
        Noting { places: self.places.lock(), table: self, ended: 0 }
    }

    /// Asks for the end of every operation in flight, and yields those that a cancel is now to be
    /// submitted for: not those whose end somebody has asked for before.
    ///
    /// Operations that shall run to their end with nobody waiting, such as writes that were
    /// accepted and whose file has been dropped, are spared unless `detached` is set.
    pub fn cancel_all(&self, detached: bool) -> Vec<CancelTarget<S>> {
        let places = self.places.lock();
        let tenants = places.tenants().map(|(tenant, _)| tenant);
        tenants
            .filter(|tenant| detached || !tenant.header().cell.is_detached())
            .map(|tenant| CancelTarget::new(tenant.share()))
            .filter(CancelTarget::mark)
            .collect()
    }

    /// Asks for the end of the operations in flight that `selection` names, and yields those that a
    /// cancel is now to be submitted for, and what will become of these. Detached operations are
    /// spared.
    ///
    /// They are marked before the kernel hears of it, so none of them is repeated because it ended
    /// cancelled. An operation that is between two rounds, about to be submitted once more, is not
    /// in the table and is not found.
    pub fn cancel_selected(&self, selection: &Selection) -> (Vec<CancelTarget<S>>, Cancelling) {
        let watch = Watch::new();
        let targets: Vec<_> = {
            let places = self.places.lock();
            let selected = places.tenants().filter(|&(_, file)| selection.names(self.ring(), file));
            selected
                .map(|(tenant, _)| tenant)
                .filter(|tenant| !tenant.header().cell.is_detached())
                .map(|tenant| CancelTarget::new(tenant.share()))
                .filter(|target| target.mark_watched(&watch))
                .collect()
        };
        let cancelling = Cancelling::new(watch, targets.len());
        (targets, cancelling)
    }
}

impl<S: Sharing> Noting<'_, S> {
    /// Notes a CQE, and its consequences in `batch`.
    ///
    /// Runs no foreign code, so that it may be called under the lock that keeps CQEs in order.
    ///
    /// # Safety
    ///
    /// `cqe` was posted by whatever executes the entries that were committed with this table (the
    /// kernel, or a stand-in for it), once, and CQEs of one operation are noted in their order.
    /// Unless its flags say that more will follow, nothing touches the entry's operands any more.
    #[inline]
    pub unsafe fn note(&mut self, cqe: &Cqe, batch: &mut Batch<S>) -> Matched {
        // SAFETY: T2; the promises are those of this function.
        unsafe { self.note_into(cqe, |cqe| cqe, batch) }
    }

    /// As [`note`](Noting::note), of a CQE of a ring whose CQEs are 32 bytes long.
    ///
    /// # Safety
    ///
    /// As for `note`.
    pub unsafe fn note_wide(&mut self, wide: &WideCqe, batch: &mut Batch<S>) -> Matched {
        let keep = |cqe| WideCqe { cqe, ..*wide }.to_keep();
        // SAFETY: T2; the promises are those of this function.
        unsafe { self.note_into(&wide.cqe, keep, batch) }
    }

    /// Notes a CQE, and puts its consequence into `next`, to be run when no lock is held. What it
    /// asks of the driver besides is in `batch`.
    ///
    /// `wake` is given the waker first, where the consequence is to wake somebody, and gives back
    /// one that it does not know: it may wake only by what is none of a stranger's code.
    ///
    /// For a driver that leaves a CQE where it is until the consequence of the one before has been
    /// run. Where operations end without consequence, their futures see that before this returns,
    /// so it is for a ring of one thread.
    ///
    /// # Safety
    ///
    /// As for [`note`](Noting::note).
    #[inline]
    pub unsafe fn note_next(
        &mut self,
        cqe: &Cqe,
        next: &mut Option<Consequence<S>>,
        batch: &mut Batch<S>,
        wake: impl Fn(Waker) -> Option<Waker>,
    ) -> Matched {
        // SAFETY: T2; the promises are those of this function.
        unsafe { self.note_into(cqe, |cqe| cqe, &mut Next { next, batch, wake }) }
    }

    /// Notes a CQE, of which its event gets to see what `keep` makes of it.
    ///
    /// # Safety
    ///
    /// As for [`note`](Noting::note).
    #[inline(always)]
    unsafe fn note_into<C: Consequences<S>>(
        &mut self,
        cqe: &Cqe,
        keep: impl Fn(Cqe) -> Cqe,
        batch: &mut C,
    ) -> Matched {
        let Some(tenant) = self.places.find(cqe.user_data) else {
            return self.note_other(cqe, batch);
        };
        let header = tenant.header();
        if cqe.has_more() {
            if !header.is_step_pending(cqe.user_data) {
                return Matched::Unknown;
            }
            let Progress { wake, stop } = header.cell.progress(keep(*cqe));
            if let Some(waker) = wake {
                batch.wake(waker);
            }
            if stop {
                batch.cancel(CancelTarget::new(tenant.share()));
            }
            self.places.meter(self.table, cqe);
            return Matched::Progress;
        }
        match header.end_step(cqe.user_data) {
            StepEnd::Stale => Matched::Unknown,
            StepEnd::OthersPending => self.note_one_of_several(cqe, keep(*cqe), batch),
            StepEnd::AllEnded => {
                let finished = if C::ENDS_AT_ONCE { header.finish(&keep(*cqe)) } else { None };
                let index = OperationId::of(cqe.user_data).index;
                let Some(tenant) = self.places.vacate(index) else { return Matched::Unknown };
                self.places.meter(self.table, cqe);
                self.ended += 1;
                match finished {
                    Some(waker) => {
                        // Its future waits and has a share of its own, so nothing goes with this.
                        drop(tenant);
                        if let Some(waker) = waker {
                            batch.wake(waker);
                        }
                    }
                    // SAFETY: T2 and the contract of this function: this was the last CQE of every
                    // entry, and the tenant has just left its place, so there is no second `Ended`.
                    None => batch.end(|| unsafe { Ended::new(tenant, keep(*cqe)) }),
                }
                Matched::Finished
            }
        }
    }

    /// Notes the last CQE of an entry of an operation of which other entries still run. Its event
    /// gets to see `kept`.
    #[inline(never)]
    fn note_one_of_several(
        &mut self,
        cqe: &Cqe,
        kept: Cqe,
        batch: &mut impl Consequences<S>,
    ) -> Matched {
        if let Some(tenant) = self.places.find(cqe.user_data) {
            let cell = &tenant.header().cell;
            // A cancel aims at the first entry that runs; now it is the next one's turn.
            if cell.is_cancelled() {
                batch.miss_cancel(CancelTarget::new(tenant.share()));
            }
            if let Some(waker) = cell.progress(kept).wake {
                batch.wake(waker);
            }
        }
        self.places.meter(self.table, cqe);
        Matched::Progress
    }

    /// Notes a CQE of no operation in flight: the answer to a cancel, or nobody's.
    #[cold]
    fn note_other(&mut self, cqe: &Cqe, batch: &mut impl Consequences<S>) -> Matched {
        let Some(target) = cancel_target(cqe.user_data) else { return Matched::Unknown };
        // It has not found its target. Either that has ended, or it has not started yet: a follower
        // in a chain, or an entry that waits to be run by its thread.
        if cqe.failed_with(libc::ENOENT)
            && let Some(tenant) = self.places.find(target)
        {
            batch.miss_cancel(CancelTarget::new(tenant.share()));
        }
        Matched::Cancel
    }
}

impl<S: Sharing> Drop for Noting<'_, S> {
    #[inline]
    fn drop(&mut self) {
        if self.ended > 0 {
            self.table.in_flight.add(self.ended.wrapping_neg(), Ordering::SeqCst);
        }
    }
}

impl<S: Sharing> fmt::Debug for Noting<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noting").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl<S: Sharing> Places<S> {
    /// Counts a CQE, where that is done, which an operation has been found for.
    #[inline]
    fn meter(&mut self, table: &OperationTable<S>, cqe: &Cqe) {
        if let Some(meter) = &table.meter {
            self.count_answer(meter, cqe);
        }
    }
}

impl<S: Sharing> Default for OperationTable<S> {
    fn default() -> OperationTable<S> {
        OperationTable::new()
    }
}

impl<S: Sharing> Drop for OperationTable<S> {
    fn drop(&mut self) {
        let mut leaked = 0_u64;
        for tenant in self.places.get_mut().take_tenants() {
            // T1: the kernel may still write to what it owns.
            std::mem::forget(tenant);
            leaked += 1;
        }
        if leaked > 0 {
            // Not `eprintln`, which panics where nobody reads the standard error output.
            let _ = writeln!(
                std::io::stderr(),
                "ringbahn: a ring was dropped with {leaked} operations in flight; their memory \
                 and files are leaked, since the kernel may still use them"
            );
        }
    }
}

impl<S: Sharing> fmt::Debug for OperationTable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationTable")
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
