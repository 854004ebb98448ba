//! [`Identity`]: which file it is, whatever it is called; and [`Made`], those of this command.

use std::cell::RefCell;
use std::collections::HashSet;

use rustix::fs::Stat;

/// Which file it is: two names of the same file have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    pub(crate) fn of(stat: &Stat) -> Identity {
        Identity { device: stat.st_dev, number: stat.st_ino }
    }
}

/// What this command has written so far.
///
/// Nothing is written twice: the second of two sources of the same name would destroy the copy of
/// the first, or be mixed with it. And nothing that is found here is copied: it would be a
/// directory that is copied into itself.
#[derive(Debug, Default)]
pub(crate) struct Made(RefCell<HashSet<Identity>>);

impl Made {
    /// Notes a file, and says whether it is new here.
    pub(crate) fn insert(&self, identity: Identity) -> bool {
        self.0.borrow_mut().insert(identity)
    }

    /// Forgets a file that was removed: its number may become another one's.
    pub(crate) fn remove(&self, identity: Identity) {
        self.0.borrow_mut().remove(&identity);
    }

    pub(crate) fn contains(&self, identity: Identity) -> bool {
        self.0.borrow().contains(&identity)
    }
}
