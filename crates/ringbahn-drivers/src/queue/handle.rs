//! [`RingHandle`]: the way into the kernel, shared by whoever submits and whoever waits.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use ringbahn_core::{OperationTable, Shared, Sharing};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

mod longer;
mod polled;
mod status;

use super::beside::{AtWork, Beside};
use super::rings::{Executor, KernelRing, Rings};
use crate::fallback::Engine;
use crate::sys::enter::{Wait, enter, enter_registered_wait, enter_waiting};
use crate::sys::uapi::{ENTER_GETEVENTS, SETUP_SQPOLL};

/// The way into the kernel: submits what has been published, and waits for CQEs.
///
/// Cloning it costs one atomic increment. It needs no lock and no half of the ring, so a thread may
/// wait with it while others submit. The descriptor is closed when the last handle and both halves
/// are gone; that stops no operation, so a driver drains its ring first.
///
/// In a forked child every call that would enter the kernel fails with `Unsupported`, and the
/// counters read as 0: the ring is the parent's.
///
/// # Errors
///
/// What [`enter`](RingHandle::enter) and its variants fail with never means that an entry was
/// given back: once published it goes out with this call or with a later one.
///
/// | errno | what to do |
/// |---|---|
/// | `EINTR` | look at the completion queue and enter again |
/// | `EAGAIN`, `EBUSY` | reap, then enter again |
/// | `EBADR` | reap; the kernel has lost a CQE for want of memory |
/// | `ETIME` | the timeout has passed |
/// | others | the ring is dead: fail new operations, free nothing in flight |
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
pub struct RingHandle<S: Sharing = Shared> {
    rings: Arc<Rings>,
    table: S::Share<OperationTable<S>>,
}

/// What [`RingHandle::poll_readable`] has found ready; neither, where the timeout has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The completion queue is worth looking at.
    pub ring: bool,
    /// The other descriptor is readable, or has failed.
    pub wake: bool,
}

impl<S: Sharing> RingHandle<S> {
    pub(crate) fn new(rings: Arc<Rings>, table: S::Share<OperationTable<S>>) -> RingHandle<S> {
        RingHandle { rings, table }
    }

    pub(crate) fn rings(&self) -> &Arc<Rings> {
        &self.rings
    }

    /// The operations in flight on this ring.
    pub fn table(&self) -> &OperationTable<S> {
        &self.table
    }

    /// Submits what has been published and, unless `wanted_completions` is 0, waits until so many
    /// CQEs are in the completion queue. Returns how many entries the kernel has taken.
    ///
    /// It may return before they are there: for a signal, or because another thread has submitted
    /// meanwhile. With 0 it never waits.
    ///
    /// Where a thread of the kernel [takes the entries](RingHandle::polls_entries) it only wakes
    /// that thread, if need be, and returns 0: nobody can tell how many it has taken since.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child; else see [the table](RingHandle#errors).
    pub fn enter(&self, wanted_completions: u32) -> io::Result<u32> {
        match self.rings.executor()? {
            Executor::Kernel(ring) => {
                if let Some(beside) = self.rings.at_work_beside() {
                    return self.enter_both(ring, beside, wanted_completions, None);
                }
                if wanted_completions == 0 && ring.flags & SETUP_SQPOLL != 0 {
                    return self.wake_kernel_thread().map(|_| 0);
                }
                let (to_submit, flags) = self.request(ring, wanted_completions);
                enter(ring.name(), to_submit, wanted_completions, flags)
            }
            Executor::Engine(engine) => engine.enter(wanted_completions, None),
        }
    }

    /// As [`enter`](RingHandle::enter), but waits no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As `enter`; `ETIME` where the time has run out and nothing was submitted.
    pub fn enter_timeout(&self, wanted_completions: u32, timeout: Duration) -> io::Result<u32> {
        match self.rings.executor()? {
            Executor::Kernel(ring) => {
                if let Some(beside) = self.rings.at_work_beside() {
                    return self.enter_both(ring, beside, wanted_completions, Some(timeout));
                }
                let (to_submit, flags) = self.request(ring, wanted_completions);
                if let Some(waits) = &ring.waits {
                    let offset = waits.until(timeout);
                    let wanted = wanted_completions;
                    return enter_registered_wait(ring.name(), to_submit, wanted, flags, offset);
                }
                let wait = Wait { timeout: Some(timeout), min_wait_usec: 0 };
                enter_waiting(ring.name(), to_submit, wanted_completions, flags, wait)
            }
            Executor::Engine(engine) => engine.enter(wanted_completions, Some(timeout)),
        }
    }

