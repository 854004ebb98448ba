//! The ring of a shared driver, and what is done with it under which lock.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ringbahn_core::{Batch, CancelTarget, Completion, Reservation, Shared};

mod backlog;
mod hand_over;
mod served;
mod tuned;

use super::lookout::{Host, Lookout};
use super::shutdown::{Closing, Shutdown};
use crate::at_once::AtOnce;
use crate::backlog::Backlog;
use crate::counters::{Counters, Ends, Tally, add};
use crate::refusal::{Refusal, forked, too_long};
use crate::report::announce_leak;
use crate::{CompletionQueue, Queues, RingHandle, SubmissionQueue, trace};

/// How many CQEs are read before their consequences are run.
const REAP_MAX: usize = 64;

/// How often a submitter submits once more what has just ended. What goes round more often, as a
/// transfer may that comes in small pieces, is left to the helper thread.
const ROUNDS_MAX: u32 = 4;

/// How often an enter that fails for want of memory or room is tried again at once. After that
/// the helper thread takes over, which may wait in between.
const ENTER_TRIES_MAX: u32 = 3;

/// The ring of a shared driver, on cache lines that it shares with no other.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Core {
    pub(crate) ring: RingHandle,
    at_once: AtOnce,
    submission: Mutex<Submission>,
    completion: Mutex<CompletionQueue>,
    /// How many wakers wait in `submission`. Changed under its lock; read without, after each
    /// enter, to find out whether somebody waits for the room that it made.
    waiting: AtomicUsize,
    /// Whether there is a backlog in `submission`, or entries that an enter has failed to submit.
    /// Set under the lock of `submission`, cleared by whoever sets out to deal with it.
    overdue: AtomicBool,
    /// How many threads are in [`submit`](Core::submit). Each of them looks, as it leaves, whether
    /// it leaves something in flight behind.
    submitting: AtomicUsize,
    /// How many threads are in [`turn`](Core::turn): of the lookout, and at the driver's end of
    /// whoever has begun that.
    turning: AtomicUsize,
    /// Whether `submission` has a refusal: what is refused is not served at once either.
    /// Relaxed: whoever ends the last operation after the helper has looked for it came after the
    /// helper to the table, and so sees what was stored before the helper was called.
    closed: AtomicBool,
    /// Whether `submission` has cancels that are to be tried again after a moment.
    missed: AtomicBool,
    pub(crate) lookout: Lookout,
    pub(crate) closing: Arc<Closing>,
    pub(crate) tally: Tally,
}

/// The submission side.
#[derive(Debug)]
struct Submission {
    queue: SubmissionQueue,
    /// What is to be submitted besides.
    backlog: Backlog<Shared>,
    /// Those who wait for room in the queue.
    waiters: Vec<Waker>,
    /// Why no event is accepted any more.
    refusal: Option<Refusal>,
}

impl Core {
    /// With a `host`, that looks after the ring as long as it can.
    pub(crate) fn new(
        queues: Queues,
        serve_at_once: bool,
        host: Option<Arc<dyn Host>>,
    ) -> io::Result<Core> {
        Ok(Core {
            ring: queues.handle,
            at_once: AtOnce::new(serve_at_once),
            submission: Mutex::new(Submission {
                queue: queues.submission,
                backlog: Backlog::new(),
                waiters: Vec::new(),
                refusal: None,
            }),
            completion: Mutex::new(queues.completion),
            waiting: AtomicUsize::new(0),
            overdue: AtomicBool::new(false),
            submitting: AtomicUsize::new(0),
            turning: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            missed: AtomicBool::new(false),
            lookout: Lookout::new(host)?,
            closing: Arc::default(),
            tally: Tally::default(),
        })
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.snapshot(self.in_flight())
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.ring.table().in_flight()
    }

    /// How many operations have ended, and how.
    ///
    /// The table counts one out before the tally counts it in, which a thread may see that is not
    /// the one that reaps. Both are done under this lock, so who has seen the first sees both.
    pub(super) fn ends(&self) -> Ends {
        let _completion = lock(&self.completion);
        self.tally.ends()
    }

