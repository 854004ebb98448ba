//! [`Pattern`]: bytes that look random, of which each is known by where it stands.

use super::finding::{Failure, Finding};

/// A sequence of bytes without end. Each depends on the seed and on its position only, so that any
/// part of it can be made, and checked, without the rest; and bytes that are in the wrong place,
/// or belong to another file or connection, are found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    seed: u64,
}

impl Pattern {
    pub(crate) fn new(seed: u64) -> Pattern {
        Pattern { seed: mix(seed) }
    }

    /// `length` bytes from `offset` on.
    pub(crate) fn bytes(self, offset: u64, length: usize) -> Vec<u8> {
        let skipped = (offset % 8) as usize;
        let words = (skipped + length).div_ceil(8);
        let mut bytes = Vec::with_capacity(words * 8);
        for word in (offset / 8..).take(words) {
            bytes.extend_from_slice(&mix(self.seed ^ word).to_le_bytes());
        }
        bytes.drain(..skipped);
        bytes.truncate(length);
        bytes
    }

    /// Finds that `found` is what stands at `offset`, or the first byte that is not.
    pub(crate) fn check(self, what: &str, offset: u64, found: &[u8]) -> Finding<()> {
        let expected = self.bytes(offset, found.len());
        if found == expected {
            return Ok(());
        }
        let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        let index = differs.unwrap_or_default();
        Err(Failure::Broken(format!(
            "{what}: byte {} is {:#04x}, and should be {:#04x}",
            offset + index as u64,
            found[index],
            expected[index],
        )))
    }
}

/// Numbers that look random, the same each time.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice { state: seed }
    }

    /// A number below `sides`, which is not 0.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.state = self.state.wrapping_add(1);
        (mix(self.state) % sides as u64) as usize
    }

    /// The numbers below `count`, in any order.
    pub(crate) fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            numbers.swap(last, self.roll(last + 1));
        }
        numbers
    }
}

/// The finalizer of `SplitMix64`: each bit of the result depends on all of the number.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_the_same_as_in_the_whole() {
        let pattern = Pattern::new(7);
        let whole = pattern.bytes(0, 100);
        for offset in 0..40 {
            for length in [0, 1, 7, 8, 9, 60] {
                assert_eq!(pattern.bytes(offset as u64, length), whole[offset..][..length]);
            }
        }
        assert_ne!(Pattern::new(8).bytes(0, 100), whole);
    }

    #[test]
    fn a_wrong_byte_is_found_where_it_is() {
        let pattern = Pattern::new(7);
        let mut bytes = pattern.bytes(1000, 100);
        pattern.check("it", 1000, &bytes).unwrap();
        bytes[50] ^= 1;
        let Err(Failure::Broken(text)) = pattern.check("it", 1000, &bytes) else { panic!() };
        assert!(text.starts_with("it: byte 1050 is "), "{text}");
        pattern.check("it", 1008, &pattern.bytes(1000, 100)).unwrap_err();
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut numbers = Dice::new(1).shuffled(100);
        assert_ne!(numbers, Vec::from_iter(0..100));
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(0..100));
    }
}
