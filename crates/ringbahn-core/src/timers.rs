//! [`Timers`]: any number of timers on a driver, with one timer of the kernel for all of them.
//!
//! | part | what it is |
//! |---|---|
//! | [`deadlines`] | the armed timers in memory, and which of them is due first |
//! | [`queue`] | the place where tasks arm them, and the end of the kernel's timer fires them |
//! | [`kernel_timer`] | that timer: an operation that goes round for what is due next |
//! | [`sleep`] | the future of a timer |
//!
//! # Who does what
//!
//! The kernel's timer ends at the first deadline, or a little later: see below. Whoever reaps its
//! end calls, as for any event, [`Event::resubmit`](crate::Event::resubmit), and in that the timers
//! that are due fire and the next deadline is aimed at. So a driver has nothing to do for its
//! timers but what it owes to any operation, and no task and no thread is theirs.
//!
//! Only a deadline earlier than all others makes a task see to the kernel's timer: the one in
//! flight is abandoned and another submitted. A timer that is dropped is taken out of memory, and
//! the kernel's ends for nothing in its time.
//!
//! # Slack
//!
//! Each end of the kernel's timer is an interrupt, a wake-up of the driver's thread, and a turn of
//! its ring. So after timers have fired it does not end again before the slack has passed, and all
//! that are due by then fire together. A timer that is due alone fires when it is due.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

mod deadlines;
mod kernel_timer;
mod queue;
mod sleep;

use kernel_timer::KernelTimer;
use queue::Queue;
pub use sleep::Sleep;

use crate::clock::{Clock, Deadline};
use crate::drive::Drive;
use crate::fork::Process;
use crate::sharing::{Lock, Sharing};
use crate::submission::Submission;

/// Any number of timers on a driver, with one timer of the kernel for all of them.
///
/// It is a handle; its clones share the timers. A timer takes 36 bytes besides its future, and
/// neither arming nor dropping one enters the kernel, unless it is the first to be due. Each clock
/// that is used has a timer of the kernel's of its own.
///
/// # Precision
///
/// No timer fires before it is due. One that is due within the [slack](Timers::slack) after others
/// have fired may wait until that has passed, and then fires together with those that are due
/// meanwhile; any other one fires when it is due, to the precision of the kernel's clock. The slack
/// is 50 µs, as that of the sleeps of a Linux thread is (`PR_SET_TIMERSLACK`), where
/// [`with_slack`](Timers::with_slack) has not been given another one: so however many timers are
/// due, they wake their thread no more than 20 000 times a second. Without slack each moment is
/// kept, and each costs a wake-up.
///
/// # The kernel's timer
///
/// It is an operation of the driver, counted as such; it counts as repeated when
/// timers have fired and others are still to come. It is cancelled with the last handle and the
/// last [`Sleep`]. Where somebody else cancels it, by cancelling all operations of the driver, it
/// is submitted anew. In a forked child it is of no use, as the driver is not.
///
/// # Examples
///
/// ```no_run
/// # // Not run: this crate brings no driver to run it on.
/// use std::time::Duration;
/// use ringbahn_core::{Drive, Timers};
///
/// # async fn example(driver: impl Drive + Clone) -> std::io::Result<()> {
/// let timers = Timers::on(driver);
/// timers.sleep(Duration::from_millis(20)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Kernel
///
/// Linux 5.5; for deadlines on another clock than the monotonic one, 5.15.
pub struct Timers<D: Drive> {
    shared: <D::Sharing as Sharing>::Share<Inner<D>>,
}

struct Inner<D: Drive> {
    driver: D,
    /// Whose timers they are. A forked child takes none of their locks.
    process: Process,
    /// In the order of the variants of [`Clock`].
    clocks: [ClockTimers<D>; 3],
}

/// The timers of one clock.
struct ClockTimers<D: Drive> {
    queue: Arc<Queue>,
    kernel: <D::Sharing as Sharing>::Lock<Kernel<D>>,
}

/// The kernel's timer, and whether somebody looks after it.
///
/// It is looked after by one at a time, and outside of the lock, since the driver is called. Who
/// comes meanwhile leaves word.
struct Kernel<D: Drive> {
    timer: Option<Timer<D>>,
    attended: bool,
    again: bool,
}

/// The kernel's timer.
struct Timer<D: Drive> {
    submission: Pin<Box<Submission<KernelTimer, D>>>,
    epoch: u64,
    /// Whether its output has been taken.
    over: bool,
}

/// By how much a timer may fire later than it is due where nothing is said: as much as a sleep of a
/// Linux thread ends later where nothing is said.
const SLACK: Duration = Duration::from_micros(50);

impl<D: Drive + Clone> Timers<D> {
    /// Timers on `driver`, none of which is armed, with a [slack](Timers::slack) of 50 µs.
    pub fn on(driver: D) -> Timers<D> {
        Timers::with_slack(driver, SLACK)
    }

