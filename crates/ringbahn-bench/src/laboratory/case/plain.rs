//! The workloads that need neither a file nor a network.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Operations that do nothing, which is what an operation costs at the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nop {
    /// How many are submitted together, and awaited before the next are.
    pub(crate) depth: u32,
}

/// Timers that are armed together and awaited, as the timeouts of a server are, which seldom come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timers {
    /// How many wait at a time, each for some time below 5 ms.
    pub(crate) armed: u32,
}

/// Reads from which nothing comes, which are given up at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancel {
    /// How many wait at a time, each on a socket of its own, before all are given up.
    pub(crate) depth: u32,
}

/// Reads that wait, each at a counter of its own (`eventfd`), of which one at a time gets what it
/// waits for. An operation is a 1 that is written to a counter, the read that yields it, and
/// another that takes its place.
///
/// What an operation costs is to be the same however many others wait. A counter is one descriptor,
/// other than a pair of sockets, and writing to it costs next to nothing. What waits for readiness,
/// as tokio does, has pairs of sockets all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InFlight {
    /// How many wait at a time.
    pub(crate) waiting: u32,
}

/// A loop that sleeps in the kernel is woken by another thread, and answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wake {}

impl Nop {
    /// How many operations a lap has: a multiple of the depth.
    pub(crate) fn lap(&self) -> u64 {
        u64::from(self.depth) * (4096 / u64::from(self.depth)).max(1)
    }
}

impl Cancel {
    /// How many operations a lap has: a multiple of the depth.
    pub(crate) fn lap(&self) -> u64 {
        u64::from(self.depth) * (1024 / u64::from(self.depth)).max(1)
    }
}

impl InFlight {
    /// How many times a lap writes, each time to the counter whose turn it is: one after the other,
    /// and the first one again behind the last.
    pub(crate) fn lap(&self) -> u64 {
        1024
    }
}

impl Timers {
    /// How long the timer of this number waits, from its being armed. No two neighbours are alike.
    pub(crate) fn duration(number: u32) -> Duration {
        Duration::from_micros(u64::from(number) * 7919 % 5000)
    }
}

impl Wake {
    /// How many wakes and answers a lap has.
    pub(crate) fn lap(&self) -> u64 {
        256
    }
}

impl fmt::Display for Nop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "depth {}", self.depth)
    }
}

impl fmt::Display for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} armed", self.armed)
    }
}

impl fmt::Display for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "depth {}", self.depth)
    }
}

impl fmt::Display for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {} that wait", self.waiting)
    }
}

impl fmt::Display for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("from another thread")
    }
}
