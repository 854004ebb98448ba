//! [`RingId`]: which ring a registered resource is of; and [`ForeignRing`], the error of one that
//! was brought to another ring.
//!
//! Registered buffers, direct descriptors and the like are named by an index, and an index means
//! something else to each ring. So an event that names one says whose it is, to its tray, and the
//! tray is asked where its entries would get into a queue: that is the one way into a ring.

use std::error::Error;
use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// The identity of a ring, and of its [`OperationTable`](crate::OperationTable): a number that no
/// other ring of the process has, or will have.
///
/// ```
/// use ringbahn_core::OperationTable;
///
/// let (one, other): (OperationTable, OperationTable) = Default::default();
/// assert_eq!(one.ring(), one.ring());
/// assert_ne!(one.ring(), other.ring());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RingId(NonZeroU64);

impl RingId {
    /// That of a new ring.
    pub(crate) fn new() -> RingId {
        static RINGS: AtomicU64 = AtomicU64::new(1);
        // Relaxed: numbers differ, and that is all they need.
        let number = RINGS.fetch_add(1, Ordering::Relaxed);
        RingId(NonZeroU64::new(number).expect("2⁶⁴ rings are more than can be made"))
    }

    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.0.get()
    }
}

/// The rings that entries may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Home(u64);

impl Home {
    /// Any ring: nothing registered is named.
    pub(crate) const ANY: Home = Home(0);
    /// No ring: resources of several are named.
    const NOWHERE: Home = Home(u64::MAX);
    /// No ring: what one operation is to have alone is shared.
    pub(crate) const ALONE: Home = Home(u64::MAX - 1);

    /// No rings, but the last word of an entry that is about to meet its queue.
    pub(crate) fn word(word: u64) -> Home {
        Home(word)
    }

    /// The word, in an entry that has met its queue.
    pub(crate) fn last_word(self) -> u64 {
        self.0
    }

    /// The one ring.
    #[inline]
    pub(crate) fn only(ring: RingId) -> Home {
        Home(ring.number())
    }

    /// The rings that are in both.
    #[must_use]
    #[inline]
    pub(crate) fn and(self, other: Home) -> Home {
        match (self, other) {
            (Home::ANY, home) | (home, Home::ANY) => home,
            (Home::ALONE, _) | (_, Home::ALONE) => Home::ALONE,
            _ if self == other => self,
            _ => Home::NOWHERE,
        }
    }

    /// # Errors
    ///
    /// [`ForeignRing`] where `ring` is not one of them.
    #[inline]
    pub(crate) fn check(self, ring: RingId) -> Result<(), ForeignRing> {
        if self == Home::ANY || self == Home::only(ring) {
            return Ok(());
        }
        Err(ForeignRing { home: self })
    }
}

/// An event names something registered with another ring: inside of an `io::Error` of the kind
/// `InvalidInput`.
///
/// Nothing of the event has reached the ring it was submitted to. It comes back in its output, and
/// its buffers with it.
///
/// ```
/// use ringbahn_core::ForeignRing;
///
/// fn is_on_wrong_ring(error: &std::io::Error) -> bool {
///     error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>())
/// }
/// # assert!(!is_on_wrong_ring(&std::io::ErrorKind::InvalidInput.into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignRing {
    home: Home,
}

impl fmt::Display for ForeignRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.home {
            Home::NOWHERE => {
                "the event uses resources registered with different rings, and no ring has them \
                 all: take them from the tables of one driver"
            }
            Home::ALONE => {
                "the event would share the buffers of a queue, which serve one operation at a \
                 time: give it a group of buffers, or use an event that takes the queue itself"
            }
            _ => {
                "the event uses a resource registered with another ring: submit it to the driver \
                 that the resource was got from, or use a descriptor or buffer that is not \
                 registered"
            }
        })
    }
}

impl Error for ForeignRing {}

impl From<ForeignRing> for io::Error {
    fn from(foreign: ForeignRing) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_two_homes_go_where_both_may_go() {
        let rings = [RingId::new(), RingId::new()];
        let [a, b] = rings.map(Home::only);
        for (one, other, fits) in [
            (Home::ANY, Home::ANY, [true, true]),
            (Home::ANY, a, [true, false]),
            (b, Home::ANY, [false, true]),
            (a, a, [true, false]),
            (a, b, [false, false]),
            (a.and(b), a, [false, false]),
            (Home::ALONE, a, [false, false]),
            (Home::ANY, Home::ALONE, [false, false]),
            (Home::ALONE, a.and(b), [false, false]),
        ] {
            let both = one.and(other);
            assert_eq!(rings.map(|ring| both.check(ring).is_ok()), fits, "{one:?}, {other:?}");
        }
    }

    #[test]
    fn the_error_says_what_is_wrong_and_how_to_go_on() {
        let [ring, other] = [RingId::new(), RingId::new()];
        let foreign = Home::only(ring).check(other).unwrap_err();
        let several = Home::only(ring).and(Home::only(other)).check(ring).unwrap_err();
        assert!(foreign.to_string().contains("submit it to the driver"));
        assert!(several.to_string().contains("take them from the tables of one driver"));
        let alone = Home::ALONE.check(ring).unwrap_err();
        assert!(alone.to_string().contains("give it a group of buffers"));
        assert_eq!(io::Error::from(foreign).kind(), io::ErrorKind::InvalidInput);
    }
}
