//! What contenders by hand do alike with files.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;

use rustix::fs::OFlags;

use crate::laboratory::ground::Ground;

/// The file to be read, opened.
///
/// # Errors
///
/// Those of opening it.
pub(super) fn to_read(ground: &Ground, direct: bool) -> io::Result<File> {
    let flags = if direct { OFlags::DIRECT } else { OFlags::empty() };
    let flags = flags.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(ground.file())
}

/// The places of a file at which its pieces begin, one after the other, and from the beginning again.
pub(super) struct Round {
    piece: u64,
    pieces: u64,
    number: u64,
}

impl Round {
    /// The pieces of a file of `length` bytes, each of `piece` bytes. What is left over is not used.
    pub(super) fn new(piece: u64, length: u64) -> Round {
        Round { piece, pieces: (length / piece).max(1), number: 0 }
    }

    /// The next one, in bytes.
    pub(super) fn next(&mut self) -> u64 {
        let place = self.number * self.piece;
        self.number = (self.number + 1) % self.pieces;
        place
    }
}
