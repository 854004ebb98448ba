//! The backlog of a shared driver: what waits for room in its submission queue, or for a moment.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ringbahn_core::{Aftermath, Cancelling, Selection};

use super::{Core, Submission, lock};
use crate::counters::add;
use crate::refusal::{Refusal, forked};
use crate::trace::cancels_missed;

impl Core {
    /// Puts on the backlog what a batch has left to be done.
    pub(super) fn settle(&self, aftermath: Aftermath) {
        let Aftermath { resubmissions, cancels, missed_cancels, disposed, panics, .. } = aftermath;
        self.ring.table().count_disposed(&aftermath.disposed_opcodes);
        cancels_missed(missed_cancels.len());
        add(&self.tally.disposed, u64::from(disposed));
        add(&self.tally.panics, u64::from(panics));
        add(&self.tally.repeated, resubmissions.len() as u64);
        // They have been counted as completed, and are not.
        self.tally.completed.fetch_sub(resubmissions.len() as u64, Ordering::Relaxed);
        if resubmissions.is_empty() && cancels.is_empty() && missed_cancels.is_empty() {
            return;
        }
        let mut submission = lock(&self.submission);
        if !cancels.is_empty() {
            add(&self.tally.cancelled, cancels.len() as u64);
            submission.backlog.cancels.extend(cancels);
            self.overdue.store(true, Ordering::SeqCst);
        }
        if !resubmissions.is_empty() {
            submission.backlog.resubmissions.extend(resubmissions);
            self.overdue.store(true, Ordering::SeqCst);
        }
        if !missed_cancels.is_empty() {
            submission.backlog.missed_cancels.extend(missed_cancels);
            // The helper tries them again in its own time; it is called for the first of them only.
            if !self.missed.swap(true, Ordering::SeqCst) {
                self.lookout.wake();
            }
        }
    }

    /// Moves the backlog to the queue, as far as there is room.
    pub(crate) fn flush(&self) {
        let flushed = {
            let mut submission = lock(&self.submission);
            let Submission { queue, backlog, refusal, .. } = &mut *submission;
            let flushed = backlog.flush(queue, *refusal);
            if flushed.full {
                self.overdue.store(true, Ordering::SeqCst);
            }
            flushed
        };
        let (ended, panics) = flushed.finish();
        add(&self.tally.completed, ended);
        add(&self.tally.panics, panics);
    }

    /// Whether cancels are to be tried again after a moment.
    pub(crate) fn has_missed_cancels(&self) -> bool {
        self.missed.load(Ordering::SeqCst)
    }

    /// Tries the missed cancels again.
    pub(crate) fn retry_cancels(&self) {
        if self.missed.swap(false, Ordering::SeqCst) {
            let mut submission = lock(&self.submission);
            let missed = std::mem::take(&mut submission.backlog.missed_cancels);
            submission.backlog.cancels.extend(missed);
            self.overdue.store(true, Ordering::SeqCst);
        }
    }

    /// Asks for the end of what is in flight; of detached operations only if told to.
    pub(crate) fn cancel_all(&self, detached: bool) {
        let mut submission = lock(&self.submission);
        if let Some(Refusal::ShutDown { past_deadline }) = &mut submission.refusal {
            *past_deadline |= detached;
        }
        let targets = self.ring.table().cancel_all(detached);
        add(&self.tally.cancelled, targets.len() as u64);
        submission.backlog.cancels.extend(targets);
        drop(submission);
        self.overdue.store(true, Ordering::SeqCst);
    }

    /// Tells what is in flight and selected to stop, now or when there is room for the cancels.
    pub(crate) fn cancel_selected(
        self: &Arc<Self>,
        selection: &Selection,
    ) -> io::Result<Cancelling> {
        if self.ring.forked() {
            return Err(forked());
        }
        let (targets, cancelling) = self.ring.table().cancel_selected(selection);
        if !targets.is_empty() {
            add(&self.tally.cancelled, targets.len() as u64);
            lock(&self.submission).backlog.cancels.extend(targets);
            self.flush();
            let _ = self.submit();
        }
        Ok(cancelling)
    }
}
