//! [`MultiEvent`]: one operation that yields one item after the other, as a value.
//!
//! # Safety
//!
//! The invariants of [`event`](crate::event) hold for these events as well: `prepare` is E1's, and
//! E3 is about each single CQE.
#![allow(unsafe_code)]

use std::io;

use crate::outcome::Outcome;
use crate::provided::BufferGroup;
use crate::sqe::Sqes;

/// One operation that yields items until it is stopped: a value, as an
/// [`Event`](crate::Event) is.
///
/// Its entry is submitted once and posts a CQE for each item. While it does, the event is the
/// kernel's; so what turns CQEs into items is apart from it, in a [`Decoder`](Self::Decoder) that
/// stays with whoever reads the items.
///
/// Whether an operation has ended is the kernel's to say, and how to go on is ringbahn's, the same
/// for all of them: see [`Multishot`](crate::Multishot).
///
/// # Examples
///
/// ```
/// use std::io;
/// use ringbahn_core::{MultiEvent, Outcome, Sqe, Sqes};
///
/// /// Yields how often it has been submitted.
/// struct Rounds(u32);
///
/// impl MultiEvent for Rounds {
///     type Item = u32;
///     type Decoder = ();
///
///     fn decoder(&self) {}
///
///     unsafe fn prepare(&mut self, sqes: &mut Sqes) {
///         sqes.push(Sqe::nop());
///     }
///
///     fn decode(_: &(), outcome: Outcome<'_, Self>) -> Option<io::Result<u32>> {
///         Some(outcome.result())
///     }
/// }
/// ```
pub trait MultiEvent: Send + Sized + 'static {
    /// What the stream yields. Dropping it must dispose of everything in it: an accepted
    /// connection is an `OwnedFd`, a filled buffer goes back to its group.
    type Item;

    /// What it takes to make an item of a CQE, besides that CQE.
    type Decoder: Send + 'static;

    /// What turns the CQEs of this event into items.
    fn decoder(&self) -> Self::Decoder;

    /// Lays out the operation's one entry. Called again each time that it is submitted once more.
    ///
    /// # Safety
    ///
    /// After this call the caller must not touch or move `self` until the operation's terminal
    /// CQE has been seen or the entry has been discarded unsubmitted.
    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>);

    /// Turns one CQE, the only one in `outcome`, into an item. `None` where it brings none: of the
    /// last CQE of an operation that means that the stream is at its end.
    ///
    /// Also called for CQEs that nobody wants any more, and what it returns is dropped then.
    fn decode(
        decoder: &Self::Decoder,
        outcome: Outcome<'_, Self>,
    ) -> Option<io::Result<Self::Item>>;

    /// Whether there may be more after this error, with which the operation has ended. Else the
    /// stream is at its end when it has yielded it.
    fn goes_on_after(error: &io::Error) -> bool {
        let _ = error;
        false
    }

    /// The group that the kernel takes buffers from, where it does. An operation that ends because
    /// the group is empty is submitted once more when a buffer has come back.
    fn group(decoder: &Self::Decoder) -> Option<&BufferGroup> {
        let _ = decoder;
        None
    }

    /// How many CQEs may wait to be read before the operation is stopped, until they have been.
    fn unread_max(&self) -> u32 {
        64
    }
}

/// The error of an operation that ended with `error` before it had yielded anything, where this
/// may be since the kernel is older than `since`.
pub(crate) fn or_too_old(error: io::Error, what: &str, since: &str) -> io::Error {
    if error.raw_os_error() != Some(libc::EINVAL) {
        return error;
    }
    let message = format!(
        "{what} needs Linux {since}: the kernel, or what stands in for it, has refused it \
         (EINVAL); do single operations instead"
    );
    io::Error::new(io::ErrorKind::Unsupported, message)
}
