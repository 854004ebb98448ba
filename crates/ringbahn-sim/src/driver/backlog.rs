//! [`Backlog`]: what a driver has to submit by itself, and has had no room or no moment for.

use std::collections::VecDeque;

use ringbahn_core::{CancelTarget, Local, Resubmission};

use crate::driver::refusal::Refusal;
use crate::queue::submission::SubmissionQueue;

/// What a driver has to submit by itself, and has had no room or no moment for.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// Cancels that wait for room in the queue.
    pub(crate) cancels: VecDeque<CancelTarget<Local>>,
    /// Cancels that missed their operation before it had started, to be tried again.
    pub(crate) missed_cancels: Vec<CancelTarget<Local>>,
    /// Operations to be submitted once more.
    pub(crate) resubmissions: VecDeque<Resubmission<Local>>,
}

/// What a flush has left behind.
///
/// It may hold the last share of an operation, and dropping that runs foreign code. So it is
/// dropped, or better [finished](Flushed::finish), when no lock or borrow is held any more.
#[must_use = "what it holds is to be dropped outside of the lock"]
pub(crate) struct Flushed {
    /// Whether something found no room.
    pub(crate) full: bool,
    given_up: Vec<Resubmission<Local>>,
    aimed: Vec<CancelTarget<Local>>,
}

impl Backlog {
    pub(crate) fn new() -> Backlog {
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

    /// Moves the backlog to the queue, as far as there is room.
    pub(crate) fn flush(
        &mut self,
        queue: &mut SubmissionQueue,
        refusal: Option<Refusal>,
    ) -> Flushed {
        let mut flushed = Flushed { full: false, given_up: Vec::new(), aimed: Vec::new() };
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
                Some(reservation) => match reservation.resubmit(resubmission) {
                    Ok(cancelled) => self.cancels.extend(cancelled),
                    Err(resubmission) => flushed.given_up.push(resubmission),
                },
                None => {
                    self.resubmissions.push_front(resubmission);
                    flushed.full = true;
                }
            }
        }
        if winding_up && let Some(Refusal { past_deadline }) = refusal {
            // It was not in the table when all those there were told to end. Only what is detached
            // may go on; the table knows which is.
            self.cancels.extend(queue.table().cancel_all(past_deadline));
        }
        self.flush_cancels(queue, &mut flushed);
        flushed
    }

    fn flush_cancels(&mut self, queue: &mut SubmissionQueue, flushed: &mut Flushed) {
        while !flushed.full
            && let Some(target) = self.cancels.pop_front()
        {
            match queue.reserve(1) {
                Some(reservation) => {
                    reservation.cancel(&target);
                    flushed.aimed.push(target);
                }
                None => {
                    self.cancels.push_front(target);
                    flushed.full = true;
                }
            }
        }
    }
}

impl Flushed {
    /// Ends what will not be submitted any more. Says how many operations that were, and how many
    /// of their wakers and events have panicked.
    pub(crate) fn finish(mut self) -> (u64, u64) {
        let ended = self.given_up.len() as u64;
        let panics = self.given_up.iter_mut().map(|given_up| u64::from(given_up.give_up())).sum();
        (ended, panics)
    }
}
