//! [`TargetState`]: what an operation was found doing that was to be ended or changed.

use std::io;

use crate::outcome::Outcome;

/// What an operation was found doing that was to be ended or changed by another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetState {
    /// It waited, and has been ended or changed as was asked for.
    Waiting,
    /// It was about to end, and ends as it would have without this.
    Ending,
    /// It was not there: it has ended, is another ring's, is no operation of that kind, or has not
    /// started yet, as the later part of a chain.
    Absent,
}

impl TargetState {
    /// What the kernel has answered.
    pub(super) fn of<E>(outcome: Outcome<'_, E>) -> io::Result<TargetState> {
        let error = match outcome.result() {
            Ok(_) => return Ok(TargetState::Waiting),
            Err(error) => error,
        };
        match error.raw_os_error() {
            Some(libc::ENOENT) => Ok(TargetState::Absent),
            Some(libc::EALREADY | libc::EBUSY) => Ok(TargetState::Ending),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Nop;
    use crate::event::testing::{cqe, ended};

    #[test]
    fn every_answer_about_a_target_is_told() {
        let state = |result| TargetState::of::<Nop>(ended(&[cqe(result)]));
        assert_eq!(state(0).unwrap(), TargetState::Waiting);
        assert_eq!(state(-libc::ENOENT).unwrap(), TargetState::Absent);
        assert_eq!(state(-libc::EALREADY).unwrap(), TargetState::Ending);
        assert_eq!(state(-libc::EBUSY).unwrap(), TargetState::Ending);
        for errno in [libc::EINVAL, libc::ECANCELED, 512] {
            assert!(state(-errno).is_err());
        }
    }
}
