//! [`Either`]: an event of one of two kinds.
#![allow(unsafe_code)]

use crate::event::Event;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// An event of one of two kinds, which yield the same.
///
/// For those who submit now one and now the other in the same place, such as a handle whose object
/// may be a file or a socket: one type of submission, whose memory serves for both
/// ([`Submission::restart`](crate::Submission::restart)).
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use std::os::fd::OwnedFd;
/// use ringbahn_core::SharedFd;
/// use ringbahn_core::event::{Either, Position, Read, Recv};
///
/// # fn main() -> std::io::Result<()> {
/// let fd = SharedFd::from(OwnedFd::from(File::open("/dev/zero")?));
/// let buffer = vec![0; 64];
/// let is_socket = false;
/// let event = match is_socket {
///     true => Either::second(Recv::new(fd, buffer)),
///     false => Either::first(Read::new(fd, buffer, Position::Current)),
/// };
/// # drop(event);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of the event that it is.
///
/// # Cancellation
///
/// That of the event that it is.
///
/// # Kernel
///
/// Linux 5.1. The event that it is may need a newer one.
///
/// # References
///
/// [`io_uring_enter(2)`](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html)
#[doc(alias = "IORING_OP")]
#[derive(Debug)]
pub struct Either<A, B> {
    kind: Kind<A, B>,
}

#[derive(Debug)]
enum Kind<A, B> {
    First(A),
    Second(B),
}

impl<A: Event, B: Event<Output = A::Output>> Either<A, B> {
    /// An event of the first kind.
    pub fn first(event: A) -> Either<A, B> {
        Either { kind: Kind::First(event) }
    }

    /// An event of the second kind.
    pub fn second(event: B) -> Either<A, B> {
        Either { kind: Kind::Second(event) }
    }
}

impl<A: Event, B: Event<Output = A::Output>> Event for Either<A, B> {
    type Output = A::Output;

    fn sqes_needed(&self) -> u32 {
        match &self.kind {
            Kind::First(event) => event.sqes_needed(),
            Kind::Second(event) => event.sqes_needed(),
        }
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        match &mut self.kind {
            // SAFETY: E1 holds for the event within, which is a part of this one.
            Kind::First(event) => unsafe { event.prepare(sqes) },
            // SAFETY: E1, as for the first.
            Kind::Second(event) => unsafe { event.prepare(sqes) },
        }
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> A::Output {
        match self.kind {
            Kind::First(event) => event.complete(outcome.of()),
            Kind::Second(event) => event.complete(outcome.of()),
        }
    }

    fn cancelled(self, outcome: Outcome<'_, Self>) {
        match self.kind {
            Kind::First(event) => event.cancelled(outcome.of()),
            Kind::Second(event) => event.cancelled(outcome.of()),
        }
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        let cqes = outcome.cqes();
        match &mut self.kind {
            // SAFETY: V1: the entries are the inner event's, which only looks at this outcome.
            Kind::First(event) => event.resubmit(&unsafe { Outcome::completed(cqes) }),
            // SAFETY: V1, as for the first.
            Kind::Second(event) => event.resubmit(&unsafe { Outcome::completed(cqes) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{complete, entry, fill, resubmits, shared_null};
    use crate::event::{Position, Read, Recv};
    use crate::opcode;

    type Reading = Either<Read<Vec<u8>>, Recv<Vec<u8>>>;

    #[test]
    fn it_does_what_the_event_within_does() {
        let read = Read::new(shared_null(), vec![0; 8], Position::Current);
        let recv = Recv::new(shared_null(), vec![0; 8]);
        for (mut event, code) in
            [(Reading::first(read), opcode::READ), (Reading::second(recv), opcode::RECV)]
        {
            let entry = entry(&mut event);
            assert_eq!(entry.opcode(), code);
            fill(&entry, b"hello");
            assert!(resubmits(&mut event, -libc::EINTR));
            let (result, buffer) = complete(event, 5);
            assert_eq!((result.unwrap(), &buffer[..5]), (5, &b"hello"[..]));
        }
    }
}
