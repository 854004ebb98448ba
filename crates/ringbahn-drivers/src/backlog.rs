//! [`Backlog`]: what a driver has to submit by itself, and has had no room or no moment for.

use std::collections::VecDeque;

use ringbahn_core::{CancelTarget, Resubmission, Sharing};

use crate::SubmissionQueue;
use crate::refusal::Refusal;

/// What a driver has to submit by itself, and has had no room or no moment for.
#[derive(Debug)]
pub(crate) struct Backlog<S: Sharing> {
    /// Cancels that wait for room in the queue.
    pub(crate) cancels: VecDeque<CancelTarget<S>>,
    /// Cancels that missed their operation before it had started, to be tried again.
    pub(crate) missed_cancels: Vec<CancelTarget<S>>,
    /// Operations to be submitted once more.
    pub(crate) resubmissions: VecDeque<Resubmission<S>>,
}

/// What a flush has left behind.
///
/// It may hold the last share of an operation, and dropping that runs foreign code. So it is
/// dropped, or better [finished](Flushed::finish), when no lock or borrow is held any more.
#[must_use = "what it holds is to be dropped outside of the lock"]
pub(crate) struct Flushed<S: Sharing> {
    /// Whether something found no room.
    pub(crate) full: bool,
    given_up: Vec<Resubmission<S>>,
    aimed: Vec<CancelTarget<S>>,
}

impl<S: Sharing> Backlog<S> {
    pub(crate) fn new() -> Backlog<S> {
        Backlog {
            cancels: VecDeque::new(),
            missed_cancels: Vec::new(),
            resubmissions: VecDeque::new(),
        }
    }

    /// Whether there is nothing that could be submitted at once.
    pub(crate) fn is_empty(&self) -> bool {
        self.cancels.is_empty() && self.resubmissions.is_empty()
    }

    /// Moves the backlog to the queue, as far as there is room, and publishes it.
    pub(crate) fn flush(
        &mut self,
        queue: &mut SubmissionQueue<S>,
        refusal: Option<Refusal>,
    ) -> Flushed<S> {
        let mut flushed = Flushed { full: false, given_up: Vec::new(), aimed: Vec::new() };
        if let Some(Refusal::Dead(_)) = refusal {
            flushed.given_up.extend(self.resubmissions.drain(..));
            flushed.aimed.extend(self.cancels.drain(..));
            return flushed;
        }
        // First, for they have an end; of operations that go on there may be as many each time.
        self.flush_cancels(queue, &mut flushed);
        let mut winding_up = false;
        while !flushed.full
            && let Some(resubmission) = self.resubmissions.pop_front()
        {
            if resubmission.is_cancelled() {
                flushed.given_up.push(resubmission);
                continue;
            }
            winding_up |= refusal.is_some();
            match queue.reserve(resubmission.sqes_needed()) {
                Ok(Some(reservation)) => match reservation.resubmit(resubmission) {
                    Ok(cancelled) => self.cancels.extend(cancelled),
                    Err(resubmission) => flushed.given_up.push(resubmission),
                },
                _ => {
                    self.resubmissions.push_front(resubmission);
                    flushed.full = true;
                }
            }
        }
        if winding_up && let Some(Refusal::ShutDown { past_deadline }) = refusal {
            // It was not in the table when all those there were told to end. Only what is detached
            // may go on; the table knows which is.
            self.cancels.extend(queue.table().cancel_all(past_deadline));
        }
        self.flush_cancels(queue, &mut flushed);
        queue.publish();
        flushed
    }

    fn flush_cancels(&mut self, queue: &mut SubmissionQueue<S>, flushed: &mut Flushed<S>) {
        while !flushed.full
            && let Some(target) = self.cancels.pop_front()
        {
            match queue.reserve(1) {
                Ok(Some(reservation)) => {
                    reservation.cancel(&target);
                    flushed.aimed.push(target);
                }
                _ => {
                    self.cancels.push_front(target);
                    flushed.full = true;
                }
            }
        }
    }
}

impl<S: Sharing> Flushed<S> {
    /// Ends what will not be submitted any more. Says how many operations that were, and how many
    /// of their wakers and events have panicked.
    pub(crate) fn finish(mut self) -> (u64, u64) {
        let ended = self.given_up.len() as u64;
        let panics = self.given_up.iter_mut().map(|given_up| u64::from(given_up.give_up())).sum();
        (ended, panics)
    }
}
