//! The workloads of files.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bytes;

/// How long a block is that is read at random, in bytes.
pub(crate) const BLOCK: u64 = 4096;

/// Reads of [`BLOCK`] bytes at places that are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadRandom {
    /// Past the page cache, with `O_DIRECT`. If not, all of the file is in memory.
    pub(crate) direct: bool,
    /// How many are in flight, always: each is followed by another as soon as it ends.
    pub(crate) depth: u32,
}

/// A file is read or written from its beginning to its end, over and over. An operation is a piece.
///
/// What is read is in memory. What is written is not waited for, and is written over each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sequential {
    /// How many bytes an operation moves.
    pub(crate) piece: u64,
    /// How many are in flight at most.
    pub(crate) depth: u32,
}

/// A file that is in memory is copied by the best means at hand. An operation is a whole copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copy {
    /// How long the file is, in bytes.
    pub(crate) length: u64,
}

/// A small file that is in memory is opened, read to its end into new memory, and closed. An
/// operation is a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadWhole {
    /// How long the file is, in bytes.
    pub(crate) length: u64,
}

/// A record is written behind the last and is safe on the disk before the next is, as in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Append {
    /// The write and its `fdatasync` are handed over together, linked. Else one after the other.
    pub(crate) chained: bool,
    /// How long a record is, in bytes.
    pub(crate) record: u64,
}

/// Small files are made, asked about, renamed and removed. An operation is one file's four calls:
/// create and close, stat, rename, unlink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// How many files are being dealt with at a time.
    pub(crate) depth: u32,
}

impl ReadRandom {
    /// How many operations each of the [`depth`](ReadRandom::depth) tasks does in a lap.
    pub(crate) fn lap(&self) -> u64 {
        let all = if self.direct { 512 } else { 8192 };
        (all / u64::from(self.depth)).max(4)
    }
}

impl ReadWhole {
    /// How many times a lap reads the file, one after the other.
    pub(crate) fn lap(&self) -> u64 {
        ((8 << 20) / self.length).max(1)
    }
}

impl Append {
    /// How many records a lap has.
    pub(crate) fn lap(&self) -> u64 {
        8
    }

    /// Behind how many records the log begins anew, at its beginning, so that it does not fill the
    /// disk.
    pub(crate) fn wrap(&self) -> u64 {
        (64 << 20) / self.record
    }
}

impl Metadata {
    /// How many files each of the [`depth`](Metadata::depth) tasks deals with in a lap.
    pub(crate) fn lap(&self) -> u64 {
        (256 / u64::from(self.depth)).max(1)
    }
}

impl Sequential {
    /// How many pieces a lap has. The next lap goes on where it ends.
    pub(crate) fn lap(&self) -> u64 {
        ((16 << 20) / self.piece).max(2 * u64::from(self.depth))
    }

    /// How much of the file is written: it need not be as long as what is read.
    pub(crate) fn written(&self, length: u64) -> u64 {
        length.min(128 << 20)
    }
}

impl fmt::Display for ReadRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = if self.direct { "O_DIRECT" } else { "page cache" };
        write!(f, "{} from {from}, depth {}", bytes(BLOCK), self.depth)
    }
}

impl fmt::Display for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pieces of {}, depth {}", bytes(self.piece), self.depth)
    }
}

impl fmt::Display for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bytes(self.length))
    }
}

impl fmt::Display for ReadWhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bytes(self.length))
    }
}

impl fmt::Display for Append {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.chained { "write and fdatasync linked" } else { "write, then fdatasync" };
        write!(f, "{}, {how}", bytes(self.record))
    }
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files at a time", self.depth)
    }
}
