//! [`Sharing`]: whether threads share the operations of a ring.
//!
//! What a submission and its ring both hold, the records and the table, is written once, over the
//! primitives of this file. There are two sets of them:
//!
//! | | [`Shared`] | [`Local`] |
//! |---|---|---|
//! | a share | `Arc` | `LocalShare` |
//! | a lock | `Mutex` | `RefCell` |
//! | a word | `AtomicU64` | `Cell` |
//!
//! A ring that one thread uses spares some twenty atomic operations for each of its own. What has
//! been proved of the protocol with threads (the models run over [`Shared`]) holds without them,
//! since it is the same code.

use std::cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::event::Event;
use crate::operation::{Operation, Record};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};

mod local_share;

use local_share::LocalShare;

/// Whether threads share the operations of a ring: [`Shared`] or [`Local`].
///
/// A driver says which with [`Drive::Sharing`](crate::Drive::Sharing). It cannot lie: the queue
/// halves of a `Local` ring are neither `Send` nor `Sync`, and so is every submission to it.
pub trait Sharing: Sized + sealed::Sealed + 'static {
    /// A share of `T`, which lives as long as there is one.
    #[doc(hidden)]
    type Share<T: ?Sized>: Deref<Target = T> + Clone;
    /// An operation with its event's type forgotten.
    #[doc(hidden)]
    type Operation: Operation<Self> + ?Sized;
    /// Guards `T`.
    #[doc(hidden)]
    type Lock<T>: Lock<T>;
    /// A number that is changed under a shared reference.
    #[doc(hidden)]
    type Word: Word;

    /// A share of what `make` makes.
    #[doc(hidden)]
    fn share<T>(make: impl FnOnce() -> T) -> Self::Share<T>;

    /// The value, where this is the only share of it.
    #[doc(hidden)]
    fn sole<T>(share: &mut Self::Share<T>) -> Option<&mut T>;

    #[doc(hidden)]
    fn forget_event<E: Event>(record: Self::Share<Record<E, Self>>) -> OperationShare<Self>;
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Shared {}
    impl Sealed for super::Local {}
}

/// Operations that may be submitted, polled, reaped and dropped on different threads.
#[derive(Clone, Copy, Debug)]
pub enum Shared {}

/// Operations that stay with the thread of their ring.
#[derive(Clone, Copy, Debug)]
pub enum Local {}

/// A share of an operation, with its event's type forgotten.
pub(crate) type OperationShare<S> = <S as Sharing>::Share<<S as Sharing>::Operation>;

/// Gives out its content to one at a time.
pub trait Lock<T> {
    type Guard<'a>: DerefMut<Target = T>
    where
        Self: 'a;

    fn new(value: T) -> Self;

    fn lock(&self) -> Self::Guard<'_>;

    fn get_mut(&mut self) -> &mut T;
}

/// A number that is changed under a shared reference.
pub trait Word {
    fn new(value: u64) -> Self;

    fn load(&self, order: Ordering) -> u64;

    fn store(&self, value: u64, order: Ordering);

    /// Adds `value`, wrapping.
    fn add(&self, value: u64, order: Ordering);

    /// Makes it `value`, where it is less.
    fn raise(&self, value: u64, order: Ordering);
}

impl Sharing for Shared {
    type Share<T: ?Sized> = Arc<T>;
    type Operation = dyn Operation<Shared> + Send + Sync;
    type Lock<T> = Mutex<T>;
    type Word = AtomicU64;

    #[inline]
    fn share<T>(make: impl FnOnce() -> T) -> Arc<T> {
        Arc::new(make())
    }

    fn sole<T>(share: &mut Arc<T>) -> Option<&mut T> {
        Arc::get_mut(share)
    }

    fn forget_event<E: Event>(record: Arc<Record<E, Shared>>) -> OperationShare<Shared> {
        record
    }
}

impl<T> Lock<T> for Mutex<T> {
    type Guard<'a>
        = MutexGuard<'a, T>
    where
        T: 'a;

    fn new(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        lock(self)
    }

    fn get_mut(&mut self) -> &mut T {
        // No code that can panic half-way runs under these locks, so poison says nothing.
        self.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Word for AtomicU64 {
    fn new(value: u64) -> AtomicU64 {
        AtomicU64::new(value)
    }

    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.store(value, order);
    }

    fn add(&self, value: u64, order: Ordering) {
        self.fetch_add(value, order);
    }

    fn raise(&self, value: u64, order: Ordering) {
        // Seldom more than before, and a load is cheaper than an exchange.
        if self.load(Ordering::Relaxed) < value {
            self.fetch_max(value, order);
        }
    }
}

impl Sharing for Local {
    type Share<T: ?Sized> = LocalShare<T>;
    type Operation = dyn Operation<Local>;
    type Lock<T> = cell::RefCell<T>;
    type Word = cell::Cell<u64>;

    #[inline]
    fn share<T>(make: impl FnOnce() -> T) -> LocalShare<T> {
        LocalShare::new(make)
    }

    #[inline]
    fn sole<T>(share: &mut LocalShare<T>) -> Option<&mut T> {
        share.sole()
    }

    #[inline]
    fn forget_event<E: Event>(record: LocalShare<Record<E, Local>>) -> OperationShare<Local> {
        record.forget_event()
    }
}

/// A thread cannot meet itself here: no foreign code runs while the guard is held.
impl<T> Lock<T> for cell::RefCell<T> {
    type Guard<'a>
        = cell::RefMut<'a, T>
    where
        T: 'a;

    fn new(value: T) -> cell::RefCell<T> {
        cell::RefCell::new(value)
    }

    fn lock(&self) -> cell::RefMut<'_, T> {
        self.borrow_mut()
    }

    fn get_mut(&mut self) -> &mut T {
        self.get_mut()
    }
}

impl Word for cell::Cell<u64> {
    fn new(value: u64) -> cell::Cell<u64> {
        cell::Cell::new(value)
    }

    fn load(&self, _order: Ordering) -> u64 {
        self.get()
    }

    fn store(&self, value: u64, _order: Ordering) {
        self.set(value);
    }

    fn add(&self, value: u64, _order: Ordering) {
        self.set(self.get().wrapping_add(value));
    }

    fn raise(&self, value: u64, _order: Ordering) {
        self.set(self.get().max(value));
    }
}
