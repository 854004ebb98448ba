//! Timeouts, as operations: what ends them, and when.

use rustix::time::ClockId;

use super::engine::{Core, State};
use super::operations::{Flight, Id, Operation, Place};
use super::schedule::Ready;
use super::shots::is_multishot;
use super::timeouts::Deadline;
use super::timers::{Target, now};

impl State {
    /// Executes a `TIMEOUT`.
    pub(super) fn start_timeout(&mut self, flight: Flight) {
        let id = self.operations.number();
        let deadline = Deadline::of(&flight.work.entry);
        let key = self.timers.add(deadline.moment(), Target::Operation(id));
        let wanted = flight.work.entry.get_offset() & u64::from(u32::MAX);
        // Of one that fires again and again the number says how often.
        let counts = wanted > 0 && !is_multishot(&flight.work.entry);
        let count = counts.then(|| self.completions.posted() + wanted);
        let operation = Operation::of(&flight);
        self.park(id, flight, operation, |flight| Place::Timed { key, deadline, count, flight });
    }

    /// Ends the timeouts that have waited for so many CQEs as there are now.
    pub(super) fn end_counted(&mut self, ready: &mut Ready) {
        while let Some(id) = self.operations.first_counted(self.completions.posted()) {
            let Some(operation) = self.operations.remove(id) else { return };
            if let Place::Timed { key, flight, .. } = operation.place {
                self.timers.remove(key);
                self.finish(flight, operation.link_timeout, 0, ready);
            }
        }
    }

    /// The time of a timeout has come, unless its clock has been set.
    fn fire(&mut self, id: Id, ready: &mut Ready) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        let Place::Timed { key, deadline, .. } = &mut operation.place else { return };
        if !deadline.is_due() {
            *key = self.timers.add(deadline.moment(), Target::Operation(id));
            return;
        }
        if self.tick(id) {
            return;
        }
        if let Some(operation) = self.operations.remove(id)
            && let Some(flight) = operation.place.into_flight()
        {
            self.finish(flight, operation.link_timeout, -libc::ETIME, ready);
        }
    }
}

impl Core {
    /// The reactor looks what time it is. `false` where the engine goes.
    pub(super) fn fire_timers(&self, ready: &mut Ready) -> bool {
        let state = &mut *self.state();
        while let Some(target) = state.timers.take_due(now(ClockId::Monotonic)) {
            match target {
                Target::Operation(id) => state.fire(id, ready),
                Target::Link(id) => state.fire_link(id, ready),
            }
        }
        state.timers.rearm();
        !state.closing
    }
}

impl Place {
    /// The operation, unless somebody is executing it.
    pub(super) fn into_flight(self) -> Option<Flight> {
        match self {
            Place::Waiting(_, flight)
            | Place::Polling { flight, .. }
            | Place::Timed { flight, .. }
            | Place::Queued { flight, .. } => Some(flight),
            Place::Blocking { .. } | Place::Tried => None,
        }
    }
}
