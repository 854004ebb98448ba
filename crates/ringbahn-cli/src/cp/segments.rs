//! [`Segments`]: the parts of a file that hold data; between them are holes.

use std::fs::File;
use std::io;
use std::ops::Range;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// The parts of a file that hold data, in order, as far as `end`.
///
/// They are looked for one at a time, since a file may have millions. That moves the position of
/// the open file, which nobody here relies on.
#[derive(Debug)]
pub(crate) struct Segments {
    next: u64,
    end: u64,
}

impl Segments {
    /// Those from the start of a file to `end`, in bytes.
    pub(crate) fn new(end: u64) -> Segments {
        Segments { next: 0, end }
    }

    /// The next part, or `None` where there is no more.
    pub(crate) fn next(&mut self, file: &File) -> io::Result<Option<Range<u64>>> {
        if self.next >= self.end {
            return Ok(None);
        }
        let start = match rustix::fs::seek(file, SeekFrom::Data(self.next)) {
            Ok(start) => start,
            // Nothing but a hole, or nothing at all, from here on.
            Err(Errno::NXIO) => self.end,
            // A file system that knows of no holes has none.
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::SPIPE) => {
                let rest = self.next..self.end;
                self.next = self.end;
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
        self.next = stop;
        Ok(Some(start..stop))
    }

    /// How many bytes there are at most.
    pub(crate) fn left(&self) -> u64 {
        self.end - self.next
    }

    /// Gives back the part from `start` on: it is to come again.
    pub(crate) fn rewind(&mut self, start: u64) {
        self.next = start;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    fn segments(file: &File, end: u64) -> Vec<Range<u64>> {
        let mut segments = Segments::new(end);
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
    fn a_file_that_is_shorter_than_expected_and_an_empty_one_have_no_segments() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(segments(&file, 0), []);
        assert_eq!(segments(&file, 4096), []);
    }
}