    /// Brings CQEs into the completion queue that did not fit in before, and runs what the kernel
    /// has put off for this thread. Submits nothing and waits for nothing.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child; else see [the table](RingHandle#errors).
    pub fn enter_flush(&self) -> io::Result<()> {
        match self.rings.executor()? {
            Executor::Kernel(ring) => {
                if let Some(beside) = self.rings.at_work_beside() {
                    beside.engine.flush();
                }
                enter(ring.name(), 0, 0, ENTER_GETEVENTS).map(drop)
            }
            Executor::Engine(engine) => {
                engine.flush();
                Ok(())
            }
        }
    }

    /// Submits what has been published and brings in what has completed, as
    /// [`enter_flush`](RingHandle::enter_flush) does, and waits for nothing. Returns how many
    /// entries the kernel has taken.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child; else see [the table](RingHandle#errors).
    pub fn enter_ready(&self) -> io::Result<u32> {
        match self.rings.executor()? {
            Executor::Kernel(ring) => {
                self.start_beside();
                if let Some(beside) = self.rings.at_work_beside() {
                    beside.engine.flush();
                }
                enter(ring.name(), self.unsubmitted(), 0, ENTER_GETEVENTS | self.wake_flag(ring))
            }
            Executor::Engine(engine) => {
                let taken = engine.enter(0, None);
                engine.flush();
                taken
            }
        }
    }

