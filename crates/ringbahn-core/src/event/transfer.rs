//! What the events that move bytes share: the position, and the bookkeeping of transfers that go
//! on until all is done.
#![allow(unsafe_code)]

use std::error::Error;
use std::{fmt, io};

use crate::buf::{IoBufMut, entry_length};
use crate::cqe::Cqe;
use crate::operation::repeats::Repeats;
use crate::outcome::Outcome;

/// Where in a file an operation reads or writes.
///
/// Files that know no position, such as pipes and sockets, ignore it; [`Position::Current`] is the
/// one to use for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// At this offset from the start of the file, in bytes. The file's current position does not
    /// matter and does not move, as with `pread`. Offsets above `i64::MAX` are refused by the
    /// kernel with `InvalidInput`.
    At(u64),
    /// At the file's current position, which moves on, as with `read`.
    ///
    /// The position is that of the open file, shared by all its descriptors: of several such
    /// operations at once nobody knows which one comes first. And the kernel does not always move
    /// it by what was transferred: on a full disk a write that ends short was seen to leave it
    /// where it was. For a file on a disk [`At`](Position::At) is the one to use.
    Current,
}

impl Position {
    /// What the entry's offset word says.
    pub(crate) fn offset(self) -> u64 {
        match self {
            // All ones mean the current position; one less is refused, as it must be.
            Position::At(offset) => offset.min(u64::MAX - 1),
            Position::Current => u64::MAX,
        }
    }

    /// The position `bytes` further on.
    pub(crate) fn advance(self, bytes: usize) -> Position {
        match self {
            Position::At(offset) => Position::At(offset.saturating_add(bytes as u64)),
            Position::Current => Position::Current,
        }
    }
}

/// A read that the kernel could not finish at once is finished by the thread that submitted it, and
/// fails with `EFAULT` where that has exited meanwhile, its memory map being gone. So a read is
/// repeated after its first `EFAULT`; a target that is really bad fails the second time.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    seen: bool,
}

impl Faults {
    /// Whether this is the first `EFAULT`.
    pub(crate) fn is_first<E>(&mut self, outcome: &Outcome<'_, E>) -> bool {
        outcome.cqe().failed_with(libc::EFAULT) && !std::mem::replace(&mut self.seen, true)
    }
}

/// The count that a write reports: never more than was asked for.
pub(crate) fn sent<E>(outcome: Outcome<'_, E>, length: usize) -> io::Result<usize> {
    let asked = entry_length(length);
    outcome.result().map(|count| count.min(asked) as usize)
}

/// The count that a read reports, noted in its buffer.
///
/// # Safety
///
/// `outcome` is that of an entry which asked for `buffer`'s target (E3).
pub(crate) unsafe fn received<E, B: IoBufMut>(
    outcome: Outcome<'_, E>,
    buffer: &mut B,
) -> io::Result<usize> {
    let count = sent(outcome, buffer.target_len())?;
    // SAFETY: B3: so many bytes have been written by the contract of this function, and `sent`
    // has made sure that they are no more than the target has.
    unsafe { buffer.set_filled(count) };
    Ok(count)
}

/// The inner error of a transfer of several operations that has ended before all was done.
///
/// ```
/// use std::io;
/// use ringbahn_core::event::Incomplete;
///
/// /// How far a transfer has come, as far as its error tells.
/// fn progress(error: &io::Error) -> Option<usize> {
///     error.get_ref()?.downcast_ref::<Incomplete>().map(Incomplete::done)
/// }
/// # assert_eq!(progress(&io::ErrorKind::Other.into()), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incomplete {
    done: usize,
    wanted: usize,
}

impl Incomplete {
    /// How many bytes have been transferred.
    pub fn done(&self) -> usize {
        self.done
    }

    /// How many bytes should have been.
    pub fn wanted(&self) -> usize {
        self.wanted
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the transfer ended after {} of {} bytes", self.done, self.wanted)
    }
}

impl Error for Incomplete {}

/// How far an event that goes on by itself has come.
///
/// A count is told to [`Progress::goes_on`] first, and may come again with the outcome if the
/// event was not submitted once more after all. So it is noted aside, and counts as done only
/// when the next entry is laid out.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: usize,
    /// The count of the entry that ended last, not yet part of `done`.
    noted: usize,
}

impl Progress {
    /// How much is done, as the next entry is laid out.
    #[inline]
    pub(crate) fn begin(&mut self) -> usize {
        self.done += std::mem::take(&mut self.noted);
        self.done
    }

    /// Whether the event is to be submitted once more after `cqe`.
    #[inline]
    pub(crate) fn goes_on(&mut self, cqe: Cqe, wanted: usize) -> bool {
        self.noted = 0;
        if cqe.has_not_run() || cqe.failed_with(libc::EAGAIN) {
            return true;
        }
        let rest = wanted - self.done;
        match cqe.result() {
            Ok(count) if count > 0 && (count as usize) < rest => {
                self.noted = count.min(entry_length(rest)) as usize;
                true
            }
            _ => false,
        }
    }

    /// After which ends of its next round a transfer of `wanted` bytes goes on.
    #[inline]
    pub(crate) fn repeats(&self, wanted: usize) -> Repeats {
        Repeats::short_of(wanted - self.done)
    }

