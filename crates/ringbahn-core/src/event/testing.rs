//! What the unit tests of the events share: entries without a queue, and made-up CQEs.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};

use super::Event;
use crate::cqe::Cqe;
use crate::fd::SharedFd;
use crate::outcome::Outcome;
use crate::sqe::{Sqe, Sqes};

/// The entries that `event` lays out. They go nowhere.
pub(crate) fn prepared(event: &mut impl Event) -> Sqes<'static> {
    let mut sqes = Sqes::new();
    // SAFETY: the entries are only looked at, never submitted.
    unsafe { event.prepare(&mut sqes) };
    assert_eq!(sqes.entries().len(), event.sqes_needed() as usize);
    sqes
}

/// The only entry that `event` lays out.
pub(crate) fn entry(event: &mut impl Event) -> Sqe {
    let mut sqes = prepared(event);
    assert_eq!(sqes.entries().len(), 1);
    sqes.take_entries().next().unwrap()
}

pub(crate) fn cqe(result: i32) -> Cqe {
    Cqe { result, ..Cqe::default() }
}

/// What `event` makes of an answer of one CQE.
pub(crate) fn complete<E: Event>(event: E, result: i32) -> E::Output {
    event.complete(ended(&[cqe(result)]))
}

/// The outcome of an operation that has ended with `cqes`.
pub(crate) fn ended<E>(cqes: &[Cqe]) -> Outcome<'_, E> {
    // SAFETY: V1: the tests make sure that the made-up CQEs are true.
    unsafe { Outcome::completed(cqes) }
}

/// Lets `event` clean up after an answer of one CQE.
pub(crate) fn cancelled<E: Event>(event: E, result: i32) {
    event.cancelled(ended(&[cqe(result)]));
}

/// Whether `event` wants to be submitted once more after an answer of one CQE.
pub(crate) fn resubmits<E: Event>(event: &mut E, result: i32) -> bool {
    event.resubmit(&ended(&[cqe(result)]))
}

/// Lets the kernel read into the target of an entry: copies `data` there.
pub(crate) fn fill(entry: &Sqe, data: &[u8]) {
    assert!(data.len() <= entry.get_length() as usize);
    let target: *mut u8 = entry.get_address().cast();
    // SAFETY: E1: the entry's target has room for its length, and its event is still in place.
    unsafe { target.copy_from_nonoverlapping(data.as_ptr(), data.len()) };
}

/// A file that is good for nothing.
pub(crate) fn null() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

pub(crate) fn shared_null() -> SharedFd {
    null().into()
}

/// A descriptor that nobody owns, for a made-up CQE to bring. High up, so that no other test
/// comes to use its number once it is closed.
pub(crate) fn stray_fd() -> RawFd {
    use std::sync::atomic::{AtomicI32, Ordering};
    static NEXT: AtomicI32 = AtomicI32::new(500);
    let lowest = NEXT.fetch_add(1, Ordering::Relaxed);
    let null = null();
    // SAFETY: duplicates a descriptor that is open.
    let number = unsafe { libc::fcntl(null.as_raw_fd(), libc::F_DUPFD_CLOEXEC, lowest) };
    assert!(number >= lowest, "{}", std::io::Error::last_os_error());
    number
}

/// A descriptor with a number that no other test comes to use.
pub(crate) fn owned_stray() -> (OwnedFd, RawFd) {
    use std::os::fd::FromRawFd;
    let number = stray_fd();
    // SAFETY: `stray_fd` has just made it for us.
    (unsafe { OwnedFd::from_raw_fd(number) }, number)
}

pub(crate) fn is_open(number: RawFd) -> bool {
    // SAFETY: asks for flags only, of whatever the number means.
    unsafe { libc::fcntl(number, libc::F_GETFD) != -1 }
}

/// Closes what the test has kept from being closed.
pub(crate) fn close(fd: OwnedFd) {
    let number = fd.into_raw_fd();
    // SAFETY: it was an `OwnedFd` until a moment ago.
    assert_eq!(unsafe { libc::close(number) }, 0);
}
