//! Threads of the engine, which handle no signals.
//!
//! # Safety
//!
//! TS1. The calls read and write the set that they are given, during the call only. A set is
//!     numbers, for which any bits are valid, zero among them.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::thread::{Builder, JoinHandle};

/// Starts a thread that the process's signals are not delivered to: handlers are written for the
/// threads of the program.
///
/// # Errors
///
/// `WouldBlock` where the limit of threads has been reached.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.into()).spawn(|| {
        block_signals();
        run();
    })
}

fn block_signals() {
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: TS1; the set is a local.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: TS1; the set has just been filled, and the old one is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), ptr::null_mut()) };
}
