//! [`Attempt`]: an operation that a driver may serve at once, without its ring.
//!
//! # Safety
//!
//! AT1. What an attempt was served with is believed as a CQE is: the event of the entry is
//!     completed with it. So only an unsafe call makes a [`Served`], and it is good for its own
//!     attempt only: both carry the lifetime of that attempt, which is invariant, and the address
//!     of its entry.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr;

use crate::sqe::Sqe;

/// An operation of one entry that no queue has yet, for a driver to serve at once.
///
/// What needs no waiting, a read from the page cache or a send to a socket with room, costs less
/// in a system call of its own than on the way through a ring. Whether that is so, the driver
/// knows best: it is given each operation of one entry before it makes room for it, and may
/// execute the entry itself, provided that it does not block.
#[derive(Debug)]
pub struct Attempt<'a> {
    entry: &'a Sqe,
    expected: bool,
    brand: PhantomData<fn(&'a ()) -> &'a ()>,
}

/// What an attempt was served with.
#[derive(Debug)]
pub struct Served<'a> {
    entry: *const Sqe,
    result: i32,
    brand: PhantomData<fn(&'a ()) -> &'a ()>,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(entry: &'a Sqe) -> Attempt<'a> {
        Attempt { entry, expected: false, brand: PhantomData }
    }

    /// An attempt of somebody who has reason to think that the operation need not wait.
    pub(crate) fn expected(entry: &'a Sqe) -> Attempt<'a> {
        Attempt { entry, expected: true, brand: PhantomData }
    }

    /// Whether somebody has reason to think that the operation need not wait, as when its file was
    /// found ready.
    ///
    /// Then a driver that serves operations at once does so without weighing whether that is worth
    /// it. One that would have to wait is not submitted after it: it is served with `-EAGAIN`, and
    /// that is no operation to be counted.
    pub fn is_expected(&self) -> bool {
        self.expected
    }

    /// The entry to execute. What it names stays valid as long as this attempt.
    pub fn entry(&self) -> &'a Sqe {
        self.entry
    }

    /// The entry has been executed, with `result`: what its CQE would have said, a count or a
    /// negated `errno`.
    ///
    /// # Safety
    ///
    /// The operation is over and was executed once, as the kernel would have: a count is no more
    /// than what the entry asked for and so many bytes at its address have been written or read, a
    /// descriptor is nobody else's, and nothing touches the entry's operands any more.
    pub unsafe fn served(self, result: i32) -> Served<'a> {
        Served { entry: self.entry, result, brand: PhantomData }
    }
}

impl Served<'_> {
    /// Whether an [expected](Attempt::is_expected) operation was found to have to wait.
    pub fn would_wait(&self) -> bool {
        self.result == -libc::EAGAIN
    }

    /// The result, whatever attempt it is of.
    pub(crate) fn result(&self) -> i32 {
        self.result
    }

    /// The result, if it is that of `entry`.
    pub(crate) fn result_of(&self, entry: &Sqe) -> Option<i32> {
        ptr::eq(self.entry, entry).then_some(self.result)
    }
}