    /// Whether `cqe`, of the entry that was laid out last, says that all is done.
    #[inline]
    pub(crate) fn is_all(&self, cqe: &Cqe, wanted: usize) -> bool {
        let rest = wanted - self.done;
        u32::try_from(cqe.result)
            .is_ok_and(|count| count as usize == rest && count == entry_length(rest))
    }

    /// How much was done in all, and whether that is everything. Where the kernel moved nothing
    /// more, the error is of the kind `at_end`. One that was stopped tells how far it came.
    pub(crate) fn end<E>(
        self,
        outcome: Outcome<'_, E>,
        wanted: usize,
        at_end: io::ErrorKind,
    ) -> (usize, io::Result<()>) {
        let answered = !outcome.cqes().is_empty();
        let stopped = outcome.has_not_run();
        match sent(outcome, wanted - self.done) {
            Ok(count) => {
                let done = self.done + count;
                let kind = if count == 0 { at_end } else { io::ErrorKind::Other };
                let result = if done == wanted {
                    Ok(())
                } else {
                    Err(io::Error::new(kind, Incomplete { done, wanted }))
                };
                (done, result)
            }
            Err(error) => {
                // Without an answer the entry after the noted count was never submitted.
                let done = self.done + if answered { 0 } else { self.noted };
                let error = match stopped && done > 0 {
                    true => io::Error::new(error.kind(), Incomplete { done, wanted }),
                    false => error,
                };
                (done, Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::ended;

    const END: io::ErrorKind = io::ErrorKind::UnexpectedEof;

    fn cqe(result: i32) -> Cqe {
        Cqe { result, ..Cqe::default() }
    }

    /// Feeds the results of the rounds to a transfer of `wanted` bytes.
    fn run(wanted: usize, rounds: &[i32]) -> (usize, io::Result<()>) {
        let mut progress = Progress::default();
        for (at, &result) in rounds.iter().enumerate() {
            progress.begin();
            let more = progress.goes_on(cqe(result), wanted);
            assert_eq!(more, at + 1 < rounds.len(), "after {result}");
        }
        let last = [cqe(rounds[rounds.len() - 1])];
        progress.end(ended::<()>(&last), wanted, END)
    }

    #[test]
    fn short_transfers_of_every_length_add_up() {
        for step in 1..=10 {
            let whole = 10 / step;
            let rest = 10 % step;
            let mut rounds = vec![step; whole as usize];
            rounds.extend((rest > 0).then_some(rest));
            let (done, result) = run(10, &rounds);
            assert_eq!(done, 10);
            result.unwrap();
        }
    }

    #[test]
    fn what_has_not_run_is_repeated_and_other_errors_end_it() {
        let (done, result) = run(10, &[4, -libc::EINTR, -libc::EAGAIN, -512, 3, -libc::ENOSPC]);
        assert_eq!((done, result.unwrap_err().raw_os_error()), (7, Some(libc::ENOSPC)));
    }

    #[test]
    fn an_early_end_tells_how_far_it_came() {
        let (done, result) = run(10, &[4, 0]);
        let error = result.unwrap_err();
        let incomplete = error.get_ref().unwrap().downcast_ref::<Incomplete>();
        assert_eq!((done, error.kind()), (4, END));
        assert_eq!(incomplete, Some(&Incomplete { done: 4, wanted: 10 }));
    }

    #[test]
    fn a_count_is_counted_once_whether_or_not_the_event_goes_on() {
        // Cancelled after it had said that it wants to go on.
        let mut progress = Progress::default();
        progress.begin();
        assert!(progress.goes_on(cqe(4), 10));
        let last = [cqe(4)];
        let (done, result) = progress.end(ended::<()>(&last), 10, END);
        assert_eq!((done, result.is_err()), (4, true));

        // Refused after it had gone on.
        for laid_out in [false, true] {
            let mut progress = Progress::default();
            progress.begin();
            assert!(progress.goes_on(cqe(4), 10));
            if laid_out {
                progress.begin();
            }
            let refused = Outcome::<()>::refused(io::ErrorKind::BrokenPipe.into());
            let (done, result) = progress.end(refused, 10, END);
            let error = result.unwrap_err();
            assert_eq!((done, error.kind()), (4, io::ErrorKind::BrokenPipe));
            let incomplete = error.get_ref().unwrap().downcast_ref::<Incomplete>();
            assert_eq!(incomplete, Some(&Incomplete { done: 4, wanted: 10 }));
        }
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        let (done, result) = run(0, &[0]);
        assert_eq!(done, 0);
        result.unwrap();
    }

    #[test]
    fn a_transfer_longer_than_one_operation_goes_on() {
        let most = 0x7fff_f000;
        let (done, result) = run(most as usize + 5, &[most, 5]);
        assert_eq!(done, most as usize + 5);
        result.unwrap();
    }

    #[test]
    fn a_position_never_turns_into_the_current_one() {
        assert_eq!(Position::Current.offset(), u64::MAX);
        assert_eq!(Position::At(u64::MAX).offset(), u64::MAX - 1);
        assert_eq!(Position::At(u64::MAX - 1).advance(7).offset(), u64::MAX - 1);
        assert_eq!(Position::At(5).advance(7), Position::At(12));
        assert_eq!(Position::Current.advance(7), Position::Current);
    }
}
