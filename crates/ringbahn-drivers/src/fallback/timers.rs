//! [`Timers`]: times that are waited for, the next of which the reactor is told of.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

use super::operations::Id;

/// A time of the monotonic clock, and a number that tells timers of the same time apart.
pub(super) type Key = (Duration, u64);

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A timeout: the operation itself.
    Operation(Id),
    /// A timeout that is linked to the operation.
    Link(Id),
}

/// Times that are waited for.
#[derive(Debug)]
pub(super) struct Timers {
    targets: BTreeMap<Key, Target>,
    next: u64,
    /// A timer of the kernel that ends the reactor's sleep.
    timer: Arc<OwnedFd>,
    /// When it does.
    armed: Option<Duration>,
}

impl Timers {
    pub(super) fn new() -> io::Result<(Timers, Arc<OwnedFd>)> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = Arc::new(timerfd_create(TimerfdClockId::Monotonic, flags)?);
        let timers =
            Timers { targets: BTreeMap::new(), next: 0, timer: timer.clone(), armed: None };
        Ok((timers, timer))
    }

    /// Has the reactor woken for `target` at `moment` of the monotonic clock.
    pub(super) fn add(&mut self, moment: Duration, target: Target) -> Key {
        self.next += 1;
        let key = (moment, self.next);
        self.targets.insert(key, target);
        if self.armed.is_none_or(|armed| moment < armed) {
            self.arm(moment);
        }
        key
    }

    /// Forgets a timer. The reactor may wake in vain.
    pub(super) fn remove(&mut self, key: Key) {
        self.targets.remove(&key);
    }

    /// Takes the first timer whose time has come.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Target> {
        let first = self.targets.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// The reactor is awake, and has taken what was due.
    pub(super) fn rearm(&mut self) {
        let _ = rustix::io::read(&*self.timer, &mut [0; 8]);
        self.armed = None;
        if let Some((&(moment, _), _)) = self.targets.first_key_value() {
            self.arm(moment);
        }
    }

    /// Wakes the reactor now.
    pub(super) fn call(&mut self) {
        self.arm(Duration::from_nanos(1));
    }

    fn arm(&mut self, moment: Duration) {
        // A time of zero would turn the timer off.
        let moment = moment.max(Duration::from_nanos(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(moment.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: moment.subsec_nanos().into(),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let time = Itimerspec { it_interval, it_value };
        // It cannot fail: descriptor, flag and time are valid.
        let set = timerfd_settime(&*self.timer, TimerfdTimerFlags::ABSTIME, &time);
        debug_assert!(set.is_ok(), "{set:?}");
        self.armed = Some(moment);
    }
}

/// What a clock says.
pub(super) fn now(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
