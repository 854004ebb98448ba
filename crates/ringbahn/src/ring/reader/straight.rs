//! [`Straight`]: when a socket is received from straight into the caller's memory.
//!
//! Such a receive copies nothing, and it cannot wait: the kernel is never left with memory that is
//! only lent. So something of the handle's own waits, and the rest comes straight.
//!
//! | what came last | what waits | what it takes |
//! |---|---|---|
//! | no more than [`WAITING_MAX`], some times | a receive into so much of the handle's own | no call of its own |
//! | more | until there is something: an operation without a buffer | a call, and no copy |
//!
//! Where a read has found as much as it had asked for there is often more, which the next one
//! receives without waiting. Guesses that were wrong become rare, as do those of drivers.

use std::mem;

/// The most bytes that a receive has room for that waits on behalf of somebody who has room for
/// more. Copying so many costs less than a system call.
pub(super) const WAITING_MAX: usize = 2048;

/// How many reads in a row get less until less is expected: a message often comes in parts.
const LARGE_FOR: u8 = 4;

/// After so many failures in a row the pause grows no more: `2¹⁰ - 1` reads.
const MISSES_MAX: u8 = 10;

/// What is known of what there is to receive.
#[derive(Debug, Default)]
pub(super) struct Straight {
    /// For how many reads more than [`WAITING_MAX`] bytes are expected.
    large: u8,
    /// Whether the socket was found readable, and nothing has been received since.
    is_readable: bool,
    /// Whether the last read found as much as it had asked for.
    is_more_likely: bool,
    guesses: Luck,
    /// How the driver has fared that was asked to serve what is there for certain.
    services: Luck,
}

/// What is to wait for somebody who has room for some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A receive of so many bytes.
    Bytes(usize),
    /// An operation that ends when there is something.
    Readable,
}

impl Straight {
    /// What is to wait for somebody who has room for `wanted` bytes.
    pub(super) fn wait(&mut self, wanted: usize) -> Wait {
        if wanted <= WAITING_MAX || !self.services.tries() {
            return Wait::Bytes(wanted);
        }
        if self.large > 0 { Wait::Readable } else { Wait::Bytes(WAITING_MAX) }
    }

    /// Whether to try a receive now.
    pub(super) fn is_worth_it(&mut self) -> bool {
        if mem::take(&mut self.is_readable) {
            self.is_more_likely = false;
            return true;
        }
        mem::take(&mut self.is_more_likely) && self.guesses.tries()
    }

    /// The socket was found readable, or nobody can tell.
    pub(super) fn polled(&mut self, readable: bool) {
        self.is_readable = readable;
        if !readable {
            self.services.miss();
        }
    }

    /// A receive that has waited has brought `count` bytes, and had room for `room`.
    pub(super) fn waited(&mut self, count: usize, room: usize) {
        self.is_more_likely = count >= room;
        // Of those with room for more, the others got it straight.
        if room == WAITING_MAX {
            self.large = self.large.saturating_sub(1);
        }
    }

    /// So many bytes have come straight, where there was room for `room`.
    pub(super) fn received(&mut self, count: usize, room: usize, before: usize) {
        self.services = Luck::default();
        self.guesses = Luck::default();
        self.is_more_likely = count == room;
        if before + room > WAITING_MAX {
            let is_large = before + count > WAITING_MAX;
            self.large = if is_large { LARGE_FOR } else { self.large.saturating_sub(1) };
        }
    }

    /// There was nothing to receive.
    pub(super) fn missed(&mut self) {
        self.guesses.miss();
    }

    /// The driver does not serve what is there.
    pub(super) fn declined(&mut self) {
        self.services.miss();
    }
}

/// How tries of a kind have fared.
#[derive(Debug, Default)]
struct Luck {
    /// How many in a row have failed.
    misses: u8,
    /// How many there are still to be left out.
    pause: u16,
}

impl Luck {
    /// Whether to try; if not, one less is to be left out.
    fn tries(&mut self) -> bool {
        let tries = self.pause == 0;
        self.pause = self.pause.saturating_sub(1);
        tries
    }

    fn miss(&mut self) {
        self.misses = (self.misses + 1).min(MISSES_MAX);
        self.pause = (1 << self.misses) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 16 * 1024;

    #[test]
    fn what_waits_has_a_small_buffer_and_none_where_much_has_come() {
        let mut straight = Straight::default();
        assert_eq!(straight.wait(64), Wait::Bytes(64));
        assert_eq!(straight.wait(LARGE), Wait::Bytes(WAITING_MAX));
        straight.waited(WAITING_MAX, WAITING_MAX);
        assert!(straight.is_worth_it());
        straight.received(100, LARGE - WAITING_MAX, WAITING_MAX);
        assert_eq!(straight.wait(LARGE), Wait::Readable);
        // A short read in between, as of a header, says nothing of what comes after it.
        assert_eq!(straight.wait(4), Wait::Bytes(4));
        straight.waited(4, 4);
        assert_eq!(straight.wait(LARGE), Wait::Readable);
        for _ in 0..LARGE_FOR {
            assert_eq!(straight.wait(LARGE), Wait::Readable);
            straight.polled(true);
            assert!(straight.is_worth_it());
            straight.received(100, LARGE, 0);
        }
        assert_eq!(straight.wait(LARGE), Wait::Bytes(WAITING_MAX));
    }

    #[test]
    fn only_who_got_all_it_had_room_for_has_reason_to_try() {
        let mut straight = Straight::default();
        assert!(!straight.is_worth_it());
        straight.waited(63, 64);
        assert!(!straight.is_worth_it());
        straight.waited(64, 64);
        assert!(straight.is_worth_it());
        assert!(!straight.is_worth_it(), "once");
        straight.received(64, 64, 0);
        assert!(straight.is_worth_it());
        straight.received(63, 64, 0);
        assert!(!straight.is_worth_it());
    }

    #[test]
    fn wrong_guesses_become_rare_and_what_is_known_is_no_guess() {
        let mut straight = Straight::default();
        let mut tries = 0;
        for _ in 0..10_000 {
            straight.waited(64, 64);
            if straight.is_worth_it() {
                tries += 1;
                straight.missed();
            }
        }
        assert!((10..25).contains(&tries), "{tries} tries");
        straight.polled(true);
        assert!(straight.is_worth_it());
    }

    #[test]
    fn a_driver_that_leaves_all_to_its_ring_is_given_all_the_room() {
        let mut straight = Straight::default();
        let mut whole = 0;
        for _ in 0..10_000 {
            match straight.wait(LARGE) {
                Wait::Bytes(LARGE) => {
                    whole += 1;
                    straight.waited(LARGE, LARGE);
                }
                Wait::Bytes(room) => straight.waited(room, room),
                Wait::Readable => straight.polled(true),
            }
            if straight.is_worth_it() {
                straight.declined();
            }
        }
        assert!(whole > 9_900, "{whole} with all the room");
    }
}
