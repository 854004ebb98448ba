//! [`Repeats`]: after which ends an event could want to be submitted once more.

use crate::cqe::Cqe;

/// After which ends an event could want to be submitted once more.
///
/// It is said before the operation starts, so that most ends can be noted without asking the event,
/// which would be its code and could not be called while anything is locked.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// The largest result after which it could. The smallest one that there may be is `-4095`.
    result_max: i32,
}

impl Repeats {
    /// After none.
    pub const NEVER: Repeats = Repeats { result_max: i32::MIN };

    /// Only where it has failed.
    pub const FAILED: Repeats = Repeats { result_max: -1 };

    /// After any.
    pub const ANY: Repeats = Repeats { result_max: i32::MAX };

    /// Where it has failed, or done less than all of `length` bytes.
    #[inline]
    pub(crate) fn short_of(length: usize) -> Repeats {
        // No end of an operation tells that so many are done, where that is more than one can do.
        let result_max = i32::try_from(length).map_or(i32::MAX, |length| length - 1);
        Repeats { result_max }
    }

    /// Whether it could want that after `last`, the last CQE of its operation.
    #[inline]
    pub(crate) fn could_follow(self, last: &Cqe) -> bool {
        last.result <= self.result_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{resubmits, shared_null};
    use crate::event::{
        Accept, Event, Interest, Nop, PollAdd, Position, Read, ReadVectored, Recv, Send, SendAll,
        Write, WriteVectored,
    };

    #[test]
    fn a_failure_may_be_followed_by_another_round_where_a_success_may_not() {
        let last = |result| Cqe { result, ..Cqe::default() };
        let may = |repeats: Repeats| [-4, 0, 7].map(|result| repeats.could_follow(&last(result)));
        assert_eq!(may(Repeats::NEVER), [false; 3]);
        assert_eq!(may(Repeats::FAILED), [true, false, false]);
        assert_eq!(may(Repeats::ANY), [true; 3]);
        assert_eq!(may(Repeats::short_of(0)), [true, false, false]);
        assert_eq!(may(Repeats::short_of(7)), [true, true, false]);
        assert_eq!(may(Repeats::short_of(8)), [true; 3]);
        assert_eq!(may(Repeats::short_of(usize::MAX)), [true; 3]);
    }

    /// What it says for itself is what it does.
    fn keeps_its_word<E: Event>(mut event: E) {
        assert_eq!(event.repeats(), Repeats::FAILED);
        for result in [0, 1, 3, 4, i32::MAX] {
            assert!(!resubmits(&mut event, result), "{result}");
        }
        assert!(resubmits(&mut event, -libc::EINTR));
    }

    #[test]
    fn events_that_say_so_want_another_round_only_where_they_have_failed() {
        let (null, at) = (shared_null, Position::At(0));
        keeps_its_word(Nop);
        keeps_its_word(Read::new(null(), [0; 4], at));
        keeps_its_word(ReadVectored::new(null(), vec![vec![0; 4]], at));
        keeps_its_word(Write::new(null(), "abcd", at));
        keeps_its_word(WriteVectored::new(null(), vec![vec![0; 4]], at));
        keeps_its_word(Recv::new(null(), [0; 4]));
        keeps_its_word(Send::new(null(), "abcd"));
        keeps_its_word(Accept::new(null()));
        keeps_its_word(PollAdd::new(null(), Interest::READABLE));
        assert_eq!(Send::new(null(), "abcd").wait_all(true).repeats(), Repeats::short_of(4));
        assert_eq!(SendAll::new(null(), "abcd").repeats(), Repeats::short_of(4));
    }
}
