//! [`Kind`]: the two kinds of drivers, for each of which every case is compiled once.

use std::pin::Pin;
use std::thread;

use ringbahn_core::{Drive, Local, Shared, Sharing};

use crate::bench::{Bench, Subjected};
use crate::case::{Body, Case, Group};
use crate::handle::{Erased, Handle};
use crate::lifecycle::operation::Operation;
use crate::verdict::{Stop, Verdict};

/// The two kinds of drivers: those that threads share, and those of one thread.
///
/// It is [`Sharing`] with what the suite needs besides: drivers and operations with their types
/// forgotten, which are `Send` where threads share them.
pub trait Kind: Sharing {
    /// A driver with its type forgotten.
    #[doc(hidden)]
    type Driver: Erased<Self> + ?Sized;

    /// The cases of a group. Not generic where it is implemented, so that the cases are compiled
    /// with this crate, and not with each one that runs them.
    #[doc(hidden)]
    fn cases(group: Group) -> Vec<Case<Self>>;

    /// The body of a case that concerns only drivers which threads share.
    #[doc(hidden)]
    fn for_threads(body: fn(&Bench<Shared>) -> Verdict) -> Body<Self>;

    /// Has something done with an operation on another thread, and lets the driver do its work
    /// until that has ended.
    #[doc(hidden)]
    fn elsewhere<F>(
        driver: &Subjected<'_, Self>,
        operation: Operation<Self>,
        act: F,
    ) -> Result<Operation<Self>, Stop>
    where
        F: FnOnce(&mut Operation<Self>) -> Verdict + Send + 'static;
}

/// A kind of drivers to which those of type `D` belong.
///
/// [`Shared`] is for every driver whose handle may be sent to another thread, [`Local`] for every
/// one that is bound to its own.
pub trait Takes<D>: Kind {
    #[doc(hidden)]
    fn forget_driver(driver: D) -> Pin<Box<Self::Driver>>;
}

const BOUND: &str = "its futures stay with their thread";

impl Kind for Shared {
    type Driver = dyn Erased<Shared> + Send;

    fn cases(group: Group) -> Vec<Case<Shared>> {
        group.cases()
    }

    fn for_threads(body: fn(&Bench<Shared>) -> Verdict) -> Body<Shared> {
        Body::Function(body)
    }

    fn elsewhere<F>(
        driver: &Subjected<'_, Self>,
        mut operation: Operation<Self>,
        act: F,
    ) -> Result<Operation<Self>, Stop>
    where
        F: FnOnce(&mut Operation<Self>) -> Verdict + Send + 'static,
    {
        driver.join(thread::spawn(move || act(&mut operation).map(|()| operation)))
    }
}

impl Kind for Local {
    type Driver = dyn Erased<Local>;

    fn cases(group: Group) -> Vec<Case<Local>> {
        group.cases()
    }

    fn for_threads(_body: fn(&Bench<Shared>) -> Verdict) -> Body<Local> {
        Body::Skipped(BOUND)
    }

    fn elsewhere<F>(
        _driver: &Subjected<'_, Self>,
        _operation: Operation<Self>,
        _act: F,
    ) -> Result<Operation<Self>, Stop>
    where
        F: FnOnce(&mut Operation<Self>) -> Verdict + Send + 'static,
    {
        Err(Stop::skipped(BOUND))
    }
}

impl<D: Drive<Sharing = Shared> + Clone + Send + 'static> Takes<D> for Shared {
    fn forget_driver(driver: D) -> Pin<Box<Self::Driver>> {
        Box::pin(driver)
    }
}

impl<D: Drive<Sharing = Local> + Clone + 'static> Takes<D> for Local {
    fn forget_driver(driver: D) -> Pin<Box<Self::Driver>> {
        Box::pin(driver)
    }
}

impl<S: Kind> Handle<S> {
    /// `driver` with its type forgotten.
    pub(crate) fn new<D>(driver: D) -> Handle<S>
    where
        S: Takes<D>,
    {
        Handle::from_erased(S::forget_driver(driver))
    }
}
