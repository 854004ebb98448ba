//! [`Entries`]: the entries of a tray.

use std::slice;

use super::{FLAG_DRAIN, FLAG_HARD_LINK, FLAG_LINK, Sqe};

/// The entries of a tray.
#[derive(Debug, Default)]
pub(super) enum Entries {
    #[default]
    None,
    /// One that is part of no chain, waits for nothing, and of whose meaning the tray knows nothing
    /// but the home: by far the usual case, which is told by one look.
    Plain(Sqe),
    /// Any other one.
    One(Sqe),
    Several(Vec<Sqe>),
}

impl Entries {
    /// Adds an entry. `is_bare` says that its tray knows nothing of what it means.
    #[inline]
    pub(super) fn push(&mut self, entry: Sqe, is_bare: bool) {
        let Entries::None = self else { return self.add(entry) };
        let is_plain = is_bare && entry.flags & (FLAG_DRAIN | FLAG_LINK | FLAG_HARD_LINK) == 0;
        *self = if is_plain { Entries::Plain(entry) } else { Entries::One(entry) };
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[Sqe] {
        match self {
            Entries::None => &[],
            Entries::Plain(entry) | Entries::One(entry) => slice::from_ref(entry),
            Entries::Several(entries) => entries,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [Sqe] {
        match self {
            Entries::None => &mut [],
            Entries::Plain(entry) | Entries::One(entry) => slice::from_mut(entry),
            Entries::Several(entries) => entries,
        }
    }

    /// Adds an entry to those there are.
    #[inline(never)]
    fn add(&mut self, entry: Sqe) {
        match std::mem::take(self) {
            Entries::None => *self = Entries::One(entry),
            Entries::Plain(first) | Entries::One(first) => {
                *self = Entries::Several(vec![first, entry]);
            }
            Entries::Several(mut entries) => {
                entries.push(entry);
                *self = Entries::Several(entries);
            }
        }
    }

    /// An entry has come to be part of a chain, or to wait for something.
    pub(super) fn stand_out(&mut self) {
        if let Entries::Plain(_) = self
            && let Entries::Plain(entry) = std::mem::take(self)
        {
            *self = Entries::One(entry);
        }
    }

    /// The entries, in their order.
    pub(super) fn into_entries(self) -> impl Iterator<Item = Sqe> {
        let (one, several) = match self {
            Entries::None => (None, Vec::new()),
            Entries::Plain(entry) | Entries::One(entry) => (Some(entry), Vec::new()),
            Entries::Several(entries) => (None, entries),
        };
        one.into_iter().chain(several)
    }
}
