//! How operations go on: started, tried, executed, ended, and what follows them.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ringbahn_core::{Cqe, Sqe, opcode};

use super::calls::is_ready;
use super::engine::{Core, State};
use super::links::breaks;
use super::opcodes::*;
use super::operations::{Flight, Id, LinkTimeout, Operation, Place};
use super::pool::Class;
use super::schedule::{Chain, Ready, Rest};
use super::shots::is_multishot;
use super::timeouts::Deadline;
use super::timers::Target;
use super::work::{Step, Then, Wait, Work};

const CANCELLED: i32 = -libc::ECANCELED;

/// The pause between tries of what can be waited for in no better way.
const PAUSE: Duration = Duration::from_millis(1);

impl Core {
    /// Starts a chain that has come out of the queue, unless it is to wait, and what follows.
    pub(super) fn admit(self: &Arc<Self>, chain: Chain, ready: &mut Ready) {
        let admitted = self.state().schedule.admit(chain);
        ready.extend(admitted);
        self.run(ready);
    }

    /// Starts what is ready, and what gets ready by that.
    pub(super) fn run(self: &Arc<Self>, ready: &mut Ready) {
        while let Some(chain) = ready.pop_front() {
            self.start(chain, ready);
        }
    }

    fn start(self: &Arc<Self>, chain: Chain, ready: &mut Ready) {
        if !chain.refusals.is_empty() {
            return self.state().refuse(chain, ready);
        }
        let mut flight = Flight { id: None, work: Work::new(chain.head), rest: chain.rest };
        if let Err(errno) = self.slots.resolve(&mut flight.work) {
            return self.state().finish(flight, LinkTimeout::None, -errno, ready);
        }
        match flight.work.entry.opcode() {
            opcode::TIMEOUT => self.state().start_timeout(flight),
            TIMEOUT_REMOVE => self.state().remove_timeout(flight, ready),
            opcode::ASYNC_CANCEL => self.state().start_cancel(flight, ready),
            POLL_REMOVE if flight.work.entry.get_length() == POLL_UPDATE_EVENTS => {
                self.update_poll(flight, ready);
            }
            POLL_REMOVE => self.state().remove_poll(flight, ready),
            opcode::POLL_ADD if is_multishot(&flight.work.entry) => {
                self.state().start_poll(flight, ready);
            }
            _ => {
                let step = self.attempt(&mut flight, false, ready);
                self.settle(flight, step, ready);
            }
        }
    }

    /// Does what an attempt has led to.
    pub(super) fn settle(self: &Arc<Self>, flight: Flight, step: Step, ready: &mut Ready) {
        let mut state = self.state();
        let before = flight.id.and_then(|id| state.operations.remove(id));
        let operation = before.unwrap_or_else(|| Operation::of(&flight));
        if let Place::Blocking { alone: Some(fd), .. } = operation.place {
            state.watches.release(fd);
        }
        let wait = match step {
            Step::Done(result) => {
                return state.finish(flight, operation.link_timeout, result, ready);
            }
            _ if operation.cancelled => {
                return state.finish(flight, operation.link_timeout, CANCELLED, ready);
            }
            Step::Block(class) => {
                let id = state.queue(flight, operation, None);
                drop(state);
                return self.hand_over(id, class, ready);
            }
            Step::Wait(wait) => wait,
        };
        let id = flight.id.unwrap_or_else(|| state.operations.number());
        match state.watches.add(id, wait) {
            // What is never ready for it and can only be cancelled, as a file for urgent data.
            Err(libc::EPERM) if wait.then == Then::Look => {}
            Err(libc::EPERM) => {
                let id = state.queue(flight, operation, None);
                drop(state);
                return self.hand_over(id, Class::Files, ready);
            }
            Err(errno) => return state.finish(flight, operation.link_timeout, -errno, ready),
            Ok(()) => {}
        }
        state.park(id, flight, operation, |flight| Place::Waiting(wait, flight));
    }

    /// The reactor has found a descriptor ready.
    pub(super) fn wake(self: &Arc<Self>, fd: RawFd, events: u32, ready: &mut Ready) {
        let mut tried = Vec::new();
        let mut handed_over = Vec::new();
        {
            let state = &mut *self.state();
            for id in state.watches.take(fd, events) {
                let Some((wait, flight)) = state.operations.take_waiting(id) else { continue };
                let (class, alone) = match wait.then {
                    Then::Here | Then::Look => {
                        tried.push((wait, flight));
                        continue;
                    }
                    Then::Block(class) => (class, None),
                    Then::BlockAlone => (Class::Others, Some(fd)),
                };
                if let Some(operation) = state.operations.get_mut(id) {
                    operation.place = Place::Queued { flight, alone };
                    handed_over.push((id, class));
                }
            }
        }
        for (id, class) in handed_over {
            self.hand_over(id, class, ready);
        }
        // What the descriptor is ready for no more, since one that came first has used it up.
        let mut used_up = 0;
        for (wait, mut flight) in tried {
            let consumes = wait.then == Then::Here;
            if consumes && used_up & wait.events != 0 {
                self.settle(flight, Step::Wait(wait), ready);
                continue;
            }
            let mut step = self.attempt(&mut flight, false, ready);
            if let Step::Wait(again) = step
                && consumes
            {
                used_up |= again.events;
                if again == wait && flight.work.is_fruitless(again) {
                    step = Step::Block(Class::Others);
                }
            }
            self.settle(flight, step, ready);
        }
        self.state().watches.tidy(fd);
    }

