//! [`Kernel`]: a kernel in memory, which executes submission queue entries.
//!
//! | part | what it does |
//! |---|---|
//! | [`request`] | an entry that has been taken, the memory it names, and the CQEs that answer it |
//! | [`schedule`] | when which request runs, and in which order their CQEs are posted |
//! | [`execute`] | what an entry asks for, by its opcode |
//! | [`disk`], [`file`], [`stream`] | what it is done to |
//! | [`descriptors`] | the real descriptors by which a program holds simulated files |
//!
//! It runs no code of the program: neither a waker nor an event is known here.

use std::collections::{BTreeMap, VecDeque};

use crate::faults::{Fault, Faults};
use crate::queue::completion::CompletionQueue;
use crate::random::Random;
use crate::slab::{Key, Slab};
use crate::trace::{Note, Trace};

pub(crate) mod address;
mod agenda;
mod cancel;
mod content;
pub(crate) mod control;
pub(crate) mod descriptors;
pub(crate) mod disk;
mod enter;
mod execute;
mod file;
mod names;
mod network;
mod open;
mod ranges;
pub(crate) mod request;
mod requests;
mod schedule;
mod stream;
mod transfer;

use address::Address;
use agenda::Agenda;
use descriptors::Descriptors;
use disk::Disk;
pub(crate) use enter::Entered;
use file::OpenFile;
use request::Dead;
use requests::Requests;

/// How many entries that have ended are remembered, for CQEs that come too late.
const DEAD_MAX: usize = 32;

/// A kernel in memory.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// Nanoseconds since the simulation began.
    pub(crate) now: u64,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    /// How often each fault has happened.
    pub(crate) injected: [u64; Fault::ALL.len()],
    pub(crate) trace: Trace,
    pub(crate) completion: CompletionQueue,
    pub(crate) descriptors: Descriptors,
    pub(crate) disk: Disk,
    /// Whether the power may go.
    pub(crate) may_crash: bool,
    /// Whether it has gone, and nothing is executed any more.
    pub(crate) crashed: bool,
    /// How many bytes a pipe or connection holds.
    pub(crate) stream_capacity: usize,
    files: Slab<OpenFile>,
    /// Sockets that others can find, by kind and address.
    names: BTreeMap<(i32, Address), Key>,
    next_port: u16,
    requests: Requests,
    agenda: Agenda,
    /// Requests whose file has changed.
    ready: VecDeque<Key>,
    dead: VecDeque<Dead>,
    /// How many entries have been taken.
    taken: u64,
    /// Bytes on their way from one place to another.
    bytes: Vec<u8>,
}

impl Kernel {
    pub(crate) fn new(
        seed: u64,
        faults: Faults,
        completion: CompletionQueue,
        trace: Trace,
        stream_capacity: usize,
    ) -> Kernel {
        Kernel {
            now: 0,
            random: Random::new(seed),
            faults,
            injected: [0; Fault::ALL.len()],
            trace,
            completion,
            descriptors: Descriptors::new(),
            disk: Disk::new(),
            may_crash: false,
            crashed: false,
            stream_capacity,
            files: Slab::new(),
            names: BTreeMap::new(),
            next_port: 49_152,
            requests: Requests::new(),
            agenda: Agenda::new(),
            ready: VecDeque::new(),
            dead: VecDeque::with_capacity(DEAD_MAX),
            taken: 0,
            bytes: Vec::new(),
        }
    }

    /// Whether `fault` happens now, where it could.
    #[inline]
    pub(crate) fn fails(&mut self, fault: Fault) -> bool {
        let happens = self.random.happens(self.faults.chance(fault));
        if happens {
            self.inject(fault);
        }
        happens
    }

    #[cold]
    fn inject(&mut self, fault: Fault) {
        self.injected[fault as usize] += 1;
        self.trace.note(self.now, Note::Fault(fault));
    }

    /// How many requests the kernel has not answered for the last time.
    pub(crate) fn running(&self) -> usize {
        self.requests.len()
    }

    /// How many files are open: those that have a descriptor, or wait to be accepted, or are
    /// worked on.
    pub(crate) fn open_files(&self) -> usize {
        self.files.len()
    }

    /// The power goes: what has not been synced is lost, and every operation ends with `EIO`.
    pub(crate) fn crash(&mut self) {
        self.trace.note(self.now, Note::Crash);
        let random = &mut self.random;
        self.disk.crash(random);
        self.crashed = true;
        self.end_all();
        self.files = Slab::new();
        self.names.clear();
        self.descriptors.clear();
        self.ready.clear();
    }
}
