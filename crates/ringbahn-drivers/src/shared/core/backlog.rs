//! The backlog of a shared driver: what waits for room in its submission queue, or for a moment.

use std::sync::atomic::Ordering;

use ringbahn_core::Aftermath;

use super::refusal::Refusal;
use super::{Core, Submission, lock};
use crate::shared::counters::add;

impl Core {
    /// Puts on the backlog what a batch has left to be done.
    pub(super) fn settle(&self, aftermath: Aftermath) {
        let Aftermath { resubmissions, missed_cancels, disposed, panics, .. } = aftermath;
        add(&self.tally.disposed, u64::from(disposed));
        add(&self.tally.panics, u64::from(panics));
        add(&self.tally.repeated, resubmissions.len() as u64);
        // They have been counted as completed, and are not.
        self.tally.completed.fetch_sub(resubmissions.len() as u64, Ordering::Relaxed);
        if resubmissions.is_empty() && missed_cancels.is_empty() {
            return;
        }
        let mut submission = lock(&self.submission);
        if !resubmissions.is_empty() {
            submission.resubmissions.extend(resubmissions);
            self.overdue.store(true, Ordering::SeqCst);
        }
        if !missed_cancels.is_empty() {
            submission.missed_cancels.extend(missed_cancels);
            self.missed.store(true, Ordering::SeqCst);
        }
    }

    /// Moves the backlog to the queue, as far as there is room.
    pub(in crate::shared) fn flush(&self) {
        // What is dropped may be the last share of an operation, and with it run foreign code; so
        // it goes when the lock has gone.
        let (mut dropped, mut aimed) = (Vec::new(), Vec::new());
        let mut submission = lock(&self.submission);
        let Submission { queue, cancels, resubmissions, refusal, .. } = &mut *submission;
        let mut full = false;
        let mut winding_up = false;
        while !full && let Some(resubmission) = resubmissions.pop_front() {
            match refusal {
                Some(Refusal::Dead(_)) => {
                    dropped.push(resubmission);
                    continue;
                }
                _ if resubmission.is_cancelled() => {
                    dropped.push(resubmission);
                    continue;
                }
                Some(Refusal::ShutDown { .. }) => winding_up = true,
                None => {}
            }
            match queue.reserve(resubmission.sqes_needed()) {
                Ok(Some(reservation)) => match reservation.resubmit(resubmission) {
                    Ok(cancelled) => cancels.extend(cancelled),
                    Err(resubmission) => dropped.push(resubmission),
                },
                _ => {
                    resubmissions.push_front(resubmission);
                    full = true;
                }
            }
        }
        if winding_up && let Some(Refusal::ShutDown { past_deadline }) = *refusal {
            // It was not in the table when all those there were told to end. Only what is detached
            // may go on; the table knows which is.
            cancels.extend(queue.table().cancel_all(past_deadline));
        }
        while !full && let Some(target) = cancels.pop_front() {
            match queue.reserve(1) {
                Ok(Some(reservation)) => {
                    reservation.cancel(&target);
                    aimed.push(target);
                }
                _ => {
                    cancels.push_front(target);
                    full = true;
                }
            }
        }
        queue.publish();
        if full {
            self.overdue.store(true, Ordering::SeqCst);
        }
        drop(submission);
        add(&self.tally.completed, dropped.len() as u64);
        drop(aimed);
        for mut resubmission in dropped {
            add(&self.tally.panics, u64::from(resubmission.give_up()));
        }
    }

    /// Whether cancels are to be tried again after a moment.
    pub(in crate::shared) fn has_missed_cancels(&self) -> bool {
        self.missed.load(Ordering::SeqCst)
    }

    /// Tries the missed cancels again.
    pub(in crate::shared) fn retry_cancels(&self) {
        if self.missed.swap(false, Ordering::SeqCst) {
            let mut submission = lock(&self.submission);
            let missed = std::mem::take(&mut submission.missed_cancels);
            submission.cancels.extend(missed);
            self.overdue.store(true, Ordering::SeqCst);
        }
    }

    /// Asks for the end of what is in flight; of detached operations only if told to.
    pub(in crate::shared) fn cancel_all(&self, detached: bool) {
        let mut submission = lock(&self.submission);
        if let Some(Refusal::ShutDown { past_deadline }) = &mut submission.refusal {
            *past_deadline |= detached;
        }
        let targets = self.ring.table().cancel_all(detached);
        add(&self.tally.cancelled, targets.len() as u64);
        submission.cancels.extend(targets);
        drop(submission);
        self.overdue.store(true, Ordering::SeqCst);
    }
}
