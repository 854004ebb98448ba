//! [`Parts`]: whose which bytes of the buffers are that the kernel uses up bit by bit.
//!
//! Such a kernel writes on where the last data ended, in the same buffer while there is room in it
//! and then in the next one, in the order in which they were offered. It says how many bytes it has
//! written and where the first of them lies, not how far into the buffer that is. So that is
//! counted here, from what the CQEs say, which are told in the order in which they were posted:
//!
//! ```text
//!    offered   [ 2 ]      [ 0 ]      [ 3 ]           [ 1 ] is used up, and has a part out
//!              ####------ ---------- ----------
//!                  ↑ used: from here on it is the kernel's, or named by a CQE not told yet
//! ```
//!
//! A buffer is offered again when the mark has passed all of it and all its parts have come back.
//! Whether a CQE says that there is more to come of its buffer (`IORING_CQE_F_BUF_MORE`) decides
//! nothing: kernels leave that out where a stream has ended, and keep the buffer all the same.

use std::collections::VecDeque;

use smallvec::SmallVec;

/// Which bytes of which buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) index: u16,
    pub(super) start: u32,
    pub(super) length: u32,
}

/// What one CQE brings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) parts: SmallVec<[Part; 2]>,
    /// A buffer that the kernel has let go of before it was full: to be given back as a part is.
    pub(super) left: Option<u16>,
}

/// Whose which bytes of the buffers are.
#[derive(Debug)]
pub(super) struct Parts {
    size: u32,
    /// The buffers that are offered, in order.
    offered: VecDeque<u16>,
    /// How much of the first of them has been told of.
    used: u32,
    /// Of each buffer how many have something of it: each part, and the kernel where it is offered.
    holders: Vec<u64>,
    /// Whether the kernel has used something that it was not offered. Nothing is offered any more
    /// then, since nobody knows what is the kernel's.
    is_lost: bool,
}

impl Parts {
    /// Of `count` buffers of `size` bytes, none of which is offered.
    pub(super) fn new(count: u16, size: u32) -> Parts {
        Parts {
            size,
            offered: VecDeque::with_capacity(count.into()),
            used: 0,
            holders: vec![0; count.into()],
            is_lost: false,
        }
    }

    /// Takes note that a buffer of which nobody has anything is offered behind the others.
    pub(super) fn offer(&mut self, index: u16) {
        self.holders[usize::from(index)] += 1;
        self.offered.push_back(index);
    }

    /// Takes the next `bytes`, the first of which lie in the buffer `first`; `None` where the
    /// kernel has not been offered them.
    pub(super) fn take(&mut self, first: u16, bytes: u32) -> Option<Taken> {
        let taken = if self.is_lost { None } else { self.try_take(first, bytes) };
        self.is_lost |= taken.is_none();
        taken
    }

    fn try_take(&mut self, first: u16, bytes: u32) -> Option<Taken> {
        let mut taken = Taken::default();
        if bytes == 0 {
            return Some(taken);
        }
        if self.used > 0 && self.offered.front() != Some(&first) {
            // It goes on in the next one, so it is done with this.
            taken.left = self.offered.pop_front();
            self.used = 0;
        }
        let mut rest = bytes;
        let mut expected = Some(first);
        while rest > 0 {
            let index = *self.offered.front()?;
            if expected.take().is_some_and(|first| first != index) {
                return None;
            }
            let length = rest.min(self.size - self.used);
            taken.parts.push(Part { index, start: self.used, length });
            self.holders[usize::from(index)] += 1;
            self.used += length;
            rest -= length;
            if self.used == self.size {
                // The kernel's hold ends, and the part's, which has just begun, does not.
                self.holders[usize::from(index)] -= 1;
                self.offered.pop_front();
                self.used = 0;
            }
        }
        Some(taken)
    }

    /// Takes note that a part has come back, and says whether its buffer is to be offered again.
    pub(super) fn give_back(&mut self, index: u16) -> bool {
        let holders = &mut self.holders[usize::from(index)];
        *holders -= 1;
        *holders == 0 && !self.is_lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three buffers of ten bytes, offered in the order 2, 0, 1.
    fn three() -> Parts {
        let mut parts = Parts::new(3, 10);
        [2, 0, 1].into_iter().for_each(|index| parts.offer(index));
        parts
    }

    fn part(index: u16, start: u32, length: u32) -> Part {
        Part { index, start, length }
    }

    #[track_caller]
    fn takes(parts: &mut Parts, first: u16, bytes: u32, expected: &[Part]) {
        let taken = parts.take(first, bytes).expect("it was offered");
        assert_eq!((&taken.parts[..], taken.left), (expected, None));
    }

    #[test]
    fn a_buffer_is_used_up_bit_by_bit_and_offered_again_when_all_of_it_is_back() {
        let mut parts = three();
        takes(&mut parts, 2, 4, &[part(2, 0, 4)]);
        takes(&mut parts, 2, 1, &[part(2, 4, 1)]);
        assert!(!parts.give_back(2), "the kernel has the rest of it");
        assert!(!parts.give_back(2), "the kernel has the rest of it");
        takes(&mut parts, 2, 5, &[part(2, 5, 5)]);
        assert!(parts.give_back(2));
        parts.offer(2);
        takes(&mut parts, 0, 10, &[part(0, 0, 10)]);
        takes(&mut parts, 1, 10, &[part(1, 0, 10)]);
        takes(&mut parts, 2, 1, &[part(2, 0, 1)]);
        assert!(parts.give_back(1));
    }

    #[test]
    fn a_bundle_goes_through_the_buffers_in_the_order_in_which_they_were_offered() {
        let mut parts = three();
        takes(&mut parts, 2, 7, &[part(2, 0, 7)]);
        takes(&mut parts, 2, 14, &[part(2, 7, 3), part(0, 0, 10), part(1, 0, 1)]);
        assert!(!parts.give_back(2));
        assert!(parts.give_back(2));
        parts.offer(2);
        takes(&mut parts, 1, 19, &[part(1, 1, 9), part(2, 0, 10)]);
        assert!(!parts.give_back(1));
        assert!(parts.give_back(1));
    }

    #[test]
    fn an_end_takes_nothing_whatever_it_names() {
        let mut parts = three();
        takes(&mut parts, 2, 3, &[part(2, 0, 3)]);
        takes(&mut parts, 2, 0, &[]);
        takes(&mut parts, 1, 0, &[]);
        takes(&mut parts, 2, 7, &[part(2, 3, 7)]);
    }

    #[test]
    fn a_buffer_that_the_kernel_leaves_early_goes_back_with_its_last_part() {
        let mut parts = three();
        takes(&mut parts, 2, 3, &[part(2, 0, 3)]);
        let taken = parts.take(0, 2).unwrap();
        assert_eq!((&taken.parts[..], taken.left), (&[part(0, 0, 2)][..], Some(2)));
        assert!(!parts.give_back(2), "a part of it is out");
        assert!(parts.give_back(2));
    }

    #[test]
    fn what_was_not_offered_is_not_believed_and_nothing_is_offered_any_more() {
        for (first, bytes) in [(1, 1), (0, 10), (2, 31), (7, 1), (2, u32::MAX)] {
            let mut parts = three();
            assert_eq!(parts.take(first, bytes), None, "{first}, {bytes}");
            assert_eq!(parts.take(2, 1), None);
        }
        let mut parts = three();
        takes(&mut parts, 2, 10, &[part(2, 0, 10)]);
        assert_eq!(parts.take(2, 1), None);
        assert!(!parts.give_back(2));
    }
}
