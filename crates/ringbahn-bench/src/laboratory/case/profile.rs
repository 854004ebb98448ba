//! [`Profile`]: which cases are measured, for how long and how often.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{
    Accept, Append, Cancel, Case, Copy, Echo, Http, Idle, InFlight, Metadata, Nop, ReadRandom,
    ReadWhole, Sequential, Timers, Wake,
};

/// Which cases are measured, for how long and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Profile {
    /// A look at each workload, in less than three minutes
    #[default]
    Quick,
    /// Every case, in less than forty minutes
    Full,
}

impl Profile {
    /// The cases, in the order of their report.
    pub(crate) fn cases(self) -> Vec<Case> {
        match self {
            Profile::Quick => quick(),
            Profile::Full => full(),
        }
    }

    /// How long a trial runs before it is measured.
    pub(crate) fn warm_up(self) -> Duration {
        Duration::from_millis(match self {
            Profile::Quick => 20,
            Profile::Full => 100,
        })
    }

    /// How long a trial is measured, if there is time for it.
    pub(crate) fn measured(self) -> Duration {
        Duration::from_millis(match self {
            Profile::Quick => 80,
            Profile::Full => 250,
        })
    }

    /// How often each contender has its turn.
    pub(crate) fn rounds(self) -> usize {
        5
    }

    /// How long the whole may take. What has not begun by then is left out, and said to be. A trial
    /// that has may take some seconds more, and one that is stuck is then given up after ten.
    pub(crate) fn bound(self) -> Duration {
        Duration::from_secs(match self {
            Profile::Quick => 165,
            Profile::Full => 38 * 60,
        })
    }

    /// How long the file is that is read, in bytes.
    pub(crate) fn file(self) -> u64 {
        match self {
            Profile::Quick => 128 << 20,
            Profile::Full => 1 << 30,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Profile::Quick => "quick",
            Profile::Full => "full",
        })
    }
}

fn quick() -> Vec<Case> {
    vec![
        Case::Nop(Nop { depth: 32 }),
        Case::ReadRandom(ReadRandom { direct: false, depth: 32 }),
        Case::ReadRandom(ReadRandom { direct: true, depth: 32 }),
        Case::ReadSequential(Sequential { piece: 256 << 10, depth: 4 }),
        Case::ReadWhole(ReadWhole { length: 64 << 10 }),
        Case::Copy(Copy { length: 32 << 20 }),
        Case::Append(Append { chained: true, record: 4096 }),
        Case::Metadata(Metadata { depth: 16 }),
        Case::Echo(Echo { connections: 64, length: 64, pipeline: 1 }),
        Case::Accept(Accept { connections: 32 }),
        Case::Idle(Idle { connections: 1000 }),
        Case::Http(Http { connections: 64 }),
        Case::Timers(Timers { armed: 1000 }),
        Case::Cancel(Cancel { depth: 32 }),
        Case::InFlight(InFlight { waiting: 1000 }),
        Case::Wake(Wake {}),
    ]
}

fn full() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend([1, 8, 32, 128].map(|depth| Case::Nop(Nop { depth })));
    for direct in [false, true] {
        let read = |depth| Case::ReadRandom(ReadRandom { direct, depth });
        cases.extend([1, 8, 32, 128].map(read));
    }
    let sequential = Sequential { piece: 256 << 10, depth: 8 };
    cases.extend([Case::ReadSequential(sequential), Case::WriteSequential(sequential)]);
    cases.extend([64 << 10, 1 << 20].map(|length| Case::ReadWhole(ReadWhole { length })));
    cases.push(Case::Copy(Copy { length: 1 << 30 }));
    cases.extend([true, false].map(|chained| Case::Append(Append { chained, record: 4096 })));
    cases.push(Case::Metadata(Metadata { depth: 32 }));
    for length in [64, 16 << 10] {
        let echo = |connections| Case::Echo(Echo { connections, length, pipeline: 1 });
        cases.extend([1, 64, 1000].map(echo));
    }
    cases.push(Case::Echo(Echo { connections: 64, length: 64, pipeline: 16 }));
    cases.push(Case::Echo(Echo { connections: 64, length: 16 << 10, pipeline: 16 }));
    cases.push(Case::Echo(Echo { connections: 10_000, length: 64, pipeline: 1 }));
    cases.push(Case::Accept(Accept { connections: 64 }));
    cases.extend([1000, 10_000].map(|connections| Case::Idle(Idle { connections })));
    cases.push(Case::Http(Http { connections: 64 }));
    cases.push(Case::Timers(Timers { armed: 10_000 }));
    cases.push(Case::Cancel(Cancel { depth: 32 }));
    let in_flight = |waiting| Case::InFlight(InFlight { waiting });
    // Two descriptors each; many machines allow a process 20 000.
    cases.extend([10, 100, 1000, 9900].map(in_flight));
    cases.push(Case::Wake(Wake {}));
    cases
}
