//! Operations that post a CQE for each of many results, until they fail or are stopped.
//!
//! As in the kernel such an operation ends where the completion queue is full, and where it would
//! be if nobody read it meanwhile: whoever wants more submits it again. So an operation that has
//! much to tell, and keeps a buffer for each result, does not get ahead of its reader.

use std::os::fd::RawFd;

use ringbahn_core::{Sqe, opcode};

use super::calls::{perform, shot_wait};
use super::engine::{Core, State};
use super::opcodes::*;
use super::operations::{Flight, Operation, Place};
use super::schedule::Ready;
use super::timeouts::Deadline;
use super::timers::Target;
use super::work::{Step, Work};

/// How many results one attempt may have: then others have their turn.
const SHOTS_MAX: u32 = 32;

/// Whether an entry asks for many results.
pub(super) fn is_multishot(entry: &Sqe) -> bool {
    match entry.opcode() {
        opcode::ACCEPT => entry.get_ioprio() & ACCEPT_MULTISHOT != 0,
        opcode::RECV | opcode::RECVMSG => entry.get_ioprio() & RECV_MULTISHOT != 0,
        opcode::READ_MULTISHOT => true,
        opcode::POLL_ADD => entry.get_length() & POLL_MULTISHOT != 0,
        opcode::TIMEOUT => entry.get_op_flags() & TIMEOUT_MULTISHOT != 0,
        _ => false,
    }
}

impl Core {
    /// Makes an attempt at an operation; at one of many results, until there are no more at the
    /// moment.
    pub(super) fn attempt(&self, flight: &mut Flight, may_block: bool, ready: &mut Ready) -> Step {
        // What may block has one result at a time: the next call could block for ever.
        let most = if may_block { 1 } else { SHOTS_MAX };
        for count in 0..most {
            let step = perform(&mut flight.work, may_block, &self.groups);
            let step = self.slots.settle(&flight.work, step);
            let Step::Done(result) = step else { return step };
            if !flight.work.goes_on_after(result)
                || !self.state().post_more(flight, count, result, ready)
            {
                return step;
            }
            flight.work.begin_again();
        }
        Step::Wait(shot_wait(&flight.work.entry))
    }

    /// The reactor has found a descriptor ready. Where that tells of those of polls, whoever polls
    /// them is told; `false` where it does not.
    pub(super) fn tell_polls(&self, fd: RawFd, ready: &mut Ready) -> bool {
        let state = &mut *self.state();
        let Some(all) = state.edges.take(fd) else { return false };
        for (id, told) in all {
            let result = told.cast_signed();
            let Some(operation) = state.operations.remove(id) else { continue };
            let link_timeout = operation.link_timeout;
            let Operation { place: Place::Polling { fd, flight }, .. } = operation else {
                continue;
            };
            if state.post_more(&flight, 0, result, ready) {
                let operation = Operation { link_timeout, ..Operation::of(&flight) };
                state.park(id, flight, operation, |flight| Place::Polling { fd, flight });
            } else {
                state.edges.remove(id, fd);
                state.finish(flight, link_timeout, result, ready);
            }
        }
        true
    }
}

impl State {
    /// Posts one result of many, after `count` others of this attempt. `false` where it is to be
    /// the last one: there is no room for more, or the operation has been cancelled meanwhile.
    pub(super) fn post_more(
        &mut self,
        flight: &Flight,
        count: u32,
        result: i32,
        ready: &mut Ready,
    ) -> bool {
        let operation = flight.id.and_then(|id| self.operations.get_mut(id));
        if operation.is_some_and(|operation| operation.cancelled)
            || self.completions.is_full()
            || count >= self.completions.entries()
        {
            return false;
        }
        let flags = CQE_MORE | flight.work.buffer_flags();
        self.post(&flight.work.entry, result, flags);
        self.end_counted(ready);
        true
    }

    /// Executes a `POLL_ADD` that tells each time.
    pub(super) fn start_poll(&mut self, flight: Flight, ready: &mut Ready) {
        let id = self.operations.number();
        let fd = flight.work.entry.get_fd();
        let operation = Operation::of(&flight);
        match self.edges.add(id, fd, poll_events(&flight.work.entry)) {
            Ok(()) => {}
            // A file that is always ready, which is told once, and then nothing happens to it.
            Err(libc::EPERM) => {
                let told = poll_events(&flight.work.entry) & ALWAYS_READY;
                if told != 0 && !self.post_more(&flight, 0, told.cast_signed(), ready) {
                    return self.finish(flight, operation.link_timeout, told.cast_signed(), ready);
                }
            }
            Err(errno) => return self.finish(flight, operation.link_timeout, -errno, ready),
        }
        self.park(id, flight, operation, |flight| Place::Polling { fd, flight });
    }

    /// Tells of the end of a period, of a timeout that goes on with the next one. `false` where it
    /// does not.
    pub(super) fn tick(&mut self, id: super::operations::Id) -> bool {
        let full = self.completions.is_full();
        let Some(operation) = self.operations.get_mut(id) else { return false };
        let Place::Timed { key, deadline, flight, .. } = &mut operation.place else { return false };
        let entry = &flight.work.entry;
        flight.work.shots += 1;
        let is_last = flight.work.shots == entry.get_offset();
        if !is_multishot(entry) || is_last || full {
            return false;
        }
        *deadline = Deadline::of(entry);
        *key = self.timers.add(deadline.moment(), Target::Operation(id));
        let user_data = entry.user_data();
        let cqe = ringbahn_core::Cqe { user_data, result: -libc::ETIME, flags: CQE_MORE };
        self.completions.post_uncounted(cqe);
        true
    }
}

/// What of a file a poll of many results looks at.
fn poll_events(entry: &Sqe) -> u32 {
    super::calls::interest(entry)
}

/// What a file is ready for that is so at any time.
const ALWAYS_READY: u32 =
    (libc::POLLIN | libc::POLLOUT | libc::POLLRDNORM | libc::POLLWRNORM) as u32;

impl Work {
    /// Whether an operation that has had this result is to have more.
    fn goes_on_after(&self, result: i32) -> bool {
        let entry = &self.entry;
        is_multishot(entry)
            && match entry.opcode() {
                opcode::ACCEPT => result >= 0,
                _ => result > 0 && !self.is_last,
            }
    }

    /// Everything is as before the first result.
    fn begin_again(&mut self) {
        self.done = 0;
        self.wanted = 0;
        self.fruitless = 0;
        self.chosen = None;
    }

    /// What a CQE says of the buffer that was chosen.
    pub(super) fn buffer_flags(&self) -> u32 {
        self.chosen.map_or(0, |chosen| CQE_BUFFER | u32::from(chosen.index) << CQE_BUFFER_SHIFT)
    }
}
