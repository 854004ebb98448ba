//! [`Outcome`]: what became of an operation, for its event to read.

use std::io;

use crate::cqe::Cqe;
use crate::operation::id::step_of;

/// What became of an operation: every CQE of every entry, or why it never started.
///
/// Most events post one CQE and only ask for its [`result`](Outcome::result). An event of several
/// entries takes its steps apart with [`split_at`](Outcome::split_at).
#[derive(Debug)]
pub struct Outcome<'a> {
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    /// The CQEs of the steps from `first_step` on, ordered by step and then by arrival.
    Completed { cqes: &'a [Cqe], first_step: u32 },
    /// No entry was submitted, so the kernel never knew of the operation.
    Refused(io::Error),
    /// The operation ended in `ECANCELED` because somebody asked, and this is the reason to give.
    Stopped(io::Error),
}

impl<'a> Outcome<'a> {
    /// The outcome of an operation that ended with `cqes`, ordered by step and then by arrival.
    pub fn completed(cqes: &'a [Cqe]) -> Outcome<'a> {
        Outcome { kind: Kind::Completed { cqes, first_step: 0 } }
    }

    /// The outcome of an operation that was never submitted, for the reason of `error`.
    pub fn refused(error: io::Error) -> Outcome<'a> {
        Outcome { kind: Kind::Refused(error) }
    }

    pub(crate) fn stopped(error: io::Error) -> Outcome<'a> {
        Outcome { kind: Kind::Stopped(error) }
    }

    /// The result of the (first) entry: a count, a descriptor, or the error it failed with.
    ///
    /// # Errors
    ///
    /// What the entry failed with, or why the operation was never submitted.
    pub fn result(self) -> io::Result<u32> {
        match self.kind {
            Kind::Completed { cqes, .. } => match cqes.first() {
                Some(cqe) => cqe.result(),
                None => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
            },
            Kind::Refused(error) | Kind::Stopped(error) => Err(error),
        }
    }

    /// The CQEs, ordered by step and then by arrival; empty where nothing was submitted.
    pub fn cqes(&self) -> &'a [Cqe] {
        match self.kind {
            Kind::Completed { cqes, .. } => cqes,
            Kind::Refused(_) | Kind::Stopped(_) => &[],
        }
    }

    /// The outcome of the first `steps` entries, and that of the rest.
    ///
    /// Where the operation never started the first half holds the reason and the second one reads
    /// as cancelled, as the kernel reports a chain that was broken at its head.
    pub fn split_at(self, steps: u32) -> (Outcome<'a>, Outcome<'a>) {
        match self.kind {
            Kind::Completed { cqes, first_step } => {
                let border = first_step + steps;
                let count = cqes.partition_point(|cqe| step_of(cqe.user_data) < border);
                let (head, tail) = cqes.split_at(count);
                (
                    Outcome { kind: Kind::Completed { cqes: head, first_step } },
                    Outcome { kind: Kind::Completed { cqes: tail, first_step: border } },
                )
            }
            kind @ (Kind::Refused(_) | Kind::Stopped(_)) => {
                let broken = io::Error::from_raw_os_error(libc::ECANCELED);
                (Outcome { kind }, Outcome::refused(broken))
            }
        }
    }
}
