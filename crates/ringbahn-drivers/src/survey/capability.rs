//! [`Capability`]: what became of one row of the tables on this machine.

use std::io;

use super::listing::{Listing, Usage};

/// Something that io_uring has, or may have, and how it stands with it here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capability {
    /// What it is.
    pub listing: Listing,
    /// What was found.
    pub standing: Standing,
}

/// How it stands with something on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// It was tried, and did what it should.
    Works,
    /// The kernel has it, and says so. A trial that needs more than a survey has was answered with
    /// this `errno`, or there is no harmless one.
    Known(Option<i32>),
    /// The kernel has it, or may have it, and refuses it here with this `errno`.
    Refused(i32),
    /// The kernel does not have it.
    Missing,
    /// It could not be found out: there is no ring, or this `errno` stood in the way.
    Untested(Option<i32>),
}

impl Capability {
    pub(super) fn new(listing: &Listing, standing: Standing) -> Capability {
        Capability { listing: listing.clone(), standing }
    }

    /// Whether the kernel has it and does not refuse it.
    pub fn is_available(&self) -> bool {
        matches!(self.standing, Standing::Works | Standing::Known(_))
    }

    /// Whether ringbahn would use it and cannot.
    pub fn is_missed(&self) -> bool {
        let absent = matches!(self.standing, Standing::Missing | Standing::Refused(_));
        absent && matches!(self.listing.usage, Usage::Required | Usage::Used)
    }
}

impl Standing {
    /// How it stands with something whose trial ended so. `known` is whether the kernel has it,
    /// as far as it has said.
    pub(super) fn of_trial<T>(trial: &io::Result<T>, known: Option<bool>) -> Standing {
        let Err(error) = trial else { return Standing::Works };
        let Some(errno) = error.raw_os_error() else { return Standing::Untested(None) };
        match (errno, known) {
            (_, Some(false)) => Standing::Missing,
            (libc::EINVAL, None) => Standing::Missing,
            (libc::EPERM | libc::EACCES | libc::ENOSYS | libc::EINVAL | libc::EOPNOTSUPP, _) => {
                Standing::Refused(errno)
            }
            // These say something about the moment, and nothing about the kernel.
            (libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::EINTR, None) => {
                Standing::Untested(Some(errno))
            }
            _ => Standing::Known(Some(errno)),
        }
    }

    /// How it stands with something of which the kernel has said whether it has it.
    pub(super) fn of_answer(known: bool) -> Standing {
        if known { Standing::Known(None) } else { Standing::Missing }
    }

    /// The `errno` with which a trial was answered.
    pub fn raw_os_error(self) -> Option<i32> {
        match self {
            Standing::Known(errno) | Standing::Untested(errno) => errno,
            Standing::Refused(errno) => Some(errno),
            Standing::Works | Standing::Missing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(errno: i32, known: Option<bool>) -> Standing {
        Standing::of_trial::<()>(&Err(io::Error::from_raw_os_error(errno)), known)
    }

    #[test]
    fn an_invalid_argument_means_missing_unless_the_kernel_says_it_knows() {
        assert_eq!(standing(libc::EINVAL, None), Standing::Missing);
        assert_eq!(standing(libc::EINVAL, Some(false)), Standing::Missing);
        assert_eq!(standing(libc::EINVAL, Some(true)), Standing::Refused(libc::EINVAL));
        assert_eq!(Standing::of_trial(&Ok(()), None), Standing::Works);
    }

    #[test]
    fn a_refusal_a_shortage_and_a_complaint_are_told_apart() {
        assert_eq!(standing(libc::EPERM, None), Standing::Refused(libc::EPERM));
        assert_eq!(standing(libc::ENOSYS, Some(true)), Standing::Refused(libc::ENOSYS));
        assert_eq!(standing(libc::ENOMEM, None), Standing::Untested(Some(libc::ENOMEM)));
        assert_eq!(standing(libc::ENOMEM, Some(true)), Standing::Known(Some(libc::ENOMEM)));
        assert_eq!(standing(libc::EFAULT, None), Standing::Known(Some(libc::EFAULT)));
        assert_eq!(standing(libc::ENXIO, Some(false)), Standing::Missing);
    }
}
