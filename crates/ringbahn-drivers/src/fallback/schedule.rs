//! [`Chain`]: entries that are executed one after another; and [`Schedule`], which holds back what
//! is to wait for everything before it.

use std::collections::VecDeque;

use ringbahn_core::Sqe;

use super::opcodes::{FLAG_DRAIN, LINKS, refusal};

/// Entries that are executed one after another.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) head: Sqe,
    pub(super) rest: Rest,
    /// Whether it waits for everything before it.
    drain: bool,
    /// Why some of the entries are refused, in the order of the chain with 0 for the others; none
    /// of the chain is then executed. Empty where all are fine.
    pub(super) refusals: Vec<i32>,
}

/// The entries of a chain that come after one of them.
pub(super) type Rest = VecDeque<Sqe>;

/// Chains that are ready to be started.
pub(super) type Ready = VecDeque<Chain>;

/// Makes chains out of entries in the order of their submission.
#[derive(Debug, Default)]
pub(super) struct Intake {
    open: Option<Chain>,
    /// Whether the next chain waits for everything before it, since the last one does: nothing
    /// is to start before that has ended.
    drain_next: bool,
}

/// What is under way, and what waits for it.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// Entries that were admitted and have not ended.
    outstanding: usize,
    deferred: VecDeque<Chain>,
}

impl Chain {
    /// The rest of a chain, as a chain.
    pub(super) fn of(mut rest: Rest) -> Option<Chain> {
        let head = rest.pop_front()?;
        Some(Chain { head, rest, drain: false, refusals: Vec::new() })
    }

    /// The opcode of the last entry.
    fn last(&self) -> u8 {
        self.rest.back().unwrap_or(&self.head).opcode()
    }

    fn len(&self) -> usize {
        1 + self.rest.len()
    }
}

impl Intake {
    /// Adds an entry, and yields the chain that it completes.
    pub(super) fn add(&mut self, entry: Sqe) -> Option<Chain> {
        let before = self.open.as_ref().map(Chain::last);
        let refused = refusal(&entry, before);
        let (drain, linked) = (entry.flags() & FLAG_DRAIN != 0, entry.flags() & LINKS != 0);
        let chain = match self.open.take() {
            None => {
                let drain = drain || std::mem::take(&mut self.drain_next);
                let refusals = if refused == 0 { Vec::new() } else { vec![refused] };
                Chain { head: entry, rest: Rest::new(), drain, refusals }
            }
            Some(mut chain) => {
                if refused != 0 || !chain.refusals.is_empty() {
                    chain.refusals.resize(chain.len(), 0);
                    chain.refusals.push(refused);
                }
                chain.rest.push_back(entry);
                chain.drain |= drain;
                chain
            }
        };
        self.drain_next |= drain;
        if linked {
            self.open = Some(chain);
            return None;
        }
        Some(chain)
    }

    /// The entries are at an end, and so is the last chain, whatever it says itself.
    pub(super) fn finish(&mut self) -> Option<Chain> {
        self.open.take()
    }
}

impl Schedule {
    /// Starts a chain, or puts it off.
    pub(super) fn admit(&mut self, chain: Chain) -> Option<Chain> {
        if !self.deferred.is_empty() || (chain.drain && self.outstanding > 0) {
            self.deferred.push_back(chain);
            return None;
        }
        self.outstanding += chain.len();
        Some(chain)
    }

    /// An entry has ended. Yields what has waited for that.
    pub(super) fn end(&mut self, ready: &mut Ready) {
        self.outstanding -= 1;
        while let Some(next) = self.deferred.front() {
            if next.drain && self.outstanding > 0 {
                return;
            }
            let Some(next) = self.deferred.pop_front() else { return };
            self.outstanding += next.len();
            ready.push_back(next);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::fallback::opcodes::testing::with_flags;

    fn chains(flags: &[u8]) -> Vec<(usize, bool)> {
        let mut intake = Intake::default();
        let mut chains: Vec<Chain> = Vec::new();
        for &flags in flags {
            chains.extend(intake.add(with_flags(Sqe::nop(), flags)));
        }
        chains.extend(intake.finish());
        chains.iter().map(|chain| (chain.len(), chain.drain)).collect()
    }

    #[test]
    fn links_make_chains_and_the_end_of_the_entries_ends_the_last() {
        const LINK: u8 = 4;
        const HARD: u8 = 8;
        assert_eq!(chains(&[0, 0]), [(1, false), (1, false)]);
        assert_eq!(chains(&[LINK, HARD, 0, LINK]), [(3, false), (1, false)]);
    }

    #[test]
    fn what_follows_a_drained_chain_waits_for_it() {
        const LINK: u8 = 4;
        assert_eq!(chains(&[0, FLAG_DRAIN, 0, 0]), [(1, false), (1, true), (1, true), (1, false)]);
        assert_eq!(chains(&[LINK, FLAG_DRAIN, 0]), [(2, true), (1, true)]);
    }

    #[test]
    fn a_drained_chain_starts_when_all_before_it_has_ended_and_later_ones_behind_it() {
        let chain =
            |drain| Chain { head: Sqe::nop(), rest: Rest::new(), drain, refusals: Vec::new() };
        let mut schedule = Schedule::default();
        assert!(schedule.admit(chain(true)).is_some(), "nothing is before it");
        assert!(schedule.admit(chain(false)).is_some());
        assert!(schedule.admit(chain(true)).is_none());
        assert!(schedule.admit(chain(false)).is_none(), "it is behind a drained one");
        let mut ready = Ready::new();
        schedule.end(&mut ready);
        assert!(ready.is_empty());
        schedule.end(&mut ready);
        assert_eq!(ready.len(), 2);
    }
}
