//! [`Case`]: one thing to be measured, which is a workload and its parameters.

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use files::{Append, BLOCK, Copy, Metadata, ReadRandom, ReadWhole, Sequential};
pub(crate) use network::{Accept, Echo, Http, Idle};
pub(crate) use plain::{Cancel, InFlight, Nop, Timers, Wake};
pub(crate) use profile::Profile;

mod files;
mod network;
mod plain;
mod profile;

/// One thing to be measured, which is a workload and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Case {
    Nop(Nop),
    ReadRandom(ReadRandom),
    ReadSequential(Sequential),
    WriteSequential(Sequential),
    ReadWhole(ReadWhole),
    Copy(Copy),
    Append(Append),
    Metadata(Metadata),
    Echo(Echo),
    Accept(Accept),
    Idle(Idle),
    Http(Http),
    Timers(Timers),
    Cancel(Cancel),
    InFlight(InFlight),
    Wake(Wake),
}

/// What of a measurement is compared, and told as a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Figure {
    /// Nanoseconds of the clock on the wall for each operation: others wait for it.
    WallTime,
    /// Nanoseconds of a processor for each operation: what is left for something else.
    ProcessorTime,
    /// Bytes of memory for each operation, which is a connection that waits.
    Memory,
}

impl Case {
    /// The workload, in one word: `--workload` knows it by this.
    pub(crate) fn workload(&self) -> &'static str {
        match self {
            Case::Nop(_) => "nop",
            Case::ReadRandom(_) => "read-random",
            Case::ReadSequential(_) => "read-sequential",
            Case::WriteSequential(_) => "write-sequential",
            Case::ReadWhole(_) => "read-whole",
            Case::Copy(_) => "copy",
            Case::Append(_) => "append",
            Case::Metadata(_) => "metadata",
            Case::Echo(_) => "echo",
            Case::Accept(_) => "accept",
            Case::Idle(_) => "idle",
            Case::Http(_) => "http",
            Case::Timers(_) => "timers",
            Case::Cancel(_) => "cancel",
            Case::InFlight(_) => "in-flight",
            Case::Wake(_) => "wake",
        }
    }

    /// Whether operations are linked, which not every library can have done.
    pub(crate) fn is_chained(&self) -> bool {
        matches!(self, Case::Append(append) if append.chained)
    }

    /// What of a measurement is compared.
    pub(crate) fn figure(&self) -> Figure {
        match self {
            Case::Echo(_) | Case::Accept(_) | Case::Http(_) | Case::Timers(_) => {
                Figure::ProcessorTime
            }
            Case::Idle(_) => Figure::Memory,
            _ => Figure::WallTime,
        }
    }

    /// Whether it needs the file to be read, which is long.
    pub(crate) fn reads(&self) -> bool {
        matches!(self, Case::ReadRandom(_) | Case::ReadSequential(_))
    }

    /// How many operations pass for one whose latency is measured; `None` where none is.
    ///
    /// Two looks at a clock cost some 50 ns, which must not be what is measured.
    pub(crate) fn timed_one_of(&self) -> Option<u32> {
        match self {
            Case::Nop(_) | Case::Timers(_) | Case::Cancel(_) | Case::Idle(_) => None,
            Case::InFlight(_) => Some(16),
            Case::ReadRandom(read) if !read.direct => Some(16),
            _ => Some(1),
        }
    }

    /// The parameters, as words for people. Empty if there is none.
    pub(crate) fn parameters(&self) -> String {
        match self {
            Case::Nop(case) => case.to_string(),
            Case::ReadRandom(case) => case.to_string(),
            Case::ReadSequential(case) | Case::WriteSequential(case) => case.to_string(),
            Case::ReadWhole(case) => case.to_string(),
            Case::Copy(case) => case.to_string(),
            Case::Append(case) => case.to_string(),
            Case::Metadata(case) => case.to_string(),
            Case::Echo(case) => case.to_string(),
            Case::Accept(case) => case.to_string(),
            Case::Idle(case) => case.to_string(),
            Case::Http(case) => case.to_string(),
            Case::Timers(case) => case.to_string(),
            Case::Cancel(case) => case.to_string(),
            Case::InFlight(case) => case.to_string(),
            Case::Wake(case) => case.to_string(),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = self.parameters();
        f.write_str(self.workload())?;
        if parameters.is_empty() { Ok(()) } else { write!(f, ", {parameters}") }
    }
}

/// A number of bytes, as a person says it.
fn bytes(number: u64) -> String {
    match number {
        number if number >= 1 << 20 && number.is_multiple_of(1 << 20) => {
            format!("{} MiB", number >> 20)
        }
        number if number >= 1 << 10 && number.is_multiple_of(1 << 10) => {
            format!("{} KiB", number >> 10)
        }
        number => format!("{number} B"),
    }
}
