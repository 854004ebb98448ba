//! [`Fault`]: what can go wrong in a simulation, and [`Faults`], how often it does.

use crate::random::Random;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Something that a kernel, a disk or a network may do, and that programs tend not to
        /// expect.
        ///
        /// All of it is legal: a program that breaks by it has a bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Fault] = &[$(Fault::$name,)*];
        }
    };
}

faults! {
    /// An operation that could end as it is submitted runs a moment later: up to 100 µs.
    Defer,
    /// An operation takes up to a second.
    Latency,
    /// CQEs arrive in another order than operations have ended in.
    Reorder,
    /// A read or receive yields less than there is.
    ShortRead,
    /// A write or send takes less than it was given and there is room for.
    ShortWrite,
    /// `io_uring_enter` takes a part of the entries, and leaves the others in the queue.
    ShortSubmit,
    /// `io_uring_enter` fails with `EAGAIN` and has taken nothing.
    EnterAgain,
    /// `io_uring_enter` fails with `EBUSY` and has taken nothing.
    EnterBusy,
    /// `io_uring_enter` fails with `EINTR`: a signal.
    EnterInterrupted,
    /// A wait ends with nothing to show for it, and the task is polled for no reason.
    SpuriousWake,
    /// The completion queue counts as full, and the kernel keeps CQEs back.
    Overflow,
    /// A cancel answers `ENOENT` though the operation has not ended.
    CancelMissed,
    /// A cancel answers `EALREADY`, and the operation ends later: stopped, or done.
    CancelLate,
    /// A cancel answers that it has found the operation, which succeeds all the same.
    CancelIgnored,
    /// An operation ends with `EINTR` before it has run.
    Interrupted,
    /// An operation is stopped before it has run, though nobody has asked: it ends with `ECANCELED`
    /// or one of the kernel's private numbers from 512 to 516. Timers are spared: what is left of
    /// their time would be measured by a real clock.
    StoppedUnasked,
    /// The notification of a zero-copy send arrives up to a second late.
    NotificationDelayed,
    /// A zero-copy send fails with a single CQE, and a notification arrives after that which nobody
    /// has announced.
    NotificationUnannounced,
    /// A zero-copy send fails with a single CQE and no notification.
    NotificationOmitted,
    /// A CQE arrives twice, unless it says that a cancel has missed: a driver makes that again, and
    /// would make ever more.
    CqeDuplicated,
    /// A CQE arrives for an operation that ended long ago, whose place may be another's by now.
    CqeStale,
    /// A CQE arrives that belongs to nothing there has ever been.
    CqeUnknown,
    /// The disk fails: `EIO`. Of what a failed `fsync` was to save, a part is never saved.
    DiskError,
    /// The disk is full: `ENOSPC`.
    DiskFull,
    /// A connection is reset by the network.
    Reset,
    /// A datagram is lost on its way between internet addresses.
    DatagramLost,
    /// No descriptor is to be had: `EMFILE`.
    DescriptorsExhausted,
    /// The clock jumps ahead, by up to an hour, while a thread sleeps.
    ClockJump,
    /// The machine loses its power, in [`Sim::run_until_crash`](crate::Sim::run_until_crash) only,
    /// and with it what has not been synced.
    Crash,
}

/// How probable something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance(u32);

impl Chance {
    pub(crate) const NEVER: Chance = Chance(0);

    fn new(probability: f64) -> Chance {
        // The cast saturates, and makes 0 of what is no number.
        Chance((probability * f64::from(u32::MAX)) as u32)
    }

    /// Whether it happens where `drawn` was drawn from all numbers of 32 bits.
    #[inline]
    pub(crate) fn includes(self, drawn: u32) -> bool {
        drawn < self.0 || self.0 == u32::MAX
    }

    fn probability(self) -> f64 {
        f64::from(self.0) / f64::from(u32::MAX)
    }
}

/// How often each [`Fault`] happens.
///
/// # Examples
///
/// ```
/// use ringbahn_sim::{Fault, Faults};
///
/// let bad_disk = Faults::none().with(Fault::ShortWrite, 0.1).with(Fault::DiskError, 0.01);
/// assert!(bad_disk.probability(Fault::ShortWrite) > 0.09);
/// assert_eq!(bad_disk.probability(Fault::Reset), 0.0);
/// assert_eq!(Faults::swarm(7), Faults::swarm(7));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    chances: [Chance; Fault::ALL.len()],
}

/// What [`Faults::swarm`] leaves out: errors that a program rightly reports, and the crash.
const ERRORS: &[Fault] = &[
    Fault::DiskError,
    Fault::DiskFull,
    Fault::Reset,
    Fault::DatagramLost,
    Fault::DescriptorsExhausted,
    Fault::ClockJump,
    Fault::Crash,
];

impl Faults {
    /// None at all: every operation that can end at once does so.
    pub fn none() -> Faults {
        Faults { chances: [Chance::NEVER; Fault::ALL.len()] }
    }

    /// A random half of the faults that a program need not notice, each with a probability of its
    /// own, up to 0.3.
    ///
    /// With some faults switched off the others come into combinations that all together would
    /// hide. Faults that show as errors, such as those of the disk, are left to be added.
    pub fn swarm(seed: u64) -> Faults {
        let mut random = Random::new(seed);
        let mut faults = Faults::none();
        for &fault in Fault::ALL.iter().filter(|fault| !ERRORS.contains(fault)) {
            if random.coin() {
                faults = faults.with(fault, random.between(1, 300) as f64 / 1000.0);
            }
        }
        faults
    }

    /// The same with `fault` at this probability, from 0 to 1, whenever there is occasion for it.
    #[must_use]
    pub fn with(mut self, fault: Fault, probability: f64) -> Faults {
        self.chances[fault as usize] = Chance::new(probability);
        self
    }

    /// How probable `fault` is whenever there is occasion for it.
    pub fn probability(&self, fault: Fault) -> f64 {
        self.chance(fault).probability()
    }

    #[inline]
    pub(crate) fn chance(&self, fault: Fault) -> Chance {
        self.chances[fault as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_always_happens_and_what_is_impossible_never_does() {
        let mut random = Random::new(1);
        for _ in 0..1000 {
            assert!(random.happens(Chance::new(1.0)));
            assert!(!random.happens(Chance::new(0.0)));
        }
        assert_eq!(Chance::new(f64::NAN), Chance::NEVER);
        assert_eq!(Chance::new(7.0), Chance::new(1.0));
    }

    #[test]
    fn swarms_differ_and_leave_errors_out() {
        let swarms: Vec<_> = (0..50).map(Faults::swarm).collect();
        for (index, swarm) in swarms.iter().enumerate() {
            assert!(swarms[..index].iter().all(|other| other != swarm));
            assert!(ERRORS.iter().all(|&fault| swarm.probability(fault) == 0.0));
        }
        let happen = |fault| swarms.iter().any(|swarm| swarm.probability(fault) > 0.0);
        assert!(Fault::ALL.iter().filter(|fault| !ERRORS.contains(fault)).all(|&f| happen(f)));
    }
}
