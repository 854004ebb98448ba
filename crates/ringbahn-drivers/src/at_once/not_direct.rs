//! [`NotDirect`]: which files are known not to be open for direct reads.
//!
//! A direct read waits for the disk, whatever it is told, so it is no operation to be served at
//! once. Whether a file is open for them is told by a system call, which costs a tenth of a read
//! from the page cache. So the answer is good for some reads.
//!
//! It may have become wrong meanwhile, where the number has passed on to another file, or somebody
//! has set `O_DIRECT`. Nothing is wrong with what is read then. Some reads wait for the disk in the
//! call, until it is asked again, and no more of them than [`GOOD_FOR`].

use std::sync::atomic::{AtomicU64, Ordering};

/// For how many reads an answer is good.
const GOOD_FOR: u64 = 63;

/// How many files are remembered.
const FILES: usize = 8;

/// Which files are known not to be open for direct reads.
///
/// A word for each: the descriptor above, and below for how many reads that is still known.
///
/// Relaxed, and no exchange: two threads that overwrite each other's word ask once too often, or
/// once too seldom.
#[derive(Debug, Default)]
pub(crate) struct NotDirect([AtomicU64; FILES]);

impl NotDirect {
    /// Whether `descriptor` is not open for direct reads: by what is known of it, or by `ask`,
    /// which tells whether it is.
    #[inline]
    pub(crate) fn know(&self, descriptor: i32, ask: impl FnOnce() -> bool) -> bool {
        let descriptor = u64::from(descriptor.cast_unsigned());
        let word = &self.0[descriptor as usize % FILES];
        let known = word.load(Ordering::Relaxed);
        // No file is known before one is: the good ones left of number 0 are none then.
        if known >> 32 == descriptor && known as u32 > 0 {
            word.store(known - 1, Ordering::Relaxed);
            return true;
        }
        let is_direct = ask();
        let good_for = if is_direct { 0 } else { GOOD_FOR };
        word.store(descriptor << 32 | good_for, Ordering::Relaxed);
        !is_direct
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// How often it is asked about these descriptors, all of which are direct or none.
    fn asked(files: &NotDirect, descriptors: impl IntoIterator<Item = i32>, direct: bool) -> usize {
        let mut asked = 0;
        for descriptor in descriptors {
            let ask = || {
                asked += 1;
                direct
            };
            assert_eq!(files.know(descriptor, ask), !direct);
        }
        asked
    }

    #[test]
    fn an_answer_is_good_for_some_reads_and_then_asked_for_again() {
        let files = NotDirect::default();
        assert_eq!(asked(&files, [0; 64], false), 1);
        assert_eq!(asked(&files, [0; 64], false), 1);
    }

    #[test]
    fn a_direct_file_is_asked_about_each_time() {
        let files = NotDirect::default();
        assert_eq!(asked(&files, [3; 10], true), 10);
        assert_eq!(asked(&files, [3; 10], false), 1);
    }

    #[test]
    fn files_that_share_a_word_are_not_taken_for_each_other() {
        let files = NotDirect::default();
        let both = [3, 3 + FILES as i32].into_iter().cycle().take(10);
        assert_eq!(asked(&files, both, false), 10);
    }
}
