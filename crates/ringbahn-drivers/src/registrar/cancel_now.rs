//! Ends operations by a call, past all that waits in the queue: [`CancelledNow`].

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use ringbahn_core::{CancelTarget, Cancelling, Selection, Sharing};

use super::Registrar;
use super::lacking::explain;
use crate::sys::tuning::sync_cancel;
use crate::sys::uapi::{REGISTER_SYNC_CANCEL, SyncCancel, Timespec};

/// What [`Registrar::cancel_now`] has done.
#[derive(Debug)]
pub struct CancelledNow {
    /// How many operations the kernel has ended, or had ended, by the end of the call.
    pub ended: usize,
    /// How many have yet to end: they had not started, or go on past the timeout. They are
    /// cancelled in the usual way.
    pub left: usize,
    /// What will have become of all of them.
    pub report: Cancelling,
}

/// What has become of one.
enum End {
    Ended,
    Left,
}

impl<S: Sharing> Registrar<'_, S> {
    /// Cancels the operations in flight that `selection` names, and waits until the kernel is done
    /// with them, at most for `timeout` in all.
    ///
    /// Unlike [`cancel_all`](crate::SharedDriver::cancel_all), which has the cancels wait their
    /// turn in the submission queue, it needs no room there, and ends what waits for others as
    /// well.
    /// Their futures are told when the driver has seen their completions. Operations that were
    /// detached are spared.
    ///
    /// It blocks the calling thread, so it is for the end of something, and not for a task.
    ///
    /// # Errors
    ///
    /// `Unsupported` with [`Lacking`](crate::Lacking), on the fallback, and in a forked child; what
    /// the kernel fails with otherwise. No operation is marked then but those that
    /// are being cancelled in the usual way.
    ///
    /// # Kernel
    ///
    /// Linux 6.0.
    pub fn cancel_now(&self, selection: &Selection, timeout: Duration) -> io::Result<CancelledNow> {
        self.driver.check_cancels()?;
        let ring = self.ring_for(REGISTER_SYNC_CANCEL)?;
        let end = Instant::now().checked_add(timeout);
        let (targets, report) = self.ring.table().cancel_selected(selection);
        let (called, mut left) = (targets.len(), Vec::new());
        let mut failure = None;
        for target in targets {
            match self.cancel_one(ring, &target, end) {
                Ok(End::Ended) => {}
                Ok(End::Left) => left.push(target),
                Err(error) => {
                    left.push(target);
                    failure.get_or_insert(error);
                }
            }
        }
        let count = left.len();
        self.driver.see_to_cancels(called, left);
        match failure {
            Some(error) => Err(explain(REGISTER_SYNC_CANCEL, error)),
            None => Ok(CancelledNow { ended: called - count, left: count, report }),
        }
    }

    fn cancel_one(
        &self,
        ring: BorrowedFd<'_>,
        target: &CancelTarget<S>,
        end: Option<Instant>,
    ) -> io::Result<End> {
        loop {
            let Some(user_data) = target.user_data_in(self.ring.table()) else {
                return Ok(End::Ended);
            };
            let timeout = remaining(end);
            let request =
                SyncCancel { address: user_data, descriptor: -1, timeout, ..SyncCancel::default() };
            match sync_cancel(ring, request) {
                Ok(_) => return Ok(End::Ended),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR) => {}
                    // Nothing is found of what has ended, and of what has not started.
                    Some(libc::ENOENT | libc::ETIME | libc::EALREADY) => return Ok(End::Left),
                    _ => return Err(error),
                },
            }
        }
    }
}

/// What remains until `end`, as the kernel wants it.
fn remaining(end: Option<Instant>) -> Timespec {
    /// What the kernel takes for no timeout at all. It adds the time to that of its clock, so one
    /// that is as good as for ever would overflow.
    const FOR_EVER: Timespec = Timespec { seconds: -1, nanoseconds: -1 };

    let Some(end) = end else { return FOR_EVER };
    let remaining = end.saturating_duration_since(Instant::now());
    match u32::try_from(remaining.as_secs()) {
        Ok(seconds) => {
            Timespec { seconds: seconds.into(), nanoseconds: remaining.subsec_nanos().into() }
        }
        Err(_) => FOR_EVER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_good_as_for_ever_is_told_the_kernel_as_for_ever() {
        let told = |time| {
            let Timespec { seconds, nanoseconds } = remaining(Instant::now().checked_add(time));
            (seconds, nanoseconds)
        };
        assert_eq!(told(Duration::MAX), (-1, -1));
        assert_eq!(told(Duration::from_secs(1 << 40)), (-1, -1));
        assert_eq!(told(Duration::ZERO), (0, 0));
        assert!((3500..3600).contains(&told(Duration::from_secs(3600)).0));
    }
}
