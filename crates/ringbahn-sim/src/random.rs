//! [`Random`]: the one source of chance in a simulation.

use crate::faults::Chance;

/// The one source of chance in a simulation: what is drawn depends on the seed, and on what has
/// been drawn before.
#[derive(Debug)]
pub(crate) struct Random(fastrand::Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(fastrand::Rng::with_seed(seed))
    }

    /// Whether something happens that has this chance. What cannot happen draws nothing.
    #[inline]
    pub(crate) fn happens(&mut self, chance: Chance) -> bool {
        chance != Chance::NEVER && chance.includes(self.0.u32(..))
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0.u64(..limit)
    }

    /// A number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        self.0.u64(first..=last)
    }

    /// One of the two.
    pub(crate) fn coin(&mut self) -> bool {
        self.0.bool()
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// One of `choices`, of which there are some.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
