//! [`AtOnce`]: when a driver serves an operation at once, without its ring.
//!
//! A read from the page cache takes a system call some 200 nanoseconds, and a ring, at depth 1,
//! more than twice as long; a send to a socket with room is done by the call as well. So drivers
//! make the call first, in the ways that do not wait (`RWF_NOWAIT`, `MSG_DONTWAIT`), and leave to
//! the ring what that does not serve. A call in vain costs as much as it would have gained; so
//! after some of them in a row the next operations of that kind go to the ring unasked: one, three,
//! seven, up to a thousand. Whoever [expects](Attempt::is_expected) that an operation need not wait
//! weighs that itself, and knows more: about this file, and not about all of a kind.

use std::sync::atomic::{AtomicU32, Ordering};

use ringbahn_core::{Attempt, Served, Sqe, opcode};

use crate::sys::at_once::serve;
use not_direct::NotDirect;

pub(crate) mod not_direct;

/// The kinds of operations whose luck is kept count of.
const KINDS: usize = 4;

/// After so many failures in a row the pause grows no more: `2¹⁰ - 1` operations.
const MISSES_MAX: u32 = 10;

/// When a driver serves an operation at once, without its ring.
#[derive(Debug)]
pub(crate) struct AtOnce {
    enabled: bool,
    luck: [Luck; KINDS],
    not_direct: NotDirect,
}

/// The fortune of one kind, shared by all threads: the misses in the low 8 bits, the pause above.
///
/// Relaxed, and no exchange: two threads that overwrite each other's count try once too often.
#[derive(Debug, Default)]
struct Luck(AtomicU32);

impl Luck {
    fn load(&self) -> Fortune {
        let word = self.0.load(Ordering::Relaxed);
        Fortune { misses: word & 0xff, pause: word >> 8 }
    }

    fn store(&self, fortune: Fortune) {
        self.0.store(fortune.pause << 8 | fortune.misses, Ordering::Relaxed);
    }
}

impl AtOnce {
    pub(crate) fn new(enabled: bool) -> AtOnce {
        AtOnce { enabled, luck: Default::default(), not_direct: NotDirect::default() }
    }

    /// Whether an operation of `entry` could be served at once.
    #[inline]
    pub(crate) fn may_serve(&self, entry: &Sqe) -> bool {
        // A call of this thread's own would have its credentials.
        self.enabled && kind(entry).is_some() && entry.get_personality() == 0
    }

    /// Serves the operation of `attempt`, which is one that it [may](AtOnce::may_serve), where that
    /// is worth a try and works.
    pub(crate) fn serve<'a>(&self, attempt: Attempt<'a>) -> Option<Served<'a>> {
        if !self.enabled {
            return None;
        }
        let luck = self.luck.get(kind(attempt.entry())?)?;
        if attempt.is_expected() {
            return serve(attempt, &self.not_direct);
        }
        let so_far = luck.load();
        if so_far.pause > 0 {
            luck.store(so_far.waited());
            return None;
        }
        let served = serve(attempt, &self.not_direct);
        luck.store(so_far.after(served.is_some()));
        served
    }
}

/// How a kind of operations has fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fortune {
    /// How many calls in a row were in vain.
    misses: u32,
    /// How many operations are still to be left to the ring.
    pause: u32,
}

impl Fortune {
    /// An operation has been left to the ring.
    fn waited(self) -> Fortune {
        Fortune { pause: self.pause - 1, ..self }
    }

    /// A call was made.
    fn after(self, served: bool) -> Fortune {
        if served {
            return Fortune::default();
        }
        let misses = (self.misses + 1).min(MISSES_MAX);
        Fortune { misses, pause: (1 << misses) - 1 }
    }
}

/// The kind of an entry that could be served at once: plain ones of four kinds.
fn kind(entry: &Sqe) -> Option<usize> {
    let kind = match entry.opcode() {
        opcode::READ | opcode::READV => 0,
        opcode::WRITE | opcode::WRITEV => 1,
        opcode::RECV => 2,
        opcode::SEND => 3,
        _ => return None,
    };
    // A registered file or buffer, a buffer to be chosen, a wish for a certain way: for the ring.
    let plain = entry.flags() == 0
        && entry.get_ioprio() == 0
        && entry.get_buffer_index() == 0
        && entry.get_file_index() == 0;
    // Flags of a read or write, such as `RWF_DSYNC`, are for the ring, too.
    let plain = plain && (kind > 1 || entry.get_op_flags() == 0);
    plain.then_some(kind)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn calls_in_vain_become_rare_and_one_that_serves_makes_up_for_them() {
        let luck = Luck::default();
        let (mut calls, mut operations) = (0, 0);
        while operations < 100_000 {
            operations += 1;
            let so_far = luck.load();
            if so_far.pause > 0 {
                luck.store(so_far.waited());
            } else {
                calls += 1;
                luck.store(so_far.after(false));
            }
        }
        assert!((100..120).contains(&calls), "{calls} calls for {operations} operations");
        assert_eq!(luck.load().after(true), Fortune::default());
    }
}
