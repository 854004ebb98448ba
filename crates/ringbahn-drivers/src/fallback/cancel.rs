//! How operations are cancelled.
//!
//! | where it is | answer | what becomes of it |
//! |---|---|---|
//! | waits for a descriptor, a time or a thread, or is told of a descriptor | 0 | it ends at once, with `ECANCELED` |
//! | tried at the moment | 0 | it ends with what the attempt brings, or with `ECANCELED` |
//! | in a call that blocks | `EALREADY` | it ends when the call does |
//! | behind another one in its chain, or put off | `ENOENT` | nothing |

use ringbahn_core::{Sqe, opcode};

use super::calls::is_open;
use super::engine::State;
use super::opcodes::*;
use super::operations::{Flight, Id, LinkTimeout, Operation, Place};
use super::schedule::Ready;
use super::timeouts::Deadline;
use super::timers::Target;

/// An operation that has been taken out of the table to be ended.
struct Stopped {
    flight: Flight,
    link_timeout: LinkTimeout,
}

impl State {
    /// Executes an `ASYNC_CANCEL`. Its own CQE comes first.
    pub(super) fn start_cancel(&mut self, flight: Flight, ready: &mut Ready) {
        let entry = &flight.work.entry;
        let flags = entry.get_op_flags();
        let no_file = flags & CANCEL_FD != 0 && !is_open(entry.get_fd());
        if flags & CANCEL_FD_FIXED != 0 || no_file {
            return self.finish(flight, LinkTimeout::None, -libc::EBADF, ready);
        }
        let several = flags & (CANCEL_ALL | CANCEL_ANY) != 0;
        let mut count = 0;
        let mut stopped = Vec::new();
        let mut answer = -libc::ENOENT;
        for id in self.aim(entry) {
            answer = self.stop(id, &mut stopped);
            count += i32::from(answer != -libc::ENOENT);
            if !several && answer != -libc::ENOENT {
                break;
            }
        }
        let answer = if several { count } else { answer };
        self.finish(flight, LinkTimeout::None, answer, ready);
        self.end_stopped(stopped, ready);
    }

    /// Executes a `POLL_REMOVE`.
    pub(super) fn remove_poll(&mut self, flight: Flight, ready: &mut Ready) {
        let entry = &flight.work.entry;
        let mut stopped = Vec::new();
        let target = self.find(entry.get_address_number(), opcode::POLL_ADD);
        let answer = target.map_or(-libc::ENOENT, |id| self.stop(id, &mut stopped));
        self.finish(flight, LinkTimeout::None, answer, ready);
        self.end_stopped(stopped, ready);
    }

