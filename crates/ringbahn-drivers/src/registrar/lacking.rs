//! [`Lacking`]: the error of a kernel that does not have what it is asked for.

use std::error::Error;
use std::fmt;
use std::io;

use crate::survey::{KernelVersion, REGISTER_OPERATIONS};
use crate::sys::setup_trial::register_nothing;

/// A number that no register operation will have: the kernel uses the bits above for flags.
const IMPOSSIBLE: u32 = 0x7fff;

/// The kernel does not have something that it was asked for: inside of an `io::Error` of the kind
/// `Unsupported`.
///
/// ```
/// use ringbahn_drivers::Lacking;
///
/// fn is_newer_than_the_kernel(error: &std::io::Error) -> bool {
///     error.get_ref().is_some_and(|inner| inner.is::<Lacking>())
/// }
/// # assert!(!is_newer_than_the_kernel(&std::io::ErrorKind::InvalidInput.into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    what: String,
    since: Option<KernelVersion>,
}

impl Lacking {
    /// The kernel lacks the register operation of this number.
    pub(crate) fn of(operation: u32) -> Lacking {
        match REGISTER_OPERATIONS.iter().find(|listing| listing.number == operation) {
            Some(listing) => {
                Lacking { what: format!("IORING_{}", listing.name), since: listing.since }
            }
            None => Lacking { what: format!("the register operation {operation}"), since: None },
        }
    }

    /// The kernel lacks a part of something, which came with the version `since`.
    pub(crate) fn part(what: &str, (major, minor): (u16, u16)) -> Lacking {
        Lacking { what: what.to_owned(), since: Some(KernelVersion { major, minor }) }
    }

    /// Its name and its version.
    pub(crate) fn in_brief(&self) -> String {
        match self.since {
            Some(since) => format!("{} (Linux {since})", self.what),
            None => self.what.clone(),
        }
    }

    /// What it is, by the name that the kernel's header has for it.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The version of Linux that brought it.
    pub fn since(&self) -> Option<KernelVersion> {
        self.since
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this kernel or this ring has no {}", self.what)?;
        match self.since {
            Some(since) => write!(f, ", which Linux {since} brought: do without, or run that"),
            None => f.write_str(": do without"),
        }
    }
}

impl Error for Lacking {}

impl From<Lacking> for io::Error {
    fn from(lacking: Lacking) -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, lacking)
    }
}

/// What the register operation of this number has failed with, and what to do about it.
pub(crate) fn explain(operation: u32, error: io::Error) -> io::Error {
    let name = || Lacking::of(operation).what;
    let (kind, hint) = match error.raw_os_error() {
        Some(libc::EINVAL) if !is_known(operation) => return Lacking::of(operation).into(),
        Some(libc::EACCES) => (
            io::ErrorKind::PermissionDenied,
            "the restrictions of the ring, or a security module, do not allow it: \
             `Restrictions::allow_registration`",
        ),
        Some(libc::EEXIST) => (
            io::ErrorKind::Unsupported,
            "the ring, or the other ring that was named, is bound to another thread: do it there",
        ),
        Some(libc::ENOMEM) => (
            io::ErrorKind::OutOfMemory,
            "there is no memory, or none may be locked: raise RLIMIT_MEMLOCK, or ask for less",
        ),
        Some(libc::EOVERFLOW) => (
            io::ErrorKind::WouldBlock,
            "what is in the queues does not fit into the new ones: submit and reap first",
        ),
        _ => return error,
    };
    io::Error::new(kind, format!("{}: {error}; {hint}", name()))
}

/// Whether the kernel knows the register operation of this number, as far as it tells: before Linux
/// 6.3 it does not look at the number first.
fn is_known(operation: u32) -> bool {
    let knows = |number| {
        let error = register_nothing(number).err();
        error.and_then(|error| error.raw_os_error()) == Some(libc::EBADF)
    };
    if !knows(IMPOSSIBLE) {
        return knows(operation);
    }
    let since = Lacking::of(operation).since;
    match (KernelVersion::running(), since) {
        (Some(running), Some(since)) => running >= since,
        _ => true,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sys::uapi::REGISTER_NAPI;

    #[test]
    fn the_error_names_what_the_kernel_lacks_and_since_when_others_have_it() {
        let text = io::Error::from(Lacking::of(REGISTER_NAPI)).to_string();
        assert!(text.contains("IORING_REGISTER_NAPI") && text.contains("Linux 6.9"), "{text}");
        let nameless = Lacking::of(999);
        assert_eq!((nameless.what(), nameless.since()), ("the register operation 999", None));
    }

    #[test]
    fn every_other_error_says_what_to_do() {
        let explained = |errno| explain(REGISTER_NAPI, io::Error::from_raw_os_error(errno));
        for (errno, kind, hint) in [
            (libc::EACCES, io::ErrorKind::PermissionDenied, "allow_registration"),
            (libc::EEXIST, io::ErrorKind::Unsupported, "another thread"),
            (libc::ENOMEM, io::ErrorKind::OutOfMemory, "RLIMIT_MEMLOCK"),
            (libc::EOVERFLOW, io::ErrorKind::WouldBlock, "reap first"),
        ] {
            let error = explained(errno);
            assert_eq!(error.kind(), kind);
            let text = error.to_string();
            assert!(text.contains(hint) && text.contains("REGISTER_NAPI"), "{text}");
        }
        assert_eq!(explained(libc::EIO).raw_os_error(), Some(libc::EIO));
    }
}
