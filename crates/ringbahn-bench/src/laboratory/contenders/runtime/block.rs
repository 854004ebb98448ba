//! [`Block`]: memory of a block of a file, and the calls that read and write it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// To what the memory is aligned, in bytes, as `O_DIRECT` asks for.
const ALIGNMENT: usize = 4096;

/// Memory of a block of a file, aligned as `O_DIRECT` asks for.
pub(crate) struct Block {
    memory: Vec<u8>,
    /// Where the aligned part begins. The memory stays where it is, though the block is moved.
    start: usize,
    length: usize,
}

/// A file that is read, past the page cache if `direct`.
///
/// # Errors
///
/// Those of opening it.
pub(crate) fn open(path: &Path, direct: bool) -> io::Result<File> {
    let flags = if direct { OFlags::DIRECT } else { OFlags::empty() };
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

impl Block {
    pub(crate) fn new(length: usize) -> Block {
        // Not zeros, whose pages the kernel would make at the first read only.
        let memory = vec![1; length + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Block { memory, start, length }
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }

    /// Reads as much as the block is long.
    ///
    /// # Errors
    ///
    /// Those of reading, or the file ends before.
    pub(crate) fn read(&mut self, file: &File, position: u64) -> io::Result<()> {
        file.read_exact_at(self.bytes(), position)
    }

    /// Writes the whole block.
    ///
    /// # Errors
    ///
    /// Those of writing.
    pub(crate) fn write(&mut self, file: &File, position: u64) -> io::Result<()> {
        file.write_all_at(self.bytes(), position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_stays_aligned_when_it_is_moved() {
        let mut blocks: Vec<Block> = (1..64).map(|number| Block::new(number * 512)).collect();
        blocks.reverse();
        for (block, number) in blocks.iter_mut().zip((1..64).rev()) {
            assert_eq!(block.bytes().len(), number * 512);
            assert_eq!(block.bytes().as_ptr().align_offset(ALIGNMENT), 0);
        }
    }
}
