//! [`DirectIo`]: what a file opened with `O_DIRECT` asks of reads and writes.

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Range;

use super::{AlignedBuffer, IoBuf, IoBufMut};

/// What a file opened with `O_DIRECT` asks of reads and writes: that they begin, in the file and in
/// memory, at multiples of an alignment, and that their length is one.
///
/// [`Metadata::direct_io`](crate::event::Metadata::direct_io) says it of a file. The kernel refuses
/// what is not aligned with an `InvalidInput` that does not say why, or, on some file systems,
/// takes it through the page cache; so ask first, by [`check_read`](DirectIo::check_read) or
/// [`check_write`](DirectIo::check_write). Nothing is aligned behind the caller's back: a write of
/// half a block would have to read the other half, and could lose what others write there.
///
/// # Examples
///
/// ```
/// use ringbahn_core::DirectIo;
///
/// let blocks = DirectIo::new(512, 4096).expect("both are powers of two");
/// // To read the bytes 5000 to 5100, read the blocks that they lie in, and look at a part.
/// let around = blocks.enclosing(5000..5100);
/// assert_eq!(around, 4096..8192);
/// let mut buffer = blocks.buffer((around.end - around.start) as usize);
/// blocks.check_read(around.start, &mut buffer)?;
/// let misaligned = blocks.check_read(5000, &mut buffer).unwrap_err();
/// assert_eq!(misaligned.to_string(), "direct IO: an offset of 5000 is no multiple of 4096");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectIo {
    memory: u32,
    offset: u32,
}

/// What about a read or write is not as [`DirectIo`] asks for. It becomes an `io::Error` of the
/// kind `InvalidInput`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misaligned {
    what: What,
    value: u64,
    alignment: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Offset,
    Length,
    Address,
}

impl DirectIo {
    /// With buffers at multiples of `memory` bytes, and offsets and lengths that are multiples of
    /// `offset` bytes. `None` unless both are powers of two.
    pub fn new(memory: u32, offset: u32) -> Option<DirectIo> {
        let both = memory.is_power_of_two() && offset.is_power_of_two();
        both.then_some(DirectIo { memory, offset })
    }

    /// The multiple at which buffers begin, in bytes.
    pub fn memory_alignment(&self) -> u32 {
        self.memory
    }

    /// The multiple that offsets and lengths are, in bytes.
    pub fn offset_alignment(&self) -> u32 {
        self.offset
    }

    /// A buffer that suits the file, with room for at least `capacity` bytes.
    ///
    /// # Panics
    ///
    /// Panics where there is no such memory.
    pub fn buffer(&self, capacity: usize) -> AlignedBuffer {
        let length = capacity.max(1).next_multiple_of(self.offset as usize);
        AlignedBuffer::new(length, self.memory as usize)
    }

    /// The smallest range that can be read and has all of `range` in it.
    pub fn enclosing(&self, range: Range<u64>) -> Range<u64> {
        let alignment = u64::from(self.offset);
        let start = range.start - range.start % alignment;
        let end = range.end.checked_next_multiple_of(alignment);
        // Nothing ends behind the last multiple that there is.
        start..end.unwrap_or(u64::MAX - u64::MAX % alignment).max(start)
    }

    /// Whether a read into `buffer` from `offset` on, in bytes, is as the file asks for.
    ///
    /// # Errors
    ///
    /// [`Misaligned`] says what is not.
    pub fn check_read(&self, offset: u64, buffer: &mut impl IoBufMut) -> Result<(), Misaligned> {
        let length = buffer.target_len();
        self.check(offset, buffer.target_ptr().addr(), length)
    }

    /// Whether a write of `buffer` from `offset` on, in bytes, is as the file asks for.
    ///
    /// # Errors
    ///
    /// [`Misaligned`] says what is not.
    pub fn check_write(&self, offset: u64, buffer: &impl IoBuf) -> Result<(), Misaligned> {
        self.check(offset, buffer.bytes_ptr().addr(), buffer.bytes_len())
    }

    fn check(&self, offset: u64, address: usize, length: usize) -> Result<(), Misaligned> {
        for (what, value, alignment) in [
            (What::Offset, offset, self.offset),
            (What::Length, length as u64, self.offset),
            (What::Address, address as u64, self.memory),
        ] {
            if !value.is_multiple_of(alignment.into()) {
                return Err(Misaligned { what, value, alignment });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Misaligned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Misaligned { what, value, alignment } = self;
        match what {
            What::Offset => {
                write!(f, "direct IO: an offset of {value} is no multiple of {alignment}")
            }
            What::Length => write!(
                f,
                "direct IO: a length of {value} is no multiple of {alignment}; read or write whole \
                 blocks"
            ),
            What::Address => write!(
                f,
                "direct IO: the buffer does not begin at a multiple of {alignment}; take one that \
                 DirectIo::buffer has made"
            ),
        }
    }
}

impl Error for Misaligned {}

impl From<Misaligned> for io::Error {
    fn from(misaligned: Misaligned) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, misaligned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCKS: DirectIo = DirectIo { memory: 512, offset: 4096 };

    #[test]
    fn what_is_aligned_passes_and_what_is_not_is_named() {
        let mut buffer = BLOCKS.buffer(5000);
        assert_eq!((buffer.capacity(), buffer.alignment()), (8192, 512));
        BLOCKS.check_read(0, &mut buffer).unwrap();
        BLOCKS.check_read(1 << 40, &mut buffer).unwrap();
        assert_eq!(BLOCKS.check_read(512, &mut buffer).unwrap_err().what, What::Offset);
        buffer.resize(4096);
        BLOCKS.check_write(4096, &buffer).unwrap();
        buffer.resize(4095);
        assert_eq!(BLOCKS.check_write(4096, &buffer).unwrap_err().what, What::Length);
        let mut tail = buffer.slice(256..4352);
        assert_eq!(BLOCKS.check_read(0, &mut tail).unwrap_err().what, What::Address);
        let error = io::Error::from(BLOCKS.check_write(1, &tail).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_range_is_enclosed_by_whole_blocks() {
        for (range, around) in [
            (0..0, 0..0),
            (0..1, 0..4096),
            (4096..8192, 4096..8192),
            (4095..4097, 0..8192),
            (u64::MAX - 1..u64::MAX, u64::MAX - 4095..u64::MAX - 4095),
        ] {
            assert_eq!(BLOCKS.enclosing(range.clone()), around, "{range:?}");
        }
    }

    #[test]
    fn an_alignment_is_a_power_of_two() {
        for (memory, offset) in [(0, 0), (512, 0), (3, 512), (512, 4095)] {
            assert_eq!(DirectIo::new(memory, offset), None);
        }
    }
}
