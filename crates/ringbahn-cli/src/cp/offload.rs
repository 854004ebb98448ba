//! The way of the kernel: `copy_file_range(2)`, which shares the blocks of the two files where the
//! file system can, and otherwise copies without bringing the bytes here.
//!
//! io_uring has no such operation, so it is done by a thread that may block.

use std::fs::File;
use std::io;
use std::ops::Range;

use rustix::io::Errno;

use super::progress::Progress;
use super::segments::Segments;

/// How much is asked for in one go, in bytes: some hundredths of a second of work where the bytes
/// have to be copied, after which the progress is shown.
const STEP: u64 = 64 << 20;

/// How far the kernel has come.
#[derive(Debug)]
pub(crate) struct Offloaded {
    /// What is left. Where there is no error, the kernel cannot do this, or not here.
    pub(crate) left: Segments,
    pub(crate) copied: u64,
    /// Where the last byte that was copied ends.
    pub(crate) written: u64,
    pub(crate) result: io::Result<()>,
}

/// Copies as many of the segments as the kernel can copy by itself.
pub(crate) async fn copy(
    source: &File,
    target: &File,
    segments: Segments,
    progress: &Progress,
) -> io::Result<Offloaded> {
    let (source, target) = (source.try_clone()?, target.try_clone()?);
    let progress = progress.clone();
    Ok(blocking::unblock(move || copy_here(&source, &target, segments, &progress)).await)
}

fn copy_here(source: &File, target: &File, mut left: Segments, progress: &Progress) -> Offloaded {
    let (mut copied, mut written) = (0, 0);
    let result = loop {
        let segment = match left.next(source) {
            Ok(Some(segment)) => segment,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let (begin, end) = (segment.start, segment.end);
        let (reached, result) = copy_segment(source, target, segment, progress);
        copied += reached - begin;
        if reached > begin {
            written = reached;
        }
        if reached < end {
            left.rewind(reached);
            break result;
        }
    };
    Offloaded { left, copied, written, result }
}

/// Copies a segment, and yields how far it came. It is no error if the kernel cannot do it.
fn copy_segment(
    source: &File,
    target: &File,
    segment: Range<u64>,
    progress: &Progress,
) -> (u64, io::Result<()>) {
    let mut at = segment.start;
    while at < segment.end {
        let (mut from, mut to) = (at, at);
        let step = (segment.end - at).min(STEP) as usize;
        match rustix::fs::copy_file_range(source, Some(&mut from), target, Some(&mut to), step) {
            // The end, or a file whose contents are only made when it is read.
            Ok(0) => return (at, Ok(())),
            Ok(count) => {
                at += count as u64;
                progress.advance(count as u64);
            }
            Err(Errno::INTR) => {}
            // Two file systems, one that cannot, an old kernel, or a filter that allows reads and
            // writes only. Reading and writing will tell if there is more to it.
            Err(
                Errno::XDEV
                | Errno::OPNOTSUPP
                | Errno::INVAL
                | Errno::NOSYS
                | Errno::PERM
                | Errno::TXTBSY,
            ) => return (at, Ok(())),
            Err(error) => return (at, Err(error.into())),
        }
    }
    (at, Ok(()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_the_kernel_cannot_copy_is_left_and_no_error() {
        let source = File::open("/proc/self/status").unwrap();
        let target = tempfile::tempfile().unwrap();
        let done = copy_here(&source, &target, Segments::new(64), &Progress::none());
        done.result.unwrap();
        let mut left = done.left;
        assert_eq!((done.copied, left.next(&source).unwrap()), (0, Some(0..64)));
    }

    #[test]
    fn a_file_that_is_shorter_than_expected_is_copied_to_its_end_and_the_rest_is_left() {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(&[7; 5000]).unwrap();
        let target = tempfile::tempfile().unwrap();
        let (reached, result) = copy_segment(&source, &target, 0..9000, &Progress::none());
        result.unwrap();
        // All of it, or nothing where the file system cannot.
        assert!(reached == 5000 || reached == 0, "{reached}");
        assert_eq!(target.metadata().unwrap().len(), reached);
    }
}
