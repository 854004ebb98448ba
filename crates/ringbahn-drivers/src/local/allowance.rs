//! [`Allowance`]: how many operations a turn of a local driver serves at once.

use std::cell::Cell;

/// How many operations are served at once before the ring has its turn. A task that reads what is
/// in memory would keep the thread to itself otherwise.
const SERVED_MAX: u32 = 64;

/// How many more for each operation that has ended in the ring meanwhile. Its task goes on with
/// what it has waited for: it receives what it was told of, and answers.
const SERVED_FOR_EACH: u32 = 2;

/// How many operations a turn may serve at once, and how many it has.
#[derive(Debug)]
pub(super) struct Allowance {
    served: Cell<u32>,
    /// Zero until it is made up, by the first who asks in a turn.
    served_max: Cell<u32>,
    /// How many operations had ended in the ring when the allowance was made.
    ended: Cell<u64>,
}

impl Allowance {
    pub(super) fn new() -> Allowance {
        Allowance { served: Cell::new(0), served_max: Cell::new(0), ended: Cell::new(0) }
    }

    /// A turn begins.
    #[inline]
    pub(super) fn renew(&self) {
        self.served.set(0);
        self.served_max.set(0);
    }

    /// Whether one more may be served. `ended` is how many operations have ended in the ring.
    #[inline]
    pub(super) fn has_more(&self, ended: impl FnOnce() -> u64) -> bool {
        if self.served_max.get() == 0 {
            let ended = ended();
            // It may have gone down, where some that had ended have been submitted once more.
            let since = ended.saturating_sub(self.ended.replace(ended));
            let more = u32::try_from(since).unwrap_or(u32::MAX).saturating_mul(SERVED_FOR_EACH);
            self.served_max.set(SERVED_MAX.saturating_add(more));
        }
        self.served.get() < self.served_max.get()
    }

    /// One more has been served.
    #[inline]
    pub(super) fn count(&self) {
        self.served.set(self.served.get() + 1);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// How many are served until the turn is over, after so many have ended in the ring.
    fn served(allowance: &Allowance, ended: u64) -> u32 {
        allowance.renew();
        let mut served = 0;
        while allowance.has_more(|| ended) {
            allowance.count();
            served += 1;
        }
        served
    }

    #[test]
    fn a_turn_serves_more_where_more_has_ended_and_never_without_end() {
        let allowance = Allowance::new();
        assert_eq!(served(&allowance, 0), SERVED_MAX);
        allowance.renew();
        assert!(allowance.has_more(|| 10), "one that has to wait after all takes nothing away");
        assert_eq!(served(&allowance, 1010), SERVED_MAX + 1000 * SERVED_FOR_EACH);
        assert_eq!(served(&allowance, 1010), SERVED_MAX);
        assert_eq!(served(&allowance, 1008), SERVED_MAX);
        assert_eq!(served(&allowance, 1009), SERVED_MAX + SERVED_FOR_EACH);
    }
}