    /// A thread of the pool executes an operation that was handed over.
    pub(super) fn execute(self: &Arc<Self>, id: Id) {
        let flight = self.state().operations.take_queued(id);
        let Some(mut flight) = flight else { return };
        let mut ready = Ready::new();
        let step = self.attempt(&mut flight, true, &mut ready);
        if let Step::Wait(wait) = step
            && is_ready(wait.fd, wait.events)
        {
            // A call that waits in spite of that, and a file that does not let it: as where a
            // socket with `O_NONBLOCK` has a peer without room. It cannot be waited for.
            thread::sleep(PAUSE);
        }
        self.settle(flight, step, &mut ready);
        // Of a ring that is closed nothing is started any more.
        if !self.state().closing {
            self.run(&mut ready);
        }
    }

    fn hand_over(self: &Arc<Self>, id: Id, class: Class, ready: &mut Ready) {
        if self.pool(class).push(self.clone(), id) {
            return;
        }
        let mut state = self.state();
        let flight = state.operations.take_queued(id);
        if let (Some(flight), Some(operation)) = (flight, state.operations.remove(id)) {
            if let Place::Blocking { alone: Some(fd), .. } = operation.place {
                state.watches.release(fd);
            }
            state.finish(flight, operation.link_timeout, -libc::EAGAIN, ready);
        }
    }
}

impl State {
    /// An operation has to wait for a thread.
    fn queue(&mut self, flight: Flight, operation: Operation, alone: Option<RawFd>) -> Id {
        let id = flight.id.unwrap_or_else(|| self.operations.number());
        self.park(id, flight, operation, |flight| Place::Queued { flight, alone });
        id
    }

    /// An operation has to wait. From here on the timeout linked to it runs.
    pub(super) fn park(
        &mut self,
        id: Id,
        mut flight: Flight,
        mut operation: Operation,
        place: impl FnOnce(Flight) -> Place,
    ) {
        flight.id = Some(id);
        if operation.link_timeout == LinkTimeout::None
            && let Some(next) = flight.rest.front().filter(|next| next.opcode() == LINK_TIMEOUT)
        {
            let key = self.timers.add(Deadline::of(next).moment(), Target::Link(id));
            operation.link_timeout = LinkTimeout::Armed { key, user_data: next.user_data() };
        }
        operation.place = place(flight);
        self.operations.insert(id, operation);
    }

    /// An operation has ended, which is in the table no more.
    pub(super) fn finish(
        &mut self,
        flight: Flight,
        link_timeout: LinkTimeout,
        result: i32,
        ready: &mut Ready,
    ) {
        let Flight { work, mut rest, .. } = flight;
        // What has been transferred is told, whatever has come in between.
        let result = if result < 0 && work.done > 0 { work.done as i32 } else { result };
        let broken = breaks(&work, result);
        self.post_end(&work, result, broken);
        self.schedule.end(ready);
        if rest.front().is_some_and(|next| next.opcode() == LINK_TIMEOUT)
            && let Some(timeout) = rest.pop_front()
        {
            if let LinkTimeout::Armed { key, .. } = link_timeout {
                self.timers.remove(key);
            }
            if link_timeout != LinkTimeout::Fired {
                self.post(&timeout, CANCELLED, 0);
            }
            self.schedule.end(ready);
        }
        if broken {
            self.cancel_rest(rest, ready);
        } else {
            ready.extend(Chain::of(rest));
        }
        self.end_counted(ready);
    }

    /// Posts what an entry that was executed ends with.
    fn post_end(&mut self, work: &Work, result: i32, broken: bool) {
        let entry = &work.entry;
        let skipped = entry.flags() & FLAG_SKIP_SUCCESS != 0 && result >= 0 && !broken;
        match entry.opcode() {
            opcode::SEND_ZC | SENDMSG_ZC => {
                // The data was copied, so the buffer is free already.
                self.post(entry, result, CQE_MORE);
                let told = entry.get_ioprio() & REPORT_USAGE != 0;
                let usage = if told { NOTIFICATION_COPIED.cast_signed() } else { 0 };
                self.post(entry, usage, CQE_NOTIFICATION);
            }
            opcode::TIMEOUT => {
                let user_data = entry.user_data();
                self.completions.post_uncounted(Cqe { user_data, result, flags: 0 });
            }
            _ if skipped => {}
            _ => self.post(entry, result, work.buffer_flags()),
        }
    }

    pub(super) fn post(&mut self, entry: &Sqe, result: i32, flags: u32) {
        self.completions.post(Cqe { user_data: entry.user_data(), result, flags });
    }

    /// The entries behind one that has failed are not executed.
    fn cancel_rest(&mut self, rest: Rest, ready: &mut Ready) {
        for entry in rest {
            self.post(&entry, CANCELLED, 0);
            self.schedule.end(ready);
        }
    }

    /// Ends a chain none of which is executed, since some of it is refused.
    fn refuse(&mut self, chain: Chain, ready: &mut Ready) {
        let mut refusals = chain.refusals.into_iter();
        for entry in std::iter::once(chain.head).chain(chain.rest) {
            let refused = refusals.next().filter(|&errno| errno != 0);
            self.post(&entry, refused.map_or(CANCELLED, |errno| -errno), 0);
            self.schedule.end(ready);
        }
        self.end_counted(ready);
    }
}

impl Work {
    /// Whether the descriptor has been ready for the call too often, and the call has had to wait
    /// all the same. That may happen for ever, as where a datagram socket has room and its peer
    /// has not.
    fn is_fruitless(&mut self, wait: Wait) -> bool {
        const FRUITLESS_MAX: u32 = 8;
        let ready = is_ready(wait.fd, wait.events);
        self.fruitless = if ready { self.fruitless + 1 } else { 0 };
        self.fruitless > FRUITLESS_MAX
    }
}
