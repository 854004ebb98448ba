//! [`AtOnce`]: when a driver serves an operation at once, without its ring.
//!
//! A read from the page cache takes a system call some 200 nanoseconds, and a ring, at depth 1,
//! more than twice as long; a send to a socket with room is done by the call as well. So drivers
//! make the call first, in the ways that do not wait (`RWF_NOWAIT`, `MSG_DONTWAIT`), and leave to
//! the ring what that does not serve. A call in vain costs as much as it would have gained; so
//! after some of them in a row the next operations of that kind go to the ring unasked: one, three,
//! seven, up to a thousand.

use std::sync::atomic::{AtomicU32, Ordering};

use ringbahn_core::{Attempt, Served, Sqe, opcode};

use crate::sys::at_once::serve;

/// The kinds of operations whose luck is kept count of.
const KINDS: usize = 4;

/// After so many failures in a row the pause grows no more: `2¹⁰ - 1` operations.
const MISSES_MAX: u32 = 10;

/// When a driver serves an operation at once, without its ring.
#[derive(Debug)]
pub(crate) struct AtOnce {
    enabled: bool,
    /// For each kind the failures in a row, in the low 8 bits, and above them how many operations
    /// are still to be left to the ring. Relaxed, and no exchange: two threads that overwrite each
    /// other's count try once too often.
    luck: [AtomicU32; KINDS],
}

impl AtOnce {
    pub(crate) fn new(enabled: bool) -> AtOnce {
        AtOnce { enabled, luck: Default::default() }
    }

    /// Whether an operation of `entry` could be served at once.
    #[inline]
    pub(crate) fn may_serve(&self, entry: &Sqe) -> bool {
        self.enabled && kind(entry).is_some()
    }

    /// Serves the operation of `attempt`, which is one that it [may](AtOnce::may_serve), where that
    /// is worth a try and works.
    pub(crate) fn serve<'a>(&self, attempt: Attempt<'a>) -> Option<Served<'a>> {
        let luck = self.luck.get(kind(attempt.entry())?)?;
        let so_far = luck.load(Ordering::Relaxed);
        let (misses, pause) = (so_far & 0xff, so_far >> 8);
        if pause > 0 {
            luck.store((pause - 1) << 8 | misses, Ordering::Relaxed);
            return None;
        }
        let served = serve(attempt);
        if served.is_some() {
            if so_far != 0 {
                luck.store(0, Ordering::Relaxed);
            }
        } else {
            let misses = (misses + 1).min(MISSES_MAX);
            luck.store(((1 << misses) - 1) << 8 | misses, Ordering::Relaxed);
        }
        served
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
