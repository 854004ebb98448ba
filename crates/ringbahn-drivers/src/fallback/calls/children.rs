//! Child processes: `WAITID`.
//!
//! One child that is to end is waited for by a descriptor of it. What else may become of it, and
//! others, no descriptor tells: a thread looks every few milliseconds, until it is called off.
//!
//! # Safety
//!
//! NC1. The entry's address is that of room for a `siginfo_t`, or null, valid until the terminal
//!     CQE (`S1` of `ringbahn_core::Sqe`). A local stands in for a null one.
//!
//! NC2. A call that takes no address touches no memory of the process. A descriptor that it returns
//!     is a new one.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libc::{c_int, siginfo_t};
use ringbahn_core::Sqe;

use super::told;
use crate::fallback::pool::Class;
use crate::fallback::work::{Aid, Step, Work};

/// The pause between looks at children that no descriptor tells of.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits for a child.
pub(super) fn wait(work: &mut Work, may_block: bool) -> Step {
    let may_wait = work.entry.get_file_index().cast_signed() & libc::WNOHANG == 0;
    loop {
        match look(&work.entry) {
            Ok(true) => return Step::Done(0),
            Ok(false) if !may_wait => return Step::Done(0),
            Ok(false) => {}
            Err(errno) => return Step::failed(errno),
        }
        if may_block {
            if work.interruptible().wait(PAUSE) {
                return Step::failed(libc::ECANCELED);
            }
            continue;
        }
        return descriptor(work).map_or_else(
            || {
                work.interruptible();
                Step::Block(Class::Others)
            },
            Step::until_readable,
        );
    }
}

/// Whether something has become of such a child, which is told in the entry's place then.
fn look(entry: &Sqe) -> Result<bool, i32> {
    let mut own = MaybeUninit::<siginfo_t>::zeroed();
    let asked: *mut siginfo_t = entry.get_address2().cast();
    let place = if asked.is_null() { own.as_mut_ptr() } else { asked };
    let (which, number) = (entry.get_length(), entry.get_fd().cast_unsigned());
    let options = entry.get_file_index().cast_signed() | libc::WNOHANG;
    // SAFETY: NC1.
    let returned = unsafe { libc::waitid(which, number, place, options) };
    match told(returned) {
        0 => {}
        error => return Err(-error),
    }
    // SAFETY: NC1: the call has written to it.
    let information = unsafe { &*place };
    // SAFETY: NC1: it tells of a child, or is zero.
    Ok(unsafe { information.si_pid() } != 0)
}

/// The number of a descriptor that is readable when the child has ended, if there is one.
fn descriptor(work: &mut Work) -> Option<c_int> {
    let entry = &work.entry;
    let kinds = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED;
    if entry.get_file_index().cast_signed() & kinds != libc::WEXITED {
        return None;
    }
    match entry.get_length() {
        libc::P_PIDFD => Some(entry.get_fd()),
        libc::P_PID => {
            if let Aid::Descriptor(descriptor) = &work.aid {
                return Some(descriptor.as_raw_fd());
            }
            // SAFETY: NC2.
            let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, entry.get_fd(), 0) };
            let number = c_int::try_from(opened).ok().filter(|number| *number >= 0)?;
            // SAFETY: NC2.
            work.aid = Aid::Descriptor(unsafe { OwnedFd::from_raw_fd(number) });
            Some(number)
        }
        _ => None,
    }
}
