//! [`Ranges`]: which parts of one buffer an operation moves.

use std::ops::Range;

/// Parts of one buffer, in the order in which an operation moves them. None of them begins behind
/// its end.
#[derive(Clone, Debug)]
pub(crate) struct Ranges {
    ranges: Vec<Range<usize>>,
}

impl Ranges {
    /// # Panics
    ///
    /// Panics where one of them begins behind its end.
    pub(crate) fn new(ranges: Vec<Range<usize>>) -> Ranges {
        for Range { start, end } in &ranges {
            assert!(start <= end, "a range begins at {start}, behind its end at {end}");
        }
        Ranges { ranges }
    }

    /// What of them lies within the first `held` bytes: where each part begins, and how long it
    /// is. What is empty then is left out.
    pub(crate) fn within(&self, held: usize) -> impl Iterator<Item = (usize, usize)> {
        let parts = self.ranges.iter().map(move |range| {
            let begin = range.start.min(held);
            (begin, range.end.min(held) - begin)
        });
        parts.filter(|(_, length)| *length > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_buffer_is_left_out() {
        let ranges = Ranges::new(vec![8..12, 0..0, 2..usize::MAX, 20..30, 9..10]);
        assert_eq!(ranges.within(10).collect::<Vec<_>>(), [(8, 2), (2, 8), (9, 1)]);
        assert_eq!(ranges.within(0).count(), 0);
    }

    #[test]
    #[should_panic(expected = "a range begins at 3, behind its end at 2")]
    #[allow(clippy::reversed_empty_ranges, reason = "it is what is refused")]
    fn a_range_that_begins_behind_its_end_is_refused() {
        let _ = Ranges::new(vec![0..1, 3..2]);
    }
}
