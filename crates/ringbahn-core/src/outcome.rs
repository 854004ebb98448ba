//! [`Outcome`]: what became of an operation, for its event to read.
//!
//! # Safety
//!
//! V1. An outcome that tells of CQEs is made for the event whose entries they were posted for.
//!     Nothing else could be given to that event in safe code, since the outcome of another type
//!     of event is of another type, and nobody but an event is ever given its own.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::marker::PhantomData;

use crate::cqe::Cqe;
use crate::operation::id::step_of;

/// What became of an operation of the event `E`: every CQE of every entry, or why it never
/// started.
///
/// It names the type of its event, and only ringbahn makes one that says an entry has completed.
/// So an event that is given one may believe it: that so many bytes have been written to its
/// buffer, or that a descriptor is its own.
///
/// Most events post one CQE and only ask for its [`result`](Outcome::result).
pub struct Outcome<'a, E> {
    kind: Kind<'a>,
    event: PhantomData<fn(E)>,
}

#[derive(Debug)]
enum Kind<'a> {
    /// The CQEs of the steps from `first_step` on, ordered by step and then by arrival.
    Completed { cqes: &'a [Cqe], first_step: u32 },
    /// The reason why no entry was submitted.
    Refused(io::Error),
    /// The CQEs of an operation that was stopped before it ran, and the reason to give for it.
    Stopped { cqes: &'a [Cqe], reason: io::Error },
}

impl<'a, E> Outcome<'a, E> {
    /// The outcome of an operation that ended with `cqes`, ordered by step and then by arrival.
    ///
    /// # Safety
    ///
    /// The CQEs were posted for entries that the event which is given this outcome has prepared,
    /// and it is given no other outcome of them.
    #[inline]
    pub unsafe fn completed(cqes: &'a [Cqe]) -> Outcome<'a, E> {
        Outcome::new(Kind::Completed { cqes, first_step: 0 })
    }

    /// The outcome of an operation that never ran, for the reason of `error`.
    pub fn refused(error: io::Error) -> Outcome<'a, E> {
        Outcome::new(Kind::Refused(error))
    }

    /// The same outcome of an operation that was stopped before it ran, with another reason than
    /// the kernel's.
    pub(crate) fn because(self, reason: io::Error) -> Outcome<'a, E> {
        Outcome::new(Kind::Stopped { cqes: self.cqes(), reason })
    }

    #[inline]
    fn new(kind: Kind<'a>) -> Outcome<'a, E> {
        Outcome { kind, event: PhantomData }
    }

    /// The result of the (first) entry: a count, a descriptor, or the error it failed with.
    ///
    /// # Errors
    ///
    /// What the entry failed with, or why the operation was never submitted.
    #[inline]
    pub fn result(self) -> io::Result<u32> {
        match self.kind {
            Kind::Completed { cqes, .. } => match cqes.first() {
                Some(cqe) => cqe.result(),
                None => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
            },
            Kind::Refused(error) | Kind::Stopped { reason: error, .. } => Err(error),
        }
    }

    /// The CQEs, ordered by step and then by arrival; empty where nothing was submitted.
    #[inline]
    pub fn cqes(&self) -> &'a [Cqe] {
        match self.kind {
            Kind::Completed { cqes, .. } | Kind::Stopped { cqes, .. } => cqes,
            Kind::Refused(_) => &[],
        }
    }

    /// Whether the (first) entry was stopped before it did anything, or never submitted.
    #[inline]
    pub fn has_not_run(&self) -> bool {
        self.cqes().first().is_none_or(Cqe::has_not_run)
    }

    /// The (first) CQE; that of a cancelled entry where nothing was submitted.
    #[inline]
    pub(crate) fn cqe(&self) -> Cqe {
        let cancelled = Cqe { result: -libc::ECANCELED, ..Cqe::default() };
        self.cqes().first().copied().unwrap_or(cancelled)
    }

    /// The same outcome for an event within `E`, which has laid out all entries of `E`: for events
    /// that are made of another one.
    ///
    /// # Safety
    ///
    /// The CQEs were posted for entries that the event of type `F` which is given this outcome has
    /// prepared, and it is given no other outcome of them.
    #[inline]
    pub unsafe fn of_inner<F>(self) -> Outcome<'a, F> {
        self.of()
    }

    /// Why nothing was submitted, if nothing was.
    pub(crate) fn into_refusal(self) -> Option<io::Error> {
        match self.kind {
            Kind::Refused(reason) => Some(reason),
            Kind::Completed { .. } | Kind::Stopped { .. } => None,
        }
    }

    /// The same outcome for the event that makes up `E`: its entries are those of `E`.
    pub(crate) fn of<F>(self) -> Outcome<'a, F> {
        Outcome::new(self.kind)
    }

    /// The outcome of the first `steps` entries, and that of the rest.
    ///
    /// Where the operation never started the first half holds the reason and the second one reads
    /// as cancelled, as the kernel reports a chain that was broken at its head.
    pub(crate) fn split_at<A, B>(self, steps: u32) -> (Outcome<'a, A>, Outcome<'a, B>) {
        let split = |cqes: &'a [Cqe], first_step| {
            let border = first_step + steps;
            let count = cqes.partition_point(|cqe| step_of(cqe.user_data) < border);
            let (head, tail) = cqes.split_at(count);
            (head, Outcome::new(Kind::Completed { cqes: tail, first_step: border }))
        };
        match self.kind {
            Kind::Completed { cqes, first_step } => {
                let (head, tail) = split(cqes, first_step);
                (Outcome::new(Kind::Completed { cqes: head, first_step }), tail)
            }
            // Only whole events are stopped, so this one's steps begin with the first.
            Kind::Stopped { cqes, reason } => {
                let (head, tail) = split(cqes, 0);
                (Outcome::new(Kind::Stopped { cqes: head, reason }), tail)
            }
            refused @ Kind::Refused(_) => {
                let broken = io::Error::from_raw_os_error(libc::ECANCELED);
                (Outcome::new(refused), Outcome::refused(broken))
            }
        }
    }
}

impl<E> fmt::Debug for Outcome<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}
