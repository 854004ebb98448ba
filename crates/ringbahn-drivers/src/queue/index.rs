//! [`Index`]: the arithmetic of a ring's counters, which are `u32` and wrap.
//!
//! `head` and `tail` count entries since the ring was made, modulo 2³². What lies between them is
//! in use, also where `tail` has wrapped and `head` has not. So counters are only ever subtracted
//! with wrap-around, and never compared with `<`.

use std::ops::Range;

/// The size of a queue: a power of two, so that the counters' wrap-around hits a border of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    entries: u32,
}

/// Consecutive places of a queue: those of `first`, then those of `wrapped` from its beginning on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: Range<u32>,
    pub(crate) wrapped: Range<u32>,
}

impl Index {
    /// A queue of `entries` places; `None` unless that is a power of two.
    pub(crate) fn new(entries: u32) -> Option<Index> {
        entries.is_power_of_two().then_some(Index { entries })
    }

    /// A queue of `entries` places, which is known to be a power of two.
    #[inline]
    pub(super) fn of_power(entries: u32) -> Index {
        debug_assert!(entries.is_power_of_two());
        Index { entries }
    }

    #[inline]
    pub(crate) fn entries(self) -> u32 {
        self.entries
    }

    /// How many places are in use. Never more than there are, whatever the other side has written.
    #[inline]
    pub(crate) fn used(self, head: u32, tail: u32) -> u32 {
        tail.wrapping_sub(head).min(self.entries)
    }

    /// The place that the entry counted as `counter` lies in.
    #[inline]
    pub(crate) fn place(self, counter: u32) -> u32 {
        counter & (self.entries - 1)
    }

    /// The `count` places from `tail` on, if so many are free.
    ///
    /// This is the one place that decides whether there is room. The loom models in `loom_model`
    /// fail if it lets one too many in (`room + 1`: an unsubmitted entry is overwritten) and if it
    /// lets one too few in (`room > count`: a queue of 1 never accepts anything).
    #[inline]
    pub(crate) fn free(self, head: u32, tail: u32, count: u32) -> Option<Span> {
        let room = self.entries - self.used(head, tail);
        (room >= count).then(|| self.span(tail, count))
    }

    /// The `count` places from `counter` on; `count` is at most [`entries`](Index::entries).
    #[inline]
    fn span(self, counter: u32, count: u32) -> Span {
        let start = self.place(counter);
        // One place is never torn apart, which spares the usual case the rest.
        let until_border = if count == 1 { 1 } else { count.min(self.entries - start) };
        Span { first: start..start + until_border, wrapped: 0..count - until_border }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    fn places(span: &Span) -> Vec<u32> {
        span.first.clone().chain(span.wrapped.clone()).collect()
    }

    #[test]
    fn only_powers_of_two_are_sizes() {
        for entries in [0, 3, 6, u32::MAX] {
            assert_eq!(Index::new(entries), None);
        }
        assert_eq!(Index::new(1 << 31).map(Index::entries), Some(1 << 31));
    }

    /// Every state of the queue, at every counter around the wrap, against a model that has no
    /// counters: a list of the places in use.
    #[test]
    fn every_reservation_around_the_wrap_is_of_free_places_in_order() {
        for entries in [1, 2, 4] {
            let index = Index::new(entries).unwrap();
            for start in (0..12).map(|step| (u32::MAX - 3).wrapping_add(step)) {
                for used in 0..=entries {
                    let tail = start.wrapping_add(used);
                    let in_use: Vec<u32> =
                        (0..used).map(|n| index.place(start.wrapping_add(n))).collect();
                    assert_eq!(index.used(start, tail), used);
                    for count in 0..=entries + 2 {
                        let free = index.free(start, tail, count);
                        assert_eq!(free.is_some(), used + count <= entries);
                        let Some(span) = free else { continue };
                        let got = places(&span);
                        let expected: Vec<u32> =
                            (0..count).map(|n| index.place(tail.wrapping_add(n))).collect();
                        assert_eq!(got, expected);
                        assert!(got.iter().all(|place| !in_use.contains(place)));
                    }
                }
            }
        }
    }

    /// A thousand turns of the counters' border, in and out in every chunk size.
    #[test]
    fn entries_come_out_in_the_order_they_went_in_across_the_wrap() {
        for entries in [1, 2, 4] {
            let index = Index::new(entries).unwrap();
            for chunk in 1..=entries {
                let (mut head, mut tail) = (u32::MAX - 3, u32::MAX - 3);
                let mut queue = vec![0; entries as usize];
                let mut model = VecDeque::new();
                for value in 0..1000 {
                    if let Some(span) = index.free(head, tail, chunk) {
                        for place in places(&span) {
                            queue[place as usize] = value;
                            model.push_back(value);
                        }
                        tail = tail.wrapping_add(chunk);
                    } else {
                        assert_eq!(model.pop_front(), Some(queue[index.place(head) as usize]));
                        head = head.wrapping_add(1);
                    }
                    assert_eq!(index.used(head, tail) as usize, model.len());
                }
            }
        }
    }

    #[test]
    fn counters_that_cannot_be_leave_no_room_and_no_panic() {
        let index = Index::new(4).unwrap();
        for (head, tail) in [(5, 0), (0, 5), (1, 0), (0, u32::MAX)] {
            assert_eq!(index.used(head, tail), 4);
            assert_eq!(index.free(head, tail, 1), None);
        }
    }
}
