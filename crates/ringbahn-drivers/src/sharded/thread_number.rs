//! [`thread_number`]: a small number for each thread that submits.
//!
//! It is the smallest one that no living thread has. So the threads of a pool have numbers next to
//! each other, which go to different shards, and threads that come and go do not use them up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

/// Who has which number.
struct Numbers {
    /// Those that were given back, the smallest one on top.
    free: BinaryHeap<Reverse<usize>>,
    /// The smallest one that nobody has ever had.
    next: usize,
}

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { free: BinaryHeap::new(), next: 0 });

/// The number of a thread, given back when the thread ends.
struct Number(usize);

thread_local! {
    static NUMBER: Number = Number::take();
}

/// The number of the calling thread, from its first call on; 0 while the thread ends.
#[inline]
pub(super) fn thread_number() -> usize {
    NUMBER.try_with(|number| number.0).unwrap_or(0)
}

impl Number {
    fn take() -> Number {
        let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Reverse(number)) = numbers.free.pop() {
            return Number(number);
        }
        let number = numbers.next;
        numbers.next += 1;
        Number(number)
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.free.push(Reverse(self.0));
    }
}
