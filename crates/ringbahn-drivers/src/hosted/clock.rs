//! [`Clock`]: wakes the task that looks after a hosted ring after a pause.
//!
//! A timer of the kernel's, since a runtime need not have any of its own. It is seldom set: for
//! what has failed, or has to be tried again.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::reactor::Reactor;
use super::watched::Watched;
use crate::Unavailable;

/// Wakes a task after a pause.
#[derive(Debug)]
pub(super) struct Clock {
    timer: Watched,
}

impl Clock {
    pub(super) fn new(reactor: &Reactor) -> io::Result<Clock> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)
            .map_err(|error| Unavailable::failed("timerfd_create", &error.into()))?;
        Ok(Clock { timer: reactor.watch(timer)? })
    }

    /// Sees to it that the task is woken after `pause`; `Ready` where that is over already.
    ///
    /// # Errors
    ///
    /// Where the reactor has gone, or the kernel has no memory.
    pub(super) fn poll_pause(&self, cx: &mut Context<'_>, pause: Duration) -> Poll<io::Result<()>> {
        // Zero would stop the timer; and a time beyond all times is as good as none.
        let pause = pause.max(Duration::from_nanos(1));
        let Ok(value) = Timespec::try_from(pause) else { return Poll::Pending };
        let once = Itimerspec { it_interval: Timespec::default(), it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        loop {
            ready!(self.timer.poll_readable(cx))?;
            // What was told of may be an older pause, and then there is nothing to read.
            if rustix::io::read(&self.timer, &mut [0; 8]) != Err(Errno::AGAIN) {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
