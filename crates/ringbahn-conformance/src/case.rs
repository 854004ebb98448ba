//! [`Group`] and [`Case`]: what the suite is made of.

use std::fmt;
use std::sync::Arc;

use crate::bench::Bench;
use crate::cases;
use crate::kind::Kind;
use crate::lifecycle;
use crate::verdict::Verdict;

/// The parts of the suite, each about one kind of promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The right bytes at the right places.
    Data,
    /// Errors, and the buffers that come back with them.
    Errors,
    /// Operations that nobody wants any more.
    Cancel,
    /// More operations than the queues have room for.
    Backpressure,
    /// The end of a driver.
    Teardown,
    /// Descriptors, events and memory, counted before and after.
    Leaks,
    /// Futures and handles on several threads.
    Threads,
    /// Wakers that panic, that use the driver, that are replaced.
    Wakers,
    /// Operations that are submitted more than once.
    Repeats,
    /// Chains of operations.
    Links,
    /// Sends whose buffer the kernel keeps for longer.
    ZeroCopy,
    /// What one operation yields one after the other.
    Streams,
    /// What is registered with a ring: buffers, groups of them, and files in slots.
    Registered,
    /// Every event at every moment of its life.
    Lifecycle,
}

impl Group {
    /// All of them, in the order in which they are run.
    pub const ALL: [Group; 14] = [
        Group::Data,
        Group::Errors,
        Group::Cancel,
        Group::Backpressure,
        Group::Teardown,
        Group::Leaks,
        Group::Threads,
        Group::Wakers,
        Group::Repeats,
        Group::Links,
        Group::ZeroCopy,
        Group::Streams,
        Group::Registered,
        Group::Lifecycle,
    ];

    /// The name by which cases begin.
    pub fn name(self) -> &'static str {
        match self {
            Group::Data => "data",
            Group::Errors => "errors",
            Group::Cancel => "cancel",
            Group::Backpressure => "backpressure",
            Group::Teardown => "teardown",
            Group::Leaks => "leaks",
            Group::Threads => "threads",
            Group::Wakers => "wakers",
            Group::Repeats => "repeats",
            Group::Links => "links",
            Group::ZeroCopy => "zero-copy",
            Group::Streams => "streams",
            Group::Registered => "registered",
            Group::Lifecycle => "lifecycle",
        }
    }

    pub(crate) fn cases<S: Kind>(self) -> Vec<Case<S>> {
        match self {
            Group::Data => cases::data::cases(),
            Group::Errors => cases::errors::cases(),
            Group::Cancel => cases::cancel::cases(),
            Group::Backpressure => cases::backpressure::cases(),
            Group::Teardown => cases::teardown::cases(),
            Group::Leaks => cases::leaks::cases(),
            Group::Threads => cases::threads::cases(),
            Group::Wakers => cases::wakers::cases(),
            Group::Repeats => cases::repeats::cases(),
            Group::Links => cases::links::cases(),
            Group::ZeroCopy => cases::zero_copy::cases(),
            Group::Streams => cases::streams::cases(),
            Group::Registered => cases::registered::cases(),
            Group::Lifecycle => lifecycle::cases(),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One promise, tried on a driver of its own.
pub struct Case<S: Kind> {
    /// The name within its group.
    pub(crate) name: String,
    pub(crate) body: Body<S>,
}

/// What one of many cases does that were made alike.
type Closure<S> = dyn Fn(&Bench<S>) -> Verdict + Send + Sync;

/// How a case is tried.
pub enum Body<S: Kind> {
    /// By a function.
    #[doc(hidden)]
    Function(fn(&Bench<S>) -> Verdict),
    /// By a closure, one of many that were made alike.
    #[doc(hidden)]
    Closure(Arc<Closure<S>>),
    /// Not at all with drivers of this kind, for this reason.
    #[doc(hidden)]
    Skipped(&'static str),
}

impl<S: Kind> Clone for Body<S> {
    fn clone(&self) -> Body<S> {
        match self {
            Body::Function(function) => Body::Function(*function),
            Body::Closure(closure) => Body::Closure(closure.clone()),
            Body::Skipped(reason) => Body::Skipped(reason),
        }
    }
}

impl<S: Kind> Body<S> {
    pub(crate) fn run(&self, bench: &Bench<S>) -> Verdict {
        match self {
            Body::Function(function) => function(bench),
            Body::Closure(closure) => closure(bench),
            Body::Skipped(reason) => Err(crate::verdict::Stop::skipped(*reason)),
        }
    }
}

/// Makes the list of a group's cases from the functions that try them, named as they are.
macro_rules! list_cases {
    ($($function:ident),* $(,)? $(; threads: $($threads:ident),* $(,)?)?) => {
        pub(crate) fn cases<S: $crate::kind::Kind>() -> Vec<$crate::case::Case<S>> {
            vec![
                $($crate::case::Case {
                    name: stringify!($function).to_owned(),
                    body: $crate::case::Body::Function($function::<S>),
                },)*
                $($($crate::case::Case {
                    name: stringify!($threads).to_owned(),
                    body: S::for_threads($threads),
                },)*)?
            ]
        }
    };
}

pub(crate) use list_cases;
