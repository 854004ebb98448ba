//! [`Ground`]: the directory in which trials work, and the file that they read.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How much of the file is written at a time.
const PIECE: usize = 1 << 20;

/// The directory in which trials work, and the file that they read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ground {
    directory: PathBuf,
    length: u64,
}

impl Ground {
    /// Makes the file in `directory`, of `length` bytes, which are then in memory and on the disk.
    ///
    /// # Errors
    ///
    /// Those of making, writing and syncing a file.
    pub(crate) fn prepare(directory: &Path, length: u64) -> io::Result<Ground> {
        let ground = Ground { directory: directory.to_owned(), length };
        let mut file = File::create(ground.file())?;
        for piece in 0..length / PIECE as u64 {
            // No two pieces are alike, lest a clever file system keeps one for all.
            let mut bytes = vec![piece as u8; PIECE];
            bytes[..8].copy_from_slice(&piece.to_le_bytes());
            file.write_all(&bytes)?;
        }
        file.sync_all()?;
        Ok(ground)
    }

    /// The file to be read, whose length is [`Ground::length`]. Nobody writes to it.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.join("read")
    }

    /// The length of the file to be read: a multiple of 1 MiB.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// A directory for files that a trial makes.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A file of `length` bytes to be written over, which is in memory. Made if there is none, so that
    /// nobody has to find room for it while it is measured.
    ///
    /// # Errors
    ///
    /// Those of making and writing a file.
    pub(crate) fn target(&self, length: u64) -> io::Result<File> {
        let path = self.directory.join(format!("written-{length}"));
        if !std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == length) {
            fill(&mut File::create(&path)?, length)?;
        }
        File::options().write(true).open(path)
    }

    /// A file of `length` bytes for a copy to be made from, which is in memory. Made if there is none.
    ///
    /// # Errors
    ///
    /// Those of making and writing a file.
    pub(crate) fn source(&self, length: u64) -> io::Result<PathBuf> {
        if length == self.length {
            return Ok(self.file());
        }
        let path = self.directory.join(format!("source-{length}"));
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == length) {
            return Ok(path);
        }
        fill(&mut File::create(&path)?, length)?;
        Ok(path)
    }
}

/// Writes `length` bytes to a file.
fn fill(file: &mut File, length: u64) -> io::Result<()> {
    let piece = vec![7; PIECE];
    let mut left = length;
    while left > 0 {
        let part = left.min(PIECE as u64);
        file.write_all(&piece[..part as usize])?;
        left -= part;
    }
    Ok(())
}

/// Places of the file at which blocks of `block` bytes begin, drawn one after the other: the same
/// ones for each contender.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    state: u64,
    blocks: u64,
    block: u64,
}

impl Places {
    /// Places in a file of `length` bytes. Tasks that draw side by side have different seeds.
    pub(crate) fn new(length: u64, block: u64, seed: u64) -> Places {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Places { state, blocks: (length / block).max(1), block }
    }

    /// The next one, in bytes.
    pub(crate) fn draw(&mut self) -> u64 {
        // Xorshift: some nanoseconds, and as even as this needs.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % self.blocks) * self.block
    }
}
