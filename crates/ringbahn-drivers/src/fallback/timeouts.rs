//! What the entries of timeouts say.
//!
//! # Safety
//!
//! O1. The address in the entry of a timeout is that of a `struct __kernel_timespec`, which is
//!     valid until its terminal CQE (`S1` of `ringbahn_core::Sqe`). A null pointer is none.
#![allow(unsafe_code)]

use std::time::Duration;

use ringbahn_core::{Sqe, opcode};
use rustix::time::ClockId;

use super::opcodes::*;
use super::timers::now;
use crate::sys::uapi::Timespec;

/// For how long a clock that can be set is believed.
const LOOK_TIME: Duration = Duration::from_secs(1);

/// A time of a clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    clock: ClockId,
    at: Duration,
}

impl Deadline {
    /// When a timeout of this entry ends, which begins now. The entry was not refused.
    pub(super) fn of(entry: &Sqe) -> Deadline {
        Deadline::read(entry.get_address().cast(), entry.get_op_flags())
            .unwrap_or(Deadline { clock: ClockId::Monotonic, at: Duration::MAX })
    }

    /// As [`Deadline::of`], of the new time that an entry gives another timeout.
    ///
    /// # Errors
    ///
    /// The `errno` with which the entry is refused.
    pub(super) fn of_update(entry: &Sqe) -> Result<Deadline, i32> {
        Deadline::read(entry.get_address2().cast(), entry.get_op_flags())
    }

    fn read(timespec: *const Timespec, flags: u32) -> Result<Deadline, i32> {
        let clock = match flags & (TIMEOUT_BOOTTIME | TIMEOUT_REALTIME) {
            0 => ClockId::Monotonic,
            TIMEOUT_BOOTTIME => ClockId::Boottime,
            TIMEOUT_REALTIME => ClockId::Realtime,
            _ => return Err(libc::EINVAL),
        };
        // SAFETY: O1.
        let Some(time) = (unsafe { timespec.as_ref() }) else { return Err(libc::EFAULT) };
        let (Ok(seconds), Ok(nanoseconds)) =
            (u64::try_from(time.seconds), u64::try_from(time.nanoseconds))
        else {
            return Err(libc::EINVAL);
        };
        let time = Duration::from_secs(seconds);
        let time = time.saturating_add(Duration::from_nanos(nanoseconds));
        if flags & TIMEOUT_ABS != 0 {
            return Ok(Deadline { clock, at: time });
        }
        // A clock that is set moves no time that was given as a span.
        let clock = if clock == ClockId::Realtime { ClockId::Monotonic } else { clock };
        Ok(Deadline { clock, at: now(clock).saturating_add(time) })
    }

    /// The same time on the clock of another deadline: a timeout keeps its own.
    pub(super) fn on_clock_of(self, other: Deadline) -> Deadline {
        Deadline { clock: other.clock, ..self }
    }

    /// The moment of the monotonic clock to look at this again: the end itself, where that clock
    /// is meant.
    pub(super) fn moment(&self) -> Duration {
        if self.clock == ClockId::Monotonic {
            return self.at;
        }
        let rest = self.at.saturating_sub(now(self.clock)).min(LOOK_TIME);
        now(ClockId::Monotonic) + rest
    }

    /// Whether the time has come.
    pub(super) fn is_due(&self) -> bool {
        now(self.clock) >= self.at
    }
}

/// The `errno` with which the entry of a timeout is refused, or 0.
pub(super) fn refusal(entry: &Sqe) -> i32 {
    const FLAGS: u32 = TIMEOUT_ABS
        | TIMEOUT_BOOTTIME
        | TIMEOUT_REALTIME
        | TIMEOUT_ETIME_SUCCESS
        | TIMEOUT_MULTISHOT;
    let linked = entry.opcode() != opcode::TIMEOUT;
    let multishot = entry.get_op_flags() & TIMEOUT_MULTISHOT != 0;
    if entry.get_length() != 1
        || entry.get_buffer_index() != 0
        || entry.get_file_index() != 0
        || entry.get_op_flags() & !FLAGS != 0
        || (linked && (entry.get_offset() != 0 || multishot))
        || (multishot && entry.get_op_flags() & TIMEOUT_ABS != 0)
    {
        return libc::EINVAL;
    }
    Deadline::read(entry.get_address().cast(), entry.get_op_flags()).err().unwrap_or(0)
}
