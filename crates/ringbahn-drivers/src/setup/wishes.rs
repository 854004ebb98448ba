//! [`Wishes`]: what is asked of each kind of ring, and given up where the kernel refuses it.

use std::os::fd::RawFd;

use crate::sys::uapi::{
    SETUP_ATTACH_WQ, SETUP_CLAMP, SETUP_COOP_TASKRUN, SETUP_CQSIZE, SETUP_DEFER_TASKRUN,
    SETUP_IOPOLL, SETUP_NO_SQARRAY, SETUP_R_DISABLED, SETUP_SINGLE_ISSUER, SETUP_SQ_AFF,
    SETUP_SUBMIT_ALL, SETUP_TASKRUN_FLAG,
};

/// What is asked of a ring beyond its size, and what is given up when the kernel refuses it.
pub(super) struct Wishes {
    pub(super) flags: u32,
    /// The flags to give up in this order, newest first, and what to ask for instead.
    pub(super) ladder: &'static [(u32, u32)],
    pub(super) thread: KernelThread,
}

/// The kernel's thread that is to take the entries of a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelThread {
    /// How many milliseconds it looks for entries before it sleeps.
    pub(crate) idle_ms: u32,
    /// The processor that it is to stay on.
    pub(crate) cpu: Option<u32>,
    /// The ring whose thread it is to be. Whoever sets it keeps that ring open meanwhile.
    pub(crate) of: Option<RawFd>,
}

impl KernelThread {
    pub(super) const NONE: KernelThread = KernelThread { idle_ms: 0, cpu: None, of: None };

    pub(super) fn flags(&self) -> u32 {
        let affinity = if self.cpu.is_some() { SETUP_SQ_AFF } else { 0 };
        let attach = if self.of.is_some() { SETUP_ATTACH_WQ } else { 0 };
        affinity | attach
    }
}

/// A ring for several threads. Completions are posted when the thread that has submitted is in the
/// kernel next: it is woken for that where it sleeps, and not interrupted where it computes.
pub(super) const SHARED: Wishes = Wishes {
    flags: INTERRUPTING.flags | SETUP_COOP_TASKRUN,
    ladder: &[
        (SETUP_NO_SQARRAY, 0),
        (SETUP_COOP_TASKRUN, 0),
        (SETUP_SUBMIT_ALL, 0),
        (SETUP_CLAMP, 0),
        (SETUP_CQSIZE, 0),
    ],
    thread: KernelThread::NONE,
};

/// A ring for several threads. Completions are posted at once, whatever the thread that has
/// submitted is doing.
pub(super) const INTERRUPTING: Wishes = Wishes {
    flags: SETUP_SUBMIT_ALL | SETUP_NO_SQARRAY,
    ladder: &[(SETUP_NO_SQARRAY, 0), (SETUP_SUBMIT_ALL, 0), (SETUP_CLAMP, 0), (SETUP_CQSIZE, 0)],
    thread: KernelThread::NONE,
};

/// As `INTERRUPTING`, and its completions are to be asked of the devices.
pub(super) const IOPOLL: Wishes =
    Wishes { flags: INTERRUPTING.flags | SETUP_IOPOLL, ..INTERRUPTING };

/// A ring for one thread, which posts completions itself when it enters the kernel for them. Made
/// disabled, so that the thread becomes the owner explicitly.
pub(super) const LOCAL: Wishes = Wishes {
    flags: SETUP_SUBMIT_ALL
        | SETUP_NO_SQARRAY
        | SETUP_SINGLE_ISSUER
        | SETUP_DEFER_TASKRUN
        | SETUP_TASKRUN_FLAG
        | SETUP_R_DISABLED,
    ladder: &[
        (SETUP_NO_SQARRAY, 0),
        (SETUP_DEFER_TASKRUN, SETUP_COOP_TASKRUN),
        (SETUP_SINGLE_ISSUER, 0),
        (SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG, 0),
        (SETUP_SUBMIT_ALL, 0),
        (SETUP_CLAMP, 0),
        (SETUP_CQSIZE, 0),
    ],
    thread: KernelThread::NONE,
};

/// As [`LOCAL`], where a filter forbids the call that would enable the ring.
pub(super) const LOCAL_ENABLED: Wishes = Wishes { flags: LOCAL.flags & !SETUP_R_DISABLED, ..LOCAL };
