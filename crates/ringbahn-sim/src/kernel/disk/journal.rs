//! [`Journal`]: the changes of names that are not on the disk for good.
//!
//! A change is there after a crash as a whole or not at all: a rename takes one name away and gives
//! another, and never does only one of the two. Changes of the same name keep their order.

use super::Number;
use crate::random::Random;

/// How many changes wait at most.
const CHANGES_MAX: usize = 256;

/// A name of a directory, and what it stands for from now on, if for anything.
pub(super) type Entry = (Number, Vec<u8>, Option<Number>);

/// Changes of names that are not on the disk for good, in their order.
#[derive(Debug, Default)]
pub(super) struct Journal {
    changes: Vec<Vec<Entry>>,
}

impl Journal {
    /// Adds a change, and yields those that come to the disk now, since they are too many: a disk
    /// does not wait for ever.
    pub(super) fn add(&mut self, change: Vec<Entry>) -> Vec<Entry> {
        self.changes.push(change);
        if self.changes.len() <= CHANGES_MAX {
            return Vec::new();
        }
        self.changes.drain(..CHANGES_MAX / 2).flatten().collect()
    }

    /// Takes the changes in `directory`, and those that they build on.
    pub(super) fn take_of(&mut self, directory: Number) -> Vec<Entry> {
        self.take(|change| change.iter().any(|(at, ..)| *at == directory))
    }

    pub(super) fn take_all(&mut self) -> Vec<Entry> {
        self.take(|_| true)
    }

    /// Takes those that have come to the disk by chance, and forgets the others.
    pub(super) fn take_some(&mut self, random: &mut Random) -> Vec<Entry> {
        let some = self.take(|_| random.coin());
        self.changes.clear();
        some
    }

    /// Takes the `wanted` changes, and each that one of them builds on: an earlier one of the same
    /// name.
    fn take(&mut self, mut wanted: impl FnMut(&[Entry]) -> bool) -> Vec<Entry> {
        let mut taken: Vec<Vec<Entry>> = Vec::new();
        let mut left = Vec::new();
        for change in std::mem::take(&mut self.changes).into_iter().rev() {
            let is_name_of = |(at, name, _): &Entry| {
                change.iter().any(|(other, its, _)| (other, its) == (at, name))
            };
            if wanted(&change) || taken.iter().flatten().any(is_name_of) {
                taken.push(change);
            } else {
                left.push(change);
            }
        }
        left.reverse();
        self.changes = left;
        taken.into_iter().rev().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(directory: Number, name: &str, node: Option<Number>) -> Entry {
        (directory, name.into(), node)
    }

    #[test]
    fn a_change_takes_along_what_it_builds_on() {
        let mut journal = Journal::default();
        journal.add(vec![entry(1, "a", Some(7))]);
        journal.add(vec![entry(1, "b", Some(8))]);
        journal.add(vec![entry(1, "a", None), entry(2, "a", Some(7))]);
        let taken = journal.take_of(2);
        let expected = [entry(1, "a", Some(7)), entry(1, "a", None), entry(2, "a", Some(7))];
        assert_eq!(taken, expected);
        assert_eq!(journal.take_all(), [entry(1, "b", Some(8))]);
        assert_eq!(journal.take_all(), []);
    }

    #[test]
    fn of_too_many_the_oldest_come_to_the_disk() {
        let mut journal = Journal::default();
        for node in 0..CHANGES_MAX {
            assert_eq!(journal.add(vec![entry(1, "a", Some(node))]), []);
        }
        let kept = journal.add(vec![entry(1, "b", None)]);
        assert_eq!(kept.len(), CHANGES_MAX / 2);
        assert_eq!(kept.last(), Some(&entry(1, "a", Some(CHANGES_MAX / 2 - 1))));
        assert_eq!(journal.take_all().len(), CHANGES_MAX / 2 + 1);
    }

    #[test]
    fn what_has_not_come_to_the_disk_is_forgotten() {
        let mut kept = 0;
        for seed in 0..64 {
            let mut journal = Journal::default();
            journal.add(vec![entry(1, "a", None), entry(1, "b", Some(7))]);
            let some = journal.take_some(&mut Random::new(seed));
            assert!(some.is_empty() || some.len() == 2, "{some:?}");
            kept += some.len() / 2;
            assert_eq!(journal.take_all(), []);
        }
        assert!(kept > 0 && kept < 64, "{kept}");
    }
}