    /// Whether nothing is in flight, nor will be again, of a driver that accepts no events.
    pub(crate) fn is_done(&self) -> bool {
        // An operation that is repeated goes from the table to a thread in `submit` or `turn`, to
        // the backlog, and back to the table. The last two steps need this lock, so it cannot get
        // round the order in which the three places are looked at.
        let submission = lock(&self.submission);
        submission.backlog.resubmissions.is_empty()
            && self.in_flight() == 0
            && !self.is_submitting()
            && self.turning.load(Ordering::SeqCst) == 0
    }

    /// Whether something waits to be submitted that no poll will come back for.
    pub(crate) fn is_overdue(&self) -> bool {
        self.overdue.load(Ordering::SeqCst)
    }

    /// Whether no events are accepted any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn poll_prepare<'cx>(
        self: &Arc<Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        if self.ring.forked() {
            return Poll::Ready(Err(forked()));
        }
        self.lookout.start(self)?;
        let mut submitted_meanwhile = false;
        let mut waker: Option<Waker> = None;
        loop {
            let mut submission = lock(&self.submission);
            if let Some(refusal) = submission.refusal {
                return Poll::Ready(Err(refusal.error()));
            }
            let capacity = submission.queue.capacity();
            if let Some(reservation) = submission.queue.reserve(count)? {
                let receipt = prepare(reservation, cx);
                submission.queue.publish();
                add(&self.tally.submitted, u64::from(receipt.is_committed()));
                // A waker that turned out not to be needed is dropped without the lock.
                drop(submission);
                return Poll::Ready(Ok(receipt));
            }
            if count > capacity {
                return Poll::Ready(Err(too_long(count, capacity)));
            }
            if !submitted_meanwhile {
                drop(submission);
                submitted_meanwhile = true;
                let _ = self.submit();
                continue;
            }
            if let Some(waker) = waker.take() {
                return self.wait_for_room(submission, waker, count);
            }
            drop(submission);
            waker = Some(cx.waker().clone());
        }
    }

    /// Leaves `waker` with those who wait for room, unless there is some now.
    fn wait_for_room<T>(
        self: &Arc<Self>,
        mut submission: MutexGuard<'_, Submission>,
        waker: Waker,
        count: u32,
    ) -> Poll<io::Result<T>> {
        add(&self.tally.full_queue_waits, 1);
        let known = submission.waiters.iter().any(|known| known.will_wake(&waker));
        let unused = if known {
            Some(waker)
        } else {
            submission.waiters.push(waker);
            None
        };
        // First the count, then another look at the kernel's head. Whoever makes room moves the
        // head first and then reads the count (`submit`), so one of the two sees the other.
        self.waiting.store(submission.waiters.len(), Ordering::SeqCst);
        std::sync::atomic::fence(Ordering::SeqCst);
        let room = submission.queue.reserve(count)?.is_some();
        drop(submission);
        drop(unused);
        if room {
            self.wake_waiters();
        } else if self.ring.polls_entries() {
            // Nobody enters: the helper waits for the room that the kernel's thread makes.
            self.lookout.wake();
        }
        // Else somebody is about to enter, or an enter has failed; then the helper is at it.
        Poll::Pending
    }

    fn wake_waiters(&self) {
        let waiters = {
            let mut submission = lock(&self.submission);
            self.waiting.store(0, Ordering::SeqCst);
            std::mem::take(&mut submission.waiters)
        };
        let mut batch: Batch = Batch::new();
        waiters.into_iter().for_each(|waiter| batch.wake(waiter));
        add(&self.tally.panics, u64::from(batch.run().panics));
    }

    /// Submits what is prepared, reaps what has completed, and sees to it that the rest is
    /// watched. Yields how many entries the kernel took.
    pub(crate) fn submit(self: &Arc<Self>) -> io::Result<u32> {
        if self.ring.forked() {
            return Err(forked());
        }
        let submitting = CountedIn::new(&self.submitting);
        let submitted = self.enter();
        let mut rounds = 0;
        // The rounds come first: whoever clears `overdue` has to flush.
        while self.reap(false) > 0
            && rounds < ROUNDS_MAX
            && self.overdue.swap(false, Ordering::SeqCst)
        {
            rounds += 1;
            self.flush();
            let _ = self.enter();
        }
        // In this order: see `needs_watching`.
        drop(submitting);
        let in_flight = self.in_flight();
        if in_flight > 0 {
            self.lookout.watch(self);
        }
        // Nothing tells the helper, asleep until the deadline of the driver's end, of a CQE that
        // was read here: a ring that is empty again is not readable.
        let ended = in_flight == 0 && self.closed.load(Ordering::Relaxed);
        if ended || self.is_overdue() {
            self.lookout.wake();
        }
        submitted
    }

    /// Whether something may be in flight that no thread in `submit` will look after.
    ///
    /// The helper, having said that it rests, asks this. A thread in `submit` counts itself out
    /// first and then looks what is in flight and whether the helper rests; so if it was counted
    /// in here, it will see that the helper rests, and call it should that be needed.
    pub(crate) fn needs_watching(&self) -> bool {
        self.in_flight() > self.submitting.load(Ordering::SeqCst)
    }

    /// Whether a thread is in `submit`, and will reap before it leaves.
    pub(crate) fn is_submitting(&self) -> bool {
        self.submitting.load(Ordering::SeqCst) > 0
    }

    /// The helper's share of the work: what others have left, or failed to do. Says how many CQEs
    /// there were.
    pub(crate) fn turn(self: &Arc<Self>) -> usize {
        let _turning = CountedIn::new(&self.turning);
        self.await_room();
        let reaped = self.reap(true);
        if self.overdue.swap(false, Ordering::SeqCst) || self.ring.unsubmitted() > 0 {
            self.flush();
            let _ = self.enter();
            let reaped = reaped + self.reap(true);
            // No submitter knows of what has come into flight here.
            if self.in_flight() > 0 {
                self.lookout.watch(self);
            }
            return reaped;
        }
        reaped
    }

    /// Enters the kernel until it has taken all entries that are published.
    pub(crate) fn enter(&self) -> io::Result<u32> {
        // The kernel may have taken already what stands in the places of these, for another thread.
        self.ring.start_beside();
        if self.ring.polls_entries() {
            return self.hand_over();
        }
        let mut submitted = 0;
        let mut tries = 0;
        while self.ring.unsubmitted() > 0 {
            add(&self.tally.enters, 1);
            match self.ring.enter(0) {
                // Somebody else was faster, and then nothing is left; or else the kernel took
                // nothing and did not say why.
                Ok(0) if tries < ENTER_TRIES_MAX => tries += 1,
                Ok(0) => {
                    self.overdue.store(true, Ordering::SeqCst);
                    break;
                }
                Ok(count) => submitted += count,
                Err(error) => {
                    add(&self.tally.failed_enters, 1);
                    match error.raw_os_error() {
                        Some(libc::EINTR) => continue,
                        // Memory is short, or completions must be fetched first.
                        Some(libc::EAGAIN | libc::EBUSY | libc::ENOMEM)
                            if tries < ENTER_TRIES_MAX =>
                        {
                            tries += 1;
                            self.reap(false);
                            continue;
                        }
                        Some(libc::EAGAIN | libc::EBUSY | libc::ENOMEM) => {}
                        errno => self.die(errno.unwrap_or(libc::EIO)),
                    }
                    self.overdue.store(true, Ordering::SeqCst);
                    return Err(error);
                }
            }
        }
        // Pairs with `wait_for_room`: the kernel has moved the head, now the count is read.
        std::sync::atomic::fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.wake_waiters();
        }
        Ok(submitted)
    }

    /// The ring accepts no entries any more. What is in flight stays the kernel's.
    fn die(&self, errno: i32) {
        let mut submission = lock(&self.submission);
        submission.refusal.get_or_insert(Refusal::Dead(errno));
        self.closed.store(true, Ordering::Relaxed);
        drop(submission);
        self.wake_waiters();
    }

    /// Reads CQEs and runs their consequences; says how many there were. Whoever calls it is in
    /// `submit`, or is the helper. With `wait`, waits for
    /// another thread that is reading them; else leaves them to it.
    pub(crate) fn reap(&self, wait: bool) -> usize {
        let mut total = 0;
        let mut batch = Batch::new();
        loop {
            let mut jammed = false;
            if self.ring.overflowed() {
                add(&self.tally.overflows, 1);
                add(&self.tally.enters, 1);
                trace::has_overflown();
                jammed = self.ring.enter_flush().is_err();
            }
            let reaped = {
                let queue =
                    if wait { Some(lock(&self.completion)) } else { try_lock(&self.completion) };
                let Some(mut queue) = queue else { return total };
                let reaped = queue.reap(&mut batch, REAP_MAX);
                // Under the lock, for `ends`.
                add(&self.tally.completed, reaped.finished as u64);
                add(&self.tally.stopped, reaped.stopped as u64);
                add(&self.tally.unknown_cqes, reaped.unknown as u64);
                reaped
            };
            // An answer to a cancel is no progress: it must not lead to another try at once.
            total += reaped.count - reaped.cancels_answered;
            if !batch.is_empty() {
                let aftermath = batch.run();
                self.settle(aftermath);
            }
            let more = self.ring.overflowed() && !(jammed && reaped.count == 0);
            if reaped.count < REAP_MAX && !more {
                return total;
            }
        }
    }

    /// Gets a cancel of `target` to the kernel, now or when there is room.
    pub(crate) fn cancel(self: &Arc<Self>, target: CancelTarget) {
        if self.ring.forked() {
            return;
        }
        add(&self.tally.cancelled, 1);
        lock(&self.submission).backlog.cancels.push_back(target);
        self.flush();
        let _ = self.submit();
    }

    /// Accepts no events any more, and asks for the end of those in flight.
    fn refuse_all(self: &Arc<Self>) {
        let refusal = Refusal::ShutDown { past_deadline: false };
        lock(&self.submission).refusal.get_or_insert(refusal);
        self.closed.store(true, Ordering::SeqCst); // SeqCst in `is_closed`, see `Helper::start`.
        self.wake_waiters();
        self.cancel_all(false);
    }

    /// The end begins. `false` where it had begun before.
    fn begin_end(self: &Arc<Self>, time: Duration) -> bool {
        let ends = self.ends();
        let in_flight = self.in_flight();
        // In this order: the helper goes when the end has begun and nothing is in flight, so from
        // then on nothing may be accepted that it would have to look after.
        self.refuse_all();
        let begun = self.closing.begin(ends, time);
        if begun {
            trace::shuts_down(in_flight);
        }
        begun
    }

    /// The last handle has gone.
    pub(crate) fn wind_up(self: &Arc<Self>, time: Duration) {
        let looked_after = !self.ring.forked() && self.lookout.is_there();
        if looked_after && self.begin_end(time) {
            self.lookout.see_to_end(self);
        }
    }

    pub(crate) fn shut_down(self: &Arc<Self>, time: Duration) -> Shutdown {
        if !self.ring.forked() && self.begin_end(time) {
            if self.lookout.is_there_by_now() {
                self.lookout.see_to_end(self);
            } else {
                // Nothing was ever submitted, or no thread could be started to look after it.
                self.finish();
            }
        }
        Shutdown::new(self.closing.clone(), self.ring.forked())
    }

    /// The end is there; what is in flight is left to the kernel.
    pub(crate) fn finish(&self) {
        let in_flight = self.in_flight();
        if in_flight > 0 {
            announce_leak(in_flight);
        }
        let panics = self.closing.finish(self.ends(), in_flight);
        add(&self.tally.panics, panics);
    }
}

/// Counts a thread in, and out again when it is dropped, also by a panic.
struct CountedIn<'a>(&'a AtomicUsize);

impl CountedIn<'_> {
    fn new(count: &AtomicUsize) -> CountedIn<'_> {
        count.fetch_add(1, Ordering::SeqCst);
        CountedIn(count)
    }
}

impl Drop for CountedIn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that can panic half-way runs under these locks, so poison says nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    }
}