    /// The timeout linked to an operation has come to its end before that.
    pub(super) fn fire_link(&mut self, id: Id, ready: &mut Ready) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        let fired = std::mem::replace(&mut operation.link_timeout, LinkTimeout::Fired);
        let LinkTimeout::Armed { user_data, .. } = fired else { return };
        let mut stopped = Vec::new();
        let answer = self.stop(id, &mut stopped);
        let result = if answer == 0 { -libc::ETIME } else { answer };
        let cqe = ringbahn_core::Cqe { user_data, result, flags: 0 };
        self.completions.post(cqe);
        self.end_stopped(stopped, ready);
        self.end_counted(ready);
    }

    /// An operation of this kind with this `user_data`.
    pub(super) fn find(&mut self, user_data: u64, code: u8) -> Option<Id> {
        let ids = self.operations.with_user_data(user_data);
        let is_one = |id: &Id| self.operations.get_mut(*id).is_some_and(|o| o.opcode == code);
        ids.into_iter().find(is_one)
    }

    /// The operations that an `ASYNC_CANCEL` means.
    fn aim(&self, entry: &Sqe) -> Vec<Id> {
        let flags = entry.get_op_flags();
        let user_data = entry.get_address_number();
        if flags & CANCEL_ANY != 0 {
            return self.operations.matching(|_| true);
        }
        let by_other = flags & (CANCEL_FD | CANCEL_OP) != 0;
        if !by_other {
            return self.operations.with_user_data(user_data);
        }
        self.operations.matching(|operation| {
            (flags & CANCEL_FD == 0 || operation.fd == entry.get_fd())
                && (flags & CANCEL_OP == 0 || u32::from(operation.opcode) == entry.get_length())
                && (flags & CANCEL_USERDATA == 0 || operation.user_data == user_data)
        })
    }

    /// Stops an operation, if it is where that can be done, and says what a cancel answers.
    fn stop(&mut self, id: Id, stopped: &mut Vec<Stopped>) -> i32 {
        let Some(operation) = self.operations.get_mut(id) else { return -libc::ENOENT };
        match &operation.place {
            Place::Blocking { interrupt, .. } => {
                operation.cancelled = true;
                let Some(interrupt) = interrupt else { return -libc::EALREADY };
                interrupt.call();
                return 0;
            }
            Place::Tried => {
                operation.cancelled = true;
                return 0;
            }
            Place::Waiting(wait, _) => self.watches.remove(id, wait.fd),
            Place::Polling { fd, .. } => self.edges.remove(id, *fd),
            Place::Timed { key, .. } => self.timers.remove(*key),
            Place::Queued { alone: Some(fd), .. } => self.watches.release(*fd),
            Place::Queued { .. } => {}
        }
        if let Some(Operation { place, link_timeout, .. }) = self.operations.remove(id)
            && let Some(flight) = place.into_flight()
        {
            stopped.push(Stopped { flight, link_timeout });
        }
        0
    }

    fn end_stopped(&mut self, stopped: Vec<Stopped>, ready: &mut Ready) {
        for Stopped { flight, link_timeout } in stopped {
            self.finish(flight, link_timeout, -libc::ECANCELED, ready);
        }
    }

    /// Executes a `TIMEOUT_REMOVE`, which may also be an update of a timeout.
    pub(super) fn remove_timeout(&mut self, flight: Flight, ready: &mut Ready) {
        let entry = &flight.work.entry;
        let flags = entry.get_op_flags();
        let mut stopped = Vec::new();
        let answer = if flags & (TIMEOUT_UPDATE | TIMEOUT_LINK_UPDATE) != 0 {
            self.update_timeout(entry)
        } else {
            let target = self.find(entry.get_address_number(), opcode::TIMEOUT);
            target.map_or(-libc::ENOENT, |id| self.stop(id, &mut stopped))
        };
        self.finish(flight, LinkTimeout::None, answer, ready);
        self.end_stopped(stopped, ready);
    }

    fn update_timeout(&mut self, entry: &Sqe) -> i32 {
        let flags = entry.get_op_flags();
        let deadline = match Deadline::of_update(entry) {
            Ok(deadline) => deadline,
            Err(errno) => return -errno,
        };
        let user_data = entry.get_address_number();
        if flags & TIMEOUT_LINK_UPDATE != 0 {
            return self.update_link_timeout(user_data, deadline);
        }
        let Some(id) = self.find(user_data, opcode::TIMEOUT) else { return -libc::ENOENT };
        let Some(operation) = self.operations.get_mut(id) else { return -libc::ENOENT };
        if let Place::Timed { key, deadline: old, .. } = &mut operation.place {
            *old = if flags & TIMEOUT_ABS != 0 { deadline.on_clock_of(*old) } else { deadline };
            let new_key = self.timers.add(old.moment(), Target::Operation(id));
            self.timers.remove(std::mem::replace(key, new_key));
        }
        0
    }

    fn update_link_timeout(&mut self, user_data: u64, deadline: Deadline) -> i32 {
        let ids = self.operations.matching(|operation| {
            matches!(operation.link_timeout, LinkTimeout::Armed { user_data: own, .. }
                if own == user_data)
        });
        let Some(&id) = ids.first() else { return -libc::ENOENT };
        let new_key = self.timers.add(deadline.moment(), Target::Link(id));
        let Some(operation) = self.operations.get_mut(id) else { return -libc::ENOENT };
        if let LinkTimeout::Armed { key, .. } = &mut operation.link_timeout {
            let key = std::mem::replace(key, new_key);
            self.timers.remove(key);
        }
        0
    }
}
