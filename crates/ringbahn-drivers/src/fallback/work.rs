//! [`Work`]: an entry under execution, and the [`Step`]s that it takes.

use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;

use ringbahn_core::Sqe;

use super::groups::Offer;
use super::interrupt::Interrupt;
use super::pool::Class;

/// An entry under execution.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) entry: Sqe,
    /// Bytes that earlier steps have transferred.
    pub(super) done: usize,
    /// How many bytes it has to transfer for what is linked to it to be started.
    pub(super) wanted: usize,
    /// Whether an earlier step has begun what the next one is to look after: a connect.
    pub(super) begun: bool,
    /// How often in a row the descriptor was ready and the call would have waited all the same.
    pub(super) fruitless: u32,
    /// What it waits with, where that is nothing of the entry's.
    pub(super) aid: Aid,
    /// How many bytes at most it asks for, of a buffer that is chosen for it; 0 for all it takes.
    pub(super) asked: u32,
    /// The buffer that was chosen for it, and comes back with its CQE.
    pub(super) chosen: Option<Offer>,
    /// The files of the slots that it names, which are kept open.
    pub(super) files: [Option<Arc<OwnedFd>>; 2],
    /// Whether nothing comes after the result that it has had, of an operation of many.
    pub(super) is_last: bool,
    /// How many results it has had, of a timeout.
    pub(super) shots: u64,
}

/// What an operation waits with.
#[derive(Debug, Default)]
pub(super) enum Aid {
    #[default]
    None,
    /// A futex by which a call is ended that blocks.
    Interrupt(Interrupt),
    /// A descriptor made for it.
    Descriptor(OwnedFd),
}

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Step {
    /// It is over: the result of the CQE.
    Done(i32),
    /// A descriptor is to be waited for.
    Wait(Wait),
    /// It has to block.
    Block(Class),
}

/// Until when to wait, and where to go on then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) fd: RawFd,
    /// `POLLIN` and the like.
    pub(super) events: u32,
    pub(super) then: Then,
}

/// Where an operation goes on when its descriptor is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// In the thread that found that out: the call does not wait.
    Here,
    /// As `Here`, and it takes nothing away from others: all that wait are told.
    Look,
    /// On a thread of the pool.
    Block(Class),
    /// On a thread of the pool, one operation at a time for each descriptor: the call waits where
    /// somebody else was faster.
    BlockAlone,
}

impl Work {
    pub(super) fn new(entry: Sqe) -> Work {
        Work {
            asked: entry.get_length(),
            entry,
            done: 0,
            wanted: 0,
            begun: false,
            fruitless: 0,
            chosen: None,
            files: [None, None],
            is_last: false,
            shots: 0,
            aid: Aid::None,
        }
    }
}

impl Work {
    /// What ends the call that it blocks in, if that can be ended.
    pub(super) fn interrupt(&self) -> Option<Interrupt> {
        match &self.aid {
            Aid::Interrupt(interrupt) => Some(interrupt.clone()),
            Aid::None | Aid::Descriptor(_) => None,
        }
    }

    /// The same, which from now on there is.
    pub(super) fn interruptible(&mut self) -> Interrupt {
        if let Aid::Interrupt(interrupt) = &self.aid {
            return interrupt.clone();
        }
        let interrupt = Interrupt::default();
        self.aid = Aid::Interrupt(interrupt.clone());
        interrupt
    }
}

impl Step {
    /// What a system call has returned, `errno` included.
    pub(super) fn failed(errno: i32) -> Step {
        Step::Done(-errno)
    }

    /// Until the descriptor can be read from, and then here.
    pub(super) fn until_readable(fd: RawFd) -> Step {
        Step::Wait(Wait { fd, events: libc::POLLIN as u32, then: Then::Here })
    }

    /// Until the descriptor can be written to, and then here.
    pub(super) fn until_writable(fd: RawFd) -> Step {
        Step::Wait(Wait { fd, events: libc::POLLOUT as u32, then: Then::Here })
    }
}
