//! A driver of a few lines upon the halves of a ring, which leaves out what it should do.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use ringbahn_conformance::{QueueSizes, Report, Subject, Unable};
use ringbahn_core::{Batch, CancelTarget, Completion, Drive, Reservation, Shared};
use ringbahn_drivers::{CompletionQueue, Queues, RingHandle, Setup, SubmissionQueue};

/// What it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Omission {
    /// It never looks for what has completed.
    NeverReaps,
    /// It looks only when it is called, and nobody looks after what has to wait.
    ReapsOnlyWhenCalled,
    /// It drops what wants to be submitted once more.
    LosesResubmissions,
}

/// A ring, and nothing that looks after it.
#[derive(Clone)]
pub(crate) struct Bare {
    ring: Arc<Ring>,
    omission: Omission,
}

struct Ring {
    submission: Mutex<SubmissionQueue>,
    completion: Mutex<CompletionQueue>,
    handle: RingHandle,
}

impl Bare {
    fn submission(&self) -> std::sync::MutexGuard<'_, SubmissionQueue> {
        self.ring.submission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reap(&self) {
        if self.omission == Omission::NeverReaps {
            return;
        }
        let mut batch = Batch::new();
        let queue = &self.ring.completion;
        queue.lock().unwrap_or_else(PoisonError::into_inner).reap(&mut batch, usize::MAX);
        // What it leaves behind goes with it.
        drop(batch.run());
    }
}

impl Drive for Bare {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut submission = self.submission();
        let Some(reservation) = submission.reserve(count)? else {
            return Poll::Ready(Err(io::ErrorKind::ResourceBusy.into()));
        };
        let completion = prepare(reservation, cx);
        submission.publish();
        Poll::Ready(Ok(completion))
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        let submitted = self.ring.handle.enter(0);
        self.reap();
        Poll::Ready(submitted)
    }

    fn cancel(self: Pin<&mut Self>, target: CancelTarget) {
        if let Ok(Some(reservation)) = self.submission().reserve(1) {
            reservation.cancel(&target);
        }
        self.submission().publish();
        let _ = self.ring.handle.enter(0);
        self.reap();
    }
}

impl Subject for Omission {
    type Driver = Bare;

    fn name(&self) -> String {
        format!("{self:?}")
    }

    fn make(&self, sizes: QueueSizes) -> Result<Bare, Unable> {
        let setup = Setup::new(sizes.submission).completion_entries(sizes.completion);
        let Queues { submission, completion, handle } = setup.build().map_err(io::Error::from)?;
        let (submission, completion) = (Mutex::new(submission), Mutex::new(completion));
        let ring = Arc::new(Ring { submission, completion, handle });
        Ok(Bare { ring, omission: *self })
    }

    fn shut_down(&self, _driver: &Bare, _deadline: Duration) -> Report {
        Report::default()
    }
}
