//! The wakers of local drivers, which run no foreign code.

use std::mem::forget;
use std::task::Waker;

use super::alarm::Alarm;
use super::ready::Seat;

/// Wakes by `waker`, where it is one of a local driver: that takes no lock of a driver, calls
/// nobody, and so may be done while a ring is borrowed. Any other is given back.
#[inline(always)]
pub(super) fn wake_at_once(waker: Waker) -> Option<Waker> {
    if let Some(alarm) = Alarm::of(&waker) {
        alarm.wake();
    } else if let Some(seat) = Seat::of(&waker) {
        seat.wake();
    } else {
        return Some(waker);
    }
    // Nothing is counted, so that nothing is to be dropped.
    forget(waker);
    None
}
