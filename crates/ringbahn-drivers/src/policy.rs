//! [`Policy`]: whether a driver runs on io_uring, or on the fallback.

use std::ffi::OsStr;
use std::io;

use crate::unavailable::{Reason, Unavailable};

/// Whether a driver runs on io_uring, or on the fallback, which does the same work inside the
/// process by system calls, epoll and threads.
///
/// What the code asks for comes first. Where it asks for nothing, the variable `RINGBAHN_IO_URING`
/// of the environment decides, which may be `require`, `prefer` or `never`; where that is not set
/// either, io_uring is preferred.
///
/// # Examples
///
/// ```
/// use ringbahn_drivers::{Backend, Policy, SharedDriver};
///
/// # fn main() -> std::io::Result<()> {
/// let driver = SharedDriver::builder().policy(Policy::Never).build()?;
/// assert_eq!(driver.backend(), Backend::Fallback);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// Only io_uring: without it there is no driver, and an [`Unavailable`] says why.
    Require,
    /// io_uring where it works, and the fallback where it is blocked or missing, or the kernel is
    /// too old for ringbahn.
    ///
    /// A lack of memory or descriptors is an error all the same: it would be one for what comes
    /// next, and hiding it would make a program slow for a reason that nobody sees.
    Prefer,
    /// Only the fallback. No system call of io_uring is made, for sandboxes that kill whoever
    /// makes one.
    Never,
}

/// The variable that decides where the code does not.
const VARIABLE: &str = "RINGBAHN_IO_URING";

impl Policy {
    /// What the environment asks for: [`Prefer`](Policy::Prefer) unless it says otherwise.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the variable is set to something else than the three words.
    pub fn from_environment() -> io::Result<Policy> {
        std::env::var_os(VARIABLE).map_or(Ok(Policy::Prefer), |value| Policy::parse(&value))
    }

    fn parse(value: &OsStr) -> io::Result<Policy> {
        match value.to_str() {
            Some("require") => Ok(Policy::Require),
            Some("prefer" | "") => Ok(Policy::Prefer),
            Some("never") => Ok(Policy::Never),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{VARIABLE} is {value:?} and may be `require`, `prefer` or `never`"),
            )),
        }
    }

    /// Whether the fallback is to take over where there is no ring for the reason of `unavailable`.
    pub(crate) fn falls_back(self, unavailable: &Unavailable) -> bool {
        let there_is_none = matches!(
            unavailable.reason(),
            Reason::Blocked | Reason::Missing | Reason::KernelTooOld
        );
        self == Policy::Prefer && there_is_none
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> io::Result<Policy> {
        Policy::parse(OsStr::new(value))
    }

    #[test]
    fn the_variable_has_three_words_and_no_others() {
        assert_eq!(parse("require").unwrap(), Policy::Require);
        assert_eq!(parse("prefer").unwrap(), Policy::Prefer);
        assert_eq!(parse("").unwrap(), Policy::Prefer);
        assert_eq!(parse("never").unwrap(), Policy::Never);
        let error = parse("nver").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.contains("RINGBAHN_IO_URING") && text.contains("never"), "{text}");
    }

    #[test]
    fn only_a_lack_of_io_uring_is_made_up_for() {
        let failed =
            |errno| Unavailable::failed("io_uring_setup", &io::Error::from_raw_os_error(errno));
        for errno in [libc::EPERM, libc::EACCES, libc::ENOSYS] {
            assert!(Policy::Prefer.falls_back(&failed(errno)));
            assert!(!Policy::Require.falls_back(&failed(errno)));
        }
        assert!(Policy::Prefer.falls_back(&Unavailable::too_old()));
        for errno in [libc::ENOMEM, libc::EMFILE, libc::ENFILE, libc::EIO] {
            assert!(!Policy::Prefer.falls_back(&failed(errno)));
        }
    }
}
