//! The way of the kernel: `copy_file_range(2)`, which shares the blocks of the two files where the
//! file system can, and otherwise copies without bringing the bytes here.
//!
//! io_uring has no such operation, so it is done by a thread that may block: a [`Turn`] at a time,
//! each of which is bounded. So a copy that nobody waits for any more soon comes to its end.

use std::fs::File;
use std::io;

use blocking::Task;
use rustix::io::Errno;

use super::segments::Segments;

/// How much is copied in a turn at most, in bytes: some hundredths of a second of work where the
/// bytes have to be copied, beside which it costs nothing to change threads.
pub(super) const TURN: u64 = 16 << 20;
/// How many calls a turn makes at most: many segments may be short.
const CALLS: u32 = 256;

/// What a thread has done in one go.
#[derive(Debug)]
pub(super) struct Turn {
    source: File,
    target: File,
    /// What is left to copy.
    pub(super) left: Segments,
    /// How many bytes were copied.
    pub(super) copied: u64,
    /// Where the last byte that was copied ends.
    pub(super) written: u64,
    pub(super) then: Then,
}

/// What comes after a turn.
#[derive(Debug)]
pub(super) enum Then {
    /// Another one.
    Again,
    /// Nothing: all is copied, or the kernel cannot do this, or not here.
    Leave,
    Failed(io::Error),
}

/// Copies the first of the segments as far as the kernel can copy them by itself.
pub(super) fn turn(source: File, target: File, left: Segments) -> Task<Turn> {
    let turn = Turn { source, target, left, copied: 0, written: 0, then: Then::Again };
    blocking::unblock(move || turn.run())
}

impl Turn {
    /// The one after this one.
    pub(super) fn next(self) -> Task<Turn> {
        turn(self.source, self.target, self.left)
    }

    fn run(mut self) -> Turn {
        for _ in 0..CALLS {
            if self.copied == TURN {
                break;
            }
            self.then = self.call();
            if !matches!(self.then, Then::Again) {
                break;
            }
        }
        self
    }

    /// Has the kernel copy some of the next segment.
    fn call(&mut self) -> Then {
        let segment = match self.left.next(&self.source) {
            Ok(Some(segment)) => segment,
            Ok(None) => return Then::Leave,
            Err(error) => return Then::Failed(error),
        };
        let (mut from, mut to) = (segment.start, segment.start);
        let most = (segment.end - segment.start).min(TURN - self.copied) as usize;
        let (source, target) = (&self.source, &self.target);
        let result =
            rustix::fs::copy_file_range(source, Some(&mut from), target, Some(&mut to), most);
        let count = *result.as_ref().unwrap_or(&0) as u64;
        let reached = segment.start + count;
        self.left.rewind(reached);
        self.copied += count;
        if count > 0 {
            self.written = reached;
        }
        match result {
            // The end, or a file whose contents are only made when it is read.
            Ok(0) => Then::Leave,
            Ok(_) | Err(Errno::INTR) => Then::Again,
            // Two file systems, one that cannot, an old kernel, a filter that allows reads and
            // writes only, or a descriptor that is not what it seems. Reading and writing will tell
            // if there is more to it.
            Err(
                Errno::XDEV
                | Errno::OPNOTSUPP
                | Errno::INVAL
                | Errno::NOSYS
                | Errno::PERM
                | Errno::BADF
                | Errno::OVERFLOW
                | Errno::TXTBSY,
            ) => Then::Leave,
            Err(error) => Then::Failed(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures::executor::block_on;

    use super::*;

    fn copied(source: &File, target: &File, length: u64) -> Turn {
        let [source, target] = [source, target].map(|file| file.try_clone().unwrap());
        let segments = Segments::new(&source, length);
        block_on(turn(source, target, segments))
    }

    #[test]
    fn what_the_kernel_cannot_copy_is_left_and_no_error() {
        let source = File::open("/proc/self/status").unwrap();
        let mut turn = copied(&source, &tempfile::tempfile().unwrap(), 64);
        assert!(matches!(turn.then, Then::Leave), "{turn:?}");
        assert_eq!((turn.copied, turn.left.next(&source).unwrap()), (0, Some(0..64)));
    }

    #[test]
    fn a_file_that_is_shorter_than_expected_is_copied_to_its_end_and_the_rest_is_left() {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(&[7; 5000]).unwrap();
        let target = tempfile::tempfile().unwrap();
        let turn = copied(&source, &target, 9000);
        assert!(matches!(turn.then, Then::Leave), "{turn:?}");
        // All of it, or nothing where the file system cannot.
        assert!(turn.copied == 5000 || turn.copied == 0, "{turn:?}");
        assert_eq!((target.metadata().unwrap().len(), turn.copied), (turn.written, turn.written));
    }

    #[test]
    fn a_turn_is_bounded_and_the_next_one_goes_on_where_it_has_ended() {
        let mut source = tempfile::tempfile().unwrap();
        let length = TURN + 4321;
        source.write_all(&vec![7; length as usize]).unwrap();
        let target = tempfile::tempfile().unwrap();
        let turn = copied(&source, &target, length);
        if turn.copied == 0 {
            assert!(matches!(turn.then, Then::Leave), "{turn:?}");
            return;
        }
        assert!(matches!(turn.then, Then::Again), "{turn:?}");
        assert_eq!((turn.copied, turn.written), (TURN, TURN));
        assert_eq!(target.metadata().unwrap().len(), TURN);
        let turn = block_on(turn.next());
        assert_eq!((turn.copied, turn.written), (4321, length));
        assert_eq!(target.metadata().unwrap().len(), length);
    }

    #[test]
    fn what_is_not_open_for_reading_is_left_to_whoever_can_read_it() {
        let mut source = tempfile::NamedTempFile::new().unwrap();
        source.write_all(&[7; 5000]).unwrap();
        let only_written = File::options().write(true).open(source.path()).unwrap();
        let turn = copied(&only_written, &tempfile::tempfile().unwrap(), 5000);
        assert!(matches!(turn.then, Then::Leave) && turn.copied == 0, "{turn:?}");
    }
}
