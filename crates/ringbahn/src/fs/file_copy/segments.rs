//! [`Segments`]: the parts of a file that hold data; between them are holes.

use std::fs::File;
use std::io;
use std::ops::Range;

use rustix::fs::{SeekFrom, fstat};
use rustix::io::Errno;

/// The unit of a file's blocks, in bytes.
const BLOCK: u64 = 512;

/// The parts of a file that hold data, in order, as far as `end`.
///
/// They are looked for one at a time, since a file may have millions. That moves the position of
/// the open file, which [`FileCopy`](super::FileCopy) says.
#[derive(Debug)]
pub(super) struct Segments {
    next: u64,
    /// As far as this it is known to be data. To find out again may take as long as there is data.
    stop: u64,
    end: u64,
}

impl Segments {
    /// Those from the start of `file` to `end`, in bytes.
    pub(super) fn new(file: &File, end: u64) -> Segments {
        // What takes as much room as it is long has no holes, or none that save any.
        let is_whole = fstat(file).is_ok_and(|stat| {
            let length = u64::try_from(stat.st_size).unwrap_or(0).max(end);
            stat.st_blocks as u64 * BLOCK >= length
        });
        let stop = if is_whole { end } else { 0 };
        Segments { next: 0, stop, end }
    }

    /// None.
    pub(super) fn none() -> Segments {
        Segments { next: 0, stop: 0, end: 0 }
    }

    /// Where the last of them ends at most, in bytes.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The next part, or `None` where there is no more.
    pub(super) fn next(&mut self, file: &File) -> io::Result<Option<Range<u64>>> {
        if self.next >= self.end {
            return Ok(None);
        }
        if self.next < self.stop {
            let rest = self.next..self.stop;
            self.next = self.stop;
            return Ok(Some(rest));
        }
        let start = match rustix::fs::seek(file, SeekFrom::Data(self.next)) {
            Ok(start) => start,
            // Nothing but a hole, or nothing at all, from here on.
            Err(Errno::NXIO) => self.end,
            // A file system that knows of no holes has none.
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::SPIPE) => {
                let rest = self.next..self.end;
                (self.next, self.stop) = (self.end, self.end);
                return Ok(Some(rest));
            }
            Err(error) => return Err(error.into()),
        };
        if start >= self.end {
            self.next = self.end;
            return Ok(None);
        }
        let stop = match rustix::fs::seek(file, SeekFrom::Hole(start)) {
            Ok(stop) => stop.min(self.end),
            // It has become shorter meanwhile, which reading will show.
            Err(Errno::NXIO) => self.end,
            Err(error) => return Err(error.into()),
        };
        (self.next, self.stop) = (stop, stop);
        Ok(Some(start..stop))
    }

    /// How many bytes there are at most.
    pub(super) fn left(&self) -> u64 {
        self.end - self.next
    }

    /// Gives back the part from `start` on, of the segment that came last: it is to come again.
    pub(super) fn rewind(&mut self, start: u64) {
        self.next = start;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    fn segments(file: &File, end: u64) -> Vec<Range<u64>> {
        let mut segments = Segments::new(file, end);
        std::iter::from_fn(|| segments.next(file).unwrap()).collect()
    }

    #[test]
    fn the_segments_hold_all_the_data() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8 << 20).unwrap();
        for offset in [1 << 20, 5 << 20] {
            file.write_all_at(b"data", offset).unwrap();
        }
        let found = segments(&file, 8 << 20);
        for offset in [1 << 20, 5 << 20] {
            assert!(found.iter().any(|part| part.contains(&offset)), "{found:?}");
        }
        assert!(found.iter().all(|part| part.start < part.end && part.end <= 8 << 20));
        assert!(found.is_sorted_by(|one, other| one.end <= other.start));
        // No further than asked for, also where the data goes on.
        assert_eq!(segments(&file, (1 << 20) + 1).last().unwrap().end, (1 << 20) + 1);
    }

    #[test]
    fn what_is_given_back_comes_again_and_so_does_what_is_behind_it() {
        let file = tempfile::tempfile().unwrap();
        for hole in [0, 1 << 20] {
            file.write_all_at(&[7; 64 << 10], hole).unwrap();
            let end = hole + (64 << 10);
            let mut segments = Segments::new(&file, end);
            let first = segments.next(&file).unwrap().unwrap();
            assert_eq!(first.start, 0);
            segments.rewind(5000);
            assert_eq!(segments.next(&file).unwrap(), Some(5000..first.end));
            segments.rewind(first.end);
            let rest = segments.next(&file).unwrap();
            assert_eq!(rest.map(|part| part.end), (first.end < end).then_some(end));
        }
    }

    #[test]
    fn a_file_that_is_shorter_than_expected_and_an_empty_one_have_no_segments() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(segments(&file, 0), []);
        assert_eq!(segments(&file, 4096), []);
    }
}
