//! [`Place`], [`Word`] and [`Size`]: where a ring's memory is, and how large.
//!
//! A ring may be moved to other memory, of another size, while halves and handles share what is
//! known of it. So that is kept in atomics. Reading one costs what reading a field does.
//!
//! # Safety
//!
//! PL1. What a place points to is there for as long as the place can be reached, which is an
//!      invariant of those who have one (R1 of `rings`, H2 of `memory`).
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
// They are never raced for, so that they need no model.
use std::sync::atomic::{AtomicPtr, AtomicU32 as Number, Ordering};

use super::index::Index;
use crate::sync::AtomicU32;

/// Where something is.
pub(super) struct Place<T>(AtomicPtr<T>);

impl<T> Place<T> {
    pub(super) fn new(address: NonNull<T>) -> Place<T> {
        Place(AtomicPtr::new(address.as_ptr()))
    }

    #[inline]
    pub(super) fn get(&self) -> NonNull<T> {
        // Relaxed: it is changed by the one thread that uses the ring.
        let address = self.0.load(Ordering::Relaxed);
        // SAFETY: PL1: it was made of a `NonNull`.
        unsafe { NonNull::new_unchecked(address) }
    }

    /// It has moved to where `other` is.
    pub(super) fn follow(&self, other: &Place<T>) {
        self.0.store(other.get().as_ptr(), Ordering::Relaxed); // As in `get`.
    }
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Place<T> {
        Place::new(self.get())
    }
}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A counter or flag word in memory shared with the kernel.
#[derive(Clone, Debug)]
pub(crate) struct Word(Place<AtomicU32>);

impl Word {
    pub(super) fn new(address: NonNull<AtomicU32>) -> Word {
        Word(Place::new(address))
    }

    /// It has moved to where `other` is.
    pub(super) fn follow(&self, other: &Word) {
        self.0.follow(&other.0);
    }
}

impl Deref for Word {
    type Target = AtomicU32;

    #[inline]
    fn deref(&self) -> &AtomicU32 {
        let address: *const AtomicU32 = self.0.get().as_ptr();
        // SAFETY: PL1; the borrow of the word borrows what it is a field of. That the memory is
        // not touched in a forked child is kept by those who call. An atomic may change under a
        // shared reference.
        unsafe { &*address }
    }
}

/// How many places a queue has.
pub(super) struct Size(Number);

impl Size {
    pub(super) fn new(index: Index) -> Size {
        Size(Number::new(index.entries()))
    }

    /// The arithmetic of its counters.
    #[inline]
    pub(super) fn index(&self) -> Index {
        // Relaxed: as in `Place::get`.
        Index::of_power(self.0.load(Ordering::Relaxed))
    }

    /// It has become that of `other`.
    pub(super) fn follow(&self, other: &Size) {
        self.0.store(other.index().entries(), Ordering::Relaxed); // As in `Place::get`.
    }
}

impl Clone for Size {
    fn clone(&self) -> Size {
        Size::new(self.index())
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.index().fmt(f)
    }
}
