//! [`Operations`]: what has not ended, and where it is.
//!
//! An operation that ends in the call that starts it never comes here.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::RawFd;

use super::interrupt::Interrupt;
use super::schedule::Rest;
use super::timeouts::Deadline;
use super::timers::Key;
use super::work::{Wait, Work};

/// The number of an operation: later ones have larger ones.
pub(super) type Id = u64;

/// An entry under execution, with what is linked to it. Whoever has it may execute it.
#[derive(Debug)]
pub(super) struct Flight {
    /// The number, once the operation has had to wait.
    pub(super) id: Option<Id>,
    pub(super) work: Work,
    pub(super) rest: Rest,
}

/// An operation that has not ended.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) user_data: u64,
    pub(super) fd: RawFd,
    pub(super) opcode: u8,
    pub(super) place: Place,
    /// Whether its end has been asked for while somebody was executing it.
    pub(super) cancelled: bool,
    pub(super) link_timeout: LinkTimeout,
}

/// Where an operation is.
#[derive(Debug)]
pub(super) enum Place {
    /// It waits for a descriptor.
    Waiting(Wait, Flight),
    /// It is told each time that a descriptor becomes ready.
    Polling { fd: RawFd, flight: Flight },
    /// It waits for a time, or for so many CQEs that their count has reached `count`.
    Timed { key: Key, deadline: Deadline, count: Option<u64>, flight: Flight },
    /// It waits for a thread of the pool; with the descriptor that it has for itself.
    Queued { flight: Flight, alone: Option<RawFd> },
    /// A thread of the pool executes it, in a call that can be ended or cannot.
    Blocking { alone: Option<RawFd>, interrupt: Option<Interrupt> },
    /// The reactor tries it.
    Tried,
}

/// What has become of the timeout linked to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkTimeout {
    /// There is none, or it does not run yet.
    None,
    /// It runs; and what its CQE will carry.
    Armed { key: Key, user_data: u64 },
    /// It has ended, and its CQE is posted.
    Fired,
}

/// Those that have not ended, by number.
#[derive(Debug, Default)]
pub(super) struct Operations {
    next: Id,
    by_id: BTreeMap<Id, Operation>,
    by_user_data: BTreeSet<(u64, Id)>,
    /// Timeouts that wait for a count of CQEs.
    by_count: BTreeSet<(u64, Id)>,
}

impl Operation {
    pub(super) fn of(flight: &Flight) -> Operation {
        let entry = &flight.work.entry;
        Operation {
            user_data: entry.user_data(),
            fd: entry.get_fd(),
            opcode: entry.opcode(),
            place: Place::Tried,
            cancelled: false,
            link_timeout: LinkTimeout::None,
        }
    }
}

impl Operations {
    /// A number for an operation.
    pub(super) fn number(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    pub(super) fn insert(&mut self, id: Id, operation: Operation) {
        self.by_user_data.insert((operation.user_data, id));
        if let Place::Timed { count: Some(count), .. } = operation.place {
            self.by_count.insert((count, id));
        }
        self.by_id.insert(id, operation);
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<Operation> {
        let operation = self.by_id.remove(&id)?;
        self.by_user_data.remove(&(operation.user_data, id));
        if let Place::Timed { count: Some(count), .. } = operation.place {
            self.by_count.remove(&(count, id));
        }
        Some(operation)
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Operation> {
        self.by_id.get_mut(&id)
    }

    /// The reactor takes one that waits for a descriptor, to try it or to have it executed.
    pub(super) fn take_waiting(&mut self, id: Id) -> Option<(Wait, Flight)> {
        let operation = self.by_id.get_mut(&id)?;
        match std::mem::replace(&mut operation.place, Place::Tried) {
            Place::Waiting(wait, flight) => Some((wait, flight)),
            other => {
                operation.place = other;
                None
            }
        }
    }

    /// A thread of the pool takes one that is queued.
    pub(super) fn take_queued(&mut self, id: Id) -> Option<Flight> {
        let operation = self.by_id.get_mut(&id)?;
        match std::mem::replace(&mut operation.place, Place::Tried) {
            Place::Queued { flight, alone } => {
                operation.place = Place::Blocking { alone, interrupt: flight.work.interrupt() };
                Some(flight)
            }
            other => {
                operation.place = other;
                None
            }
        }
    }

    /// The first of the timeouts whose count has been reached.
    pub(super) fn first_counted(&self, posted: u64) -> Option<Id> {
        self.by_count.first().filter(|(count, _)| *count <= posted).map(|&(_, id)| id)
    }

    /// Those with this `user_data`, in the order of their numbers.
    pub(super) fn with_user_data(&self, user_data: u64) -> Vec<Id> {
        let range = (user_data, 0)..=(user_data, Id::MAX);
        self.by_user_data.range(range).map(|&(_, id)| id).collect()
    }

    /// Those for which `condition` holds, in the order of their numbers.
    pub(super) fn matching(&self, mut condition: impl FnMut(&Operation) -> bool) -> Vec<Id> {
        let matching = self.by_id.iter().filter(|(_, operation)| condition(operation));
        matching.map(|(&id, _)| id).collect()
    }
}