    /// As [`enter`](RingHandle::enter), where an engine executes what the kernel does not know: so
    /// the thread waits for both, and looks at both, for one CQE at the least.
    #[cold]
    fn enter_both(
        &self,
        ring: &KernelRing,
        beside: &AtWork,
        wanted_completions: u32,
        timeout: Option<Duration>,
    ) -> io::Result<u32> {
        self.start_beside();
        beside.clear_put_off();
        let (to_submit, flags) = self.request(ring, wanted_completions);
        let taken = enter(ring.name(), to_submit, 0, flags | self.wake_flag(ring))?;
        if wanted_completions == 0 || self.rings.has_completions() {
            return Ok(taken);
        }
        let _watching = beside.engine.watch();
        let on = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut both = [on(beside.put_off().unwrap_or(ring.fd())), on(beside.engine.descriptor())];
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let waited = poll(&mut both, timeout.as_ref());
        // What was put off comes in by this.
        enter(ring.name(), 0, 0, ENTER_GETEVENTS)?;
        match waited {
            _ if taken > 0 => Ok(taken),
            Ok(0) => Err(io::Error::from_raw_os_error(libc::ETIME)),
            Ok(_) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Starts what the kernel does not know of what has been published.
    pub(crate) fn start_beside(&self) {
        if let Some(beside) = &self.rings.beside {
            beside.start();
        }
    }

    /// How many entries to submit, and the flags.
    ///
    /// The kernel skips waiting where it has submitted fewer than it was told to. So a call that
    /// waits says what is there, and a call that does not says as many as could be.
    fn request(&self, ring: &KernelRing, wanted_completions: u32) -> (u32, u32) {
        match wanted_completions {
            0 => (self.rings.submission.size.index().entries(), 0),
            _ => (self.unsubmitted(), ENTER_GETEVENTS | ring.wait_flags() | self.wake_flag(ring)),
        }
    }

    /// Waits until the completion queue is worth looking at, `wake` is readable, or `timeout` has
    /// passed (`None`: for ever). Submits nothing.
    ///
    /// A signal reads as `ring`: it is how the kernel tells the thread that has submitted an
    /// operation that it has ended. CQEs that are already in the queue count.
    ///
    /// Where the completions of a ring are to be [asked of its devices](RingHandle::polls_devices)
    /// this does so, again and again, and the thread does not sleep while anything is in flight.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child; `OutOfMemory` from the kernel.
    ///
    /// # References
    ///
    /// [`ppoll(2)`](https://man7.org/linux/man-pages/man2/poll.2.html)
    pub fn poll_readable(
        &self,
        wake: Option<BorrowedFd<'_>>,
        timeout: Option<Duration>,
    ) -> io::Result<Readiness> {
        if self.polls_devices() {
            return self.poll_devices(wake, timeout);
        }
        let executor = self.rings.executor()?;
        let (ring, engine) = match executor {
            Executor::Kernel(ring) => {
                (ring.fd(), self.rings.at_work_beside().map(|beside| &beside.engine))
            }
            Executor::Engine(engine) => (engine.descriptor(), Some(engine)),
        };
        let _watching = engine.map(Engine::watch);
        // In the place of a descriptor that there is not, the ring's own is looked at once more.
        let beside = match engine {
            Some(engine) => engine.descriptor(),
            None => self.rings.beside.as_ref().map_or(ring, Beside::called),
        };
        // What does not fit a timespec is as good as for ever.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let on = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = [on(ring), on(beside), on(wake.unwrap_or(ring))];
        let count = if wake.is_some() { 3 } else { 2 };
        match poll(&mut fds[..count], timeout.as_ref()) {
            Ok(_) => {
                let ready = |n: usize| !fds[n].revents().is_empty();
                Ok(Readiness { ring: ready(0) || ready(1), wake: ready(2) && wake.is_some() })
            }
            Err(rustix::io::Errno::INTR) => Ok(Readiness { ring: true, wake: false }),
            Err(error) => Err(error.into()),
        }
    }

    /// A descriptor of the ring besides its own, for somebody else's `epoll(7)`: it is readable
    /// when the completion queue is worth looking at. The kernel keeps the ring until both are
    /// closed.
    ///
    /// # Errors
    ///
    /// `Unsupported` in a forked child; those of `fcntl(2)`.
    #[cfg(any(feature = "tokio", feature = "async-io", all(test, not(loom))))]
    pub(crate) fn duplicate(&self) -> io::Result<std::os::fd::OwnedFd> {
        match self.rings.executor()? {
            Executor::Kernel(ring) => match &self.rings.beside {
                None => ring.fd().try_clone_to_owned(),
                Some(beside) => beside.join(&self.rings, ring.fd()),
            },
            Executor::Engine(engine) => engine.duplicate(),
        }
    }

    /// Releases what other threads have let go of: registered buffers and direct descriptors of a
    /// ring that is bound to this one. A driver of such a ring calls it in each of its turns.
    pub fn settle(&self) {
        if let Ok((registry, ring)) = self.rings.registry() {
            registry.settle(ring);
        }
    }
}

impl<S: Sharing> Clone for RingHandle<S> {
    fn clone(&self) -> RingHandle<S> {
        RingHandle { rings: self.rings.clone(), table: self.table.clone() }
    }
}

impl<S: Sharing> fmt::Debug for RingHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingHandle")
            .field("submission_entries", &self.submission_entries())
            .field("completion_entries", &self.completion_entries())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Instant;

    use ringbahn_core::Sqe;

    use super::*;
    use crate::testing::build;
    use crate::{Queues, Setup};

    const SHORT: Duration = Duration::from_millis(50);

    /// One entry and two CQEs, unless this machine has no io_uring.
    fn smallest(test: &str) -> Option<Queues> {
        build(test, Setup::new(1).completion_entries(2))
    }

    fn publish_nop(queues: &mut Queues) {
        let pushed = queues.submission.push_raw(Sqe::nop());
        assert!(matches!(pushed, Ok(Ok(()))));
        queues.submission.publish();
    }

    #[test]
    fn what_is_published_stays_unsubmitted_until_the_kernel_is_entered() {
        let Some(mut queues) =
            smallest("what_is_published_stays_unsubmitted_until_the_kernel_is_entered")
        else {
            return;
        };
        for _ in 0..100 {
            assert!(queues.submission.push_raw(Sqe::nop()).unwrap().is_ok());
            assert_eq!(queues.handle.unsubmitted(), 0);
            queues.submission.publish();
            assert_eq!(queues.handle.unsubmitted(), 1);
            assert!(queues.submission.reserve(1).unwrap().is_none());
            assert_eq!(queues.handle.enter(0).unwrap(), 1);
            assert_eq!(queues.handle.unsubmitted(), 0);
            assert!(queues.completion.pop_raw().is_some());
        }
    }

    #[test]
    fn a_call_that_submits_also_waits() {
        let Some(mut queues) = smallest("a_call_that_submits_also_waits") else { return };
        publish_nop(&mut queues);
        let start = Instant::now();
        // One CQE is there at once, two never are; the kernel then reports what it has submitted.
        assert_eq!(queues.handle.enter_timeout(2, SHORT).unwrap(), 1);
        assert!(start.elapsed() >= SHORT);
        let ready = queues.handle.poll_readable(None, None).unwrap();
        assert_eq!(ready, Readiness { ring: true, wake: false });
    }

    #[test]
    fn cqes_that_do_not_fit_in_wait_in_the_kernel_and_come_in_with_a_flush() {
        let Some(mut queues) =
            smallest("cqes_that_do_not_fit_in_wait_in_the_kernel_and_come_in_with_a_flush")
        else {
            return;
        };
        for _ in 0..5 {
            publish_nop(&mut queues);
            assert_eq!(queues.handle.enter(0).unwrap(), 1);
        }
        assert!(queues.handle.overflowed());
        let mut seen = 0;
        while seen < 5 {
            while queues.completion.pop_raw().is_some() {
                seen += 1;
            }
            assert!(seen == 5 || queues.handle.overflowed());
            queues.handle.enter_flush().unwrap();
        }
        assert!(!queues.handle.overflowed() && queues.completion.is_empty());
        assert_eq!(queues.handle.overflow_count(), 0, "nothing was lost");
    }
}
