//! [`thread_number`]: a small number for each thread that submits.
//!
//! It is the smallest one that no living thread has. So the threads of a pool have numbers next to
//! each other, which go to different shards, and threads that come and go do not use them up.
//!
//! There is no lock, since a child of `fork` would wait for ever for one that a thread of its
//! parent was holding; and Relaxed throughout: numbers differ, and guard nothing.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many numbers are told apart, in words of 64 bits.
const WORDS: usize = 16;

/// Which numbers are taken.
struct Numbers {
    taken: [AtomicU64; WORDS],
    /// How many threads have found all taken. They have been given numbers beyond, in turn.
    beyond: AtomicUsize,
}

static NUMBERS: Numbers = Numbers::new();

/// The number of a thread, given back when the thread ends.
struct Number(usize);

thread_local! {
    static NUMBER: Number = Number(NUMBERS.take());
}

/// The number of the calling thread, from its first call on; 0 while the thread ends.
#[inline]
pub(super) fn thread_number() -> usize {
    NUMBER.try_with(|number| number.0).unwrap_or(0)
}

impl Drop for Number {
    fn drop(&mut self) {
        NUMBERS.give_back(self.0);
    }
}

impl Numbers {
    const fn new() -> Numbers {
        Numbers { taken: [const { AtomicU64::new(0) }; WORDS], beyond: AtomicUsize::new(0) }
    }

    fn take(&self) -> usize {
        for (index, word) in self.taken.iter().enumerate() {
            let taken = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
                (bits != u64::MAX).then(|| bits | (bits + 1))
            });
            if let Ok(before) = taken {
                return index * 64 + before.trailing_ones() as usize;
            }
        }
        WORDS * 64 + self.beyond.fetch_add(1, Ordering::Relaxed)
    }

    fn give_back(&self, number: usize) {
        if let Some(word) = self.taken.get(number / 64) {
            word.fetch_and(!(1 << (number % 64)), Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_free_number_is_taken_and_the_last_are_followed_by_others() {
        let numbers = Numbers::new();
        for number in 0..WORDS * 64 + 3 {
            assert_eq!(numbers.take(), number);
        }
        for number in [900, 64, 63, 0, WORDS * 64 + 1] {
            numbers.give_back(number);
        }
        for number in [0, 63, 64, 900, WORDS * 64 + 3] {
            assert_eq!(numbers.take(), number);
        }
    }
}
