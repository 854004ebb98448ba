//! [`Cqe`]: a completion queue entry, as a plain value.

use std::io;

use crate::operation::id::{extra_of, with_extra};

/// The kernel's answer to a submission queue entry: a plain value that proves nothing.
///
/// An operation is finished by the driver's completion queue, never by a `Cqe` that somebody
/// holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Cqe {
    /// What the submission queue entry carried.
    pub user_data: u64,
    /// What the system call would have returned: a count, a descriptor, or a negated `errno`.
    pub result: i32,
    /// `IORING_CQE_F_*`.
    pub flags: u32,
}

/// A CQE of a ring whose CQEs are 32 bytes long (`IORING_SETUP_CQE32`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct WideCqe {
    /// What every CQE says.
    pub cqe: Cqe,
    /// What some operations say besides: of a receive without a copy, where the data is.
    pub extra: [u64; 2],
}

const _: () = assert!(size_of::<Cqe>() == 16 && size_of::<WideCqe>() == 32);

impl WideCqe {
    /// What an event gets to see of it, once its operation has been found.
    pub(crate) fn to_keep(self) -> Cqe {
        Cqe { user_data: with_extra(self.cqe.user_data, self.extra[0]), ..self.cqe }
    }
}

/// `IORING_CQE_F_BUFFER`: the kernel has chosen a buffer, whose number is in the upper half.
const FLAG_BUFFER: u32 = 1 << 0;
const BUFFER_SHIFT: u32 = 16;
/// `IORING_CQE_F_MORE`: the entry will post at least one more CQE.
const FLAG_MORE: u32 = 1 << 1;
/// `IORING_CQE_F_NOTIF`: a zero-copy send no longer needs its buffer.
const FLAG_NOTIFICATION: u32 = 1 << 3;

/// The kernel's private numbers from `ERESTARTSYS` to `ERESTART_RESTARTBLOCK`. They mean that a
/// signal stopped the call before it did anything, and leak out of its worker threads.
const RESTART_ERRNOS: std::ops::RangeInclusive<i32> = 512..=516;

impl Cqe {
    /// Whether another CQE will follow for the same submission queue entry.
    #[inline]
    pub const fn has_more(&self) -> bool {
        self.flags & FLAG_MORE != 0
    }

    /// The number of the buffer that the kernel has chosen, if it has; whatever the result is.
    #[inline]
    pub const fn buffer(&self) -> Option<u16> {
        if self.flags & FLAG_BUFFER == 0 {
            return None;
        }
        Some((self.flags >> BUFFER_SHIFT) as u16)
    }

    /// Whether this is the second CQE of a zero-copy send: the buffer is free again.
    pub const fn is_notification(&self) -> bool {
        self.flags & FLAG_NOTIFICATION != 0
    }

    /// The first word of what a [`WideCqe`] says besides, once an event gets to see it. Of a ring
    /// with other CQEs it means nothing.
    pub fn extra(&self) -> u64 {
        extra_of(self.user_data)
    }

    /// The result as a count or descriptor, or the error it stands for.
    ///
    /// # Errors
    ///
    /// Whatever the operation failed with. The kernel's private restart numbers read as
    /// `ECANCELED`: they are seen only where an operation was stopped before it had run.
    #[inline]
    pub fn result(&self) -> io::Result<u32> {
        match u32::try_from(self.result) {
            Ok(value) => Ok(value),
            Err(_) => Err(io::Error::from_raw_os_error(self.errno())),
        }
    }

    /// Whether the operation was stopped before it did anything: cancelled, or interrupted by a
    /// signal or by the exit of the thread that submitted it.
    #[inline]
    pub fn has_not_run(&self) -> bool {
        self.result < 0 && matches!(self.errno(), libc::ECANCELED | libc::EINTR)
    }

    /// The `errno` of a failed operation; 0 where it did not fail.
    #[inline]
    fn errno(&self) -> i32 {
        if self.result >= 0 {
            return 0;
        }
        let errno = self.result.saturating_neg();
        if RESTART_ERRNOS.contains(&errno) { libc::ECANCELED } else { errno }
    }

    /// Whether it failed with `errno`.
    #[inline]
    pub fn failed_with(&self, errno: i32) -> bool {
        self.errno() == errno
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_result(result: i32) -> Cqe {
        Cqe { result, ..Cqe::default() }
    }

    #[test]
    fn the_kernels_private_restart_numbers_read_as_cancelled() {
        for errno in RESTART_ERRNOS {
            let cqe = with_result(-errno);
            assert!(cqe.has_not_run());
            assert_eq!(cqe.result().unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        }
        assert_eq!(with_result(-517).result().unwrap_err().raw_os_error(), Some(517));
    }

    #[test]
    fn no_result_makes_it_panic() {
        for result in [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX] {
            let _ = with_result(result).result();
            let _ = with_result(result).has_not_run();
        }
    }
}