    /// Timers on `driver`, none of which is armed, with this [slack](Timers::slack); none with
    /// `Duration::ZERO`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # // Not run: this crate brings no driver to run it on.
    /// use std::time::Duration;
    /// use ringbahn_core::{Drive, Timers};
    ///
    /// # fn example(driver: impl Drive + Clone) {
    /// // Timeouts of a million connections may as well come a little later.
    /// let timeouts = Timers::with_slack(driver.clone(), Duration::from_millis(1));
    /// // The beats of a metronome may not.
    /// let beats = Timers::with_slack(driver, Duration::ZERO);
    /// # drop((timeouts, beats));
    /// # }
    /// ```
    pub fn with_slack(driver: D, slack: Duration) -> Timers<D> {
        let clocks = [Clock::Monotonic, Clock::Boottime, Clock::Realtime].map(|clock| {
            let kernel = Kernel { timer: None, attended: false, again: false };
            ClockTimers { queue: Arc::new(Queue::new(clock, slack)), kernel: Lock::new(kernel) }
        });
        let process = Process::this();
        Timers { shared: D::Sharing::share(|| Inner { driver, process, clocks }) }
    }

    /// Waits for `duration` from now on, on the monotonic clock.
    pub fn sleep(&self, duration: Duration) -> Sleep<D> {
        self.sleep_until(Deadline::after(Clock::Monotonic, duration))
    }

    /// Waits until `deadline`, on its clock.
    pub fn sleep_until(&self, deadline: impl Into<Deadline>) -> Sleep<D> {
        Sleep::new(self.clone(), deadline.into())
    }

    /// How many timers are armed: sleeps that have been polled and are neither over nor dropped.
    pub fn armed(&self) -> usize {
        if self.forked() {
            return 0;
        }
        self.shared.clocks.iter().map(|clock| clock.queue.armed()).sum()
    }

    /// By how much a timer may fire later than it is due, so that it fires together with others: no
    /// two moments at which timers fire are closer to each other.
    pub fn slack(&self) -> Duration {
        self.queue(Clock::Monotonic).slack()
    }

    /// The driver that keeps the time.
    pub fn driver(&self) -> &D {
        &self.shared.driver
    }

    fn forked(&self) -> bool {
        self.shared.process.forked()
    }

    fn of(&self, clock: Clock) -> &ClockTimers<D> {
        &self.shared.clocks[clock as usize]
    }

    fn queue(&self, clock: Clock) -> &Queue {
        &self.of(clock).queue
    }

    /// Looks after the kernel's timer, unless somebody is at it, who then looks once more.
    fn attend(&self, clock: Clock) {
        /// Leaves the timer to others where the driver panics.
        struct Attending<'a, D: Drive> {
            clock: &'a ClockTimers<D>,
            panicked: bool,
        }

        impl<D: Drive> Drop for Attending<'_, D> {
            fn drop(&mut self) {
                if self.panicked {
                    self.clock.kernel.lock().attended = false;
                    self.clock.queue.clone().wake();
                }
            }
        }

        let clock = self.of(clock);
        let mut timer = {
            let mut kernel = clock.kernel.lock();
            if kernel.attended {
                kernel.again = true;
                return;
            }
            kernel.attended = true;
            kernel.timer.take()
        };
        let mut attending = Attending { clock, panicked: true };
        loop {
            timer = self.see_to(clock, timer);
            let mut kernel = clock.kernel.lock();
            if !std::mem::take(&mut kernel.again) {
                kernel.attended = false;
                kernel.timer = timer;
                break;
            }
        }
        attending.panicked = false;
    }

    /// Has the kernel's timer be what the queue wants it to be.
    fn see_to(&self, clock: &ClockTimers<D>, timer: Option<Timer<D>>) -> Option<Timer<D>> {
        let waker = Waker::from(clock.queue.clone());
        let mut cx = Context::from_waker(&waker);
        let mut timer = timer;
        let mut cancels = 0;
        loop {
            let Some((deadline, epoch)) = clock.queue.wanted() else { return timer };
            let event = || KernelTimer::new(clock.queue.clone(), deadline, epoch);
            let current = match &mut timer {
                Some(current) => {
                    if current.over || current.epoch != epoch {
                        current.restart(event(), epoch, &mut cx);
                    }
                    current
                }
                None => {
                    let submission = Box::pin(self.shared.driver.clone().submit(event()));
                    timer.insert(Timer { submission, epoch, over: false })
                }
            };
            let Poll::Ready(ended) = current.submission.as_mut().poll(&mut cx) else {
                return timer;
            };
            current.over = true;
            match ended {
                // It found nothing to wait for, and now there is something again.
                Ok(()) => {}
                Err(error) if is_cancel(&error) && cancels < CANCELS_MAX => cancels += 1,
                Err(error) => clock.queue.fail(error),
            }
        }
    }
}

impl<D: Drive> Timer<D> {
    /// Goes on as a timer of another epoch, in the same memory where the one before has ended.
    fn restart(&mut self, event: KernelTimer, epoch: u64, cx: &mut Context<'_>) {
        if !self.over && self.submission.is_in_flight() {
            let _ended = self.submission.as_mut().poll(cx);
        }
        self.submission.as_mut().restart(event);
        self.epoch = epoch;
        self.over = false;
    }
}

/// How often the kernel's timer is submitted anew, where somebody cancels it at once each time.
const CANCELS_MAX: u32 = 3;

fn is_cancel(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ECANCELED)
}

impl<D: Drive> Clone for Timers<D> {
    fn clone(&self) -> Timers<D> {
        Timers { shared: self.shared.clone() }
    }
}

impl<D: Drive> fmt::Debug for Timers<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clocks = self.shared.clocks.iter().filter(|_| !self.shared.process.forked());
        let armed: usize = clocks.map(|clock| clock.queue.armed()).sum();
        f.debug_struct("Timers").field("armed", &armed).finish_non_exhaustive()
    }
}
