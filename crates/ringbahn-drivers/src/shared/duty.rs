//! [`Duty`]: what is to be done by whoever looks after the ring, each time that he looks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::Core;
use super::shutdown::Step;

/// The pauses between tries of what cannot be done at the moment.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// What is to be done by whoever looks after the ring, each time that he looks.
#[derive(Debug)]
pub(crate) struct Duty {
    submitting: Pauses,
    cancelling: Pauses,
}

/// What comes after a turn.
#[derive(Debug)]
pub(crate) enum Next {
    /// Another turn.
    Turn,
    /// A wait for the ring or a call, not longer than `timeout`, where there is one.
    Wait { timeout: Option<Duration>, reaped: usize },
    /// Nothing any more: the driver has come to its end.
    End,
}

/// What is tried again and again, with pauses in between that grow.
#[derive(Debug)]
struct Pauses {
    pause: Duration,
    /// When it began; `None` before it is asked for. Most turns ask for none, and for no clock.
    since: Option<Instant>,
}

impl Duty {
    /// The longest pause there is.
    pub(super) const PAUSE_MAX: Duration = PAUSE_MAX;

    pub(crate) fn new() -> Duty {
        Duty { submitting: Pauses::new(), cancelling: Pauses::new() }
    }

    /// Does what there is to do.
    pub(crate) fn turn(&mut self, core: &Arc<Core>) -> Next {
        if !core.has_missed_cancels() {
            self.cancelling = Pauses::new();
        } else if self.cancelling.rest().is_zero() {
            core.retry_cancels();
            self.cancelling.grow();
        }
        let reaped = core.turn();
        if reaped > 0 {
            self.submitting = Pauses::new();
        }
        let mut timeout = match core.closing.step(core, core.in_flight()) {
            Step::Continue(until) => until,
            Step::CancelDetached => {
                core.cancel_all(true);
                return Next::Turn;
            }
            Step::Exit => return Next::End,
        };
        let mut no_longer_than = |time: Duration| {
            timeout = Some(timeout.map_or(time, |timeout| timeout.min(time)));
        };
        if core.has_missed_cancels() {
            no_longer_than(self.cancelling.rest());
        }
        if core.is_overdue() {
            // What was reaped has left something to be submitted: that needs no pause.
            no_longer_than(if reaped > 0 { Duration::ZERO } else { self.submitting.pause });
            self.submitting.grow();
        }
        Next::Wait { timeout, reaped }
    }

    /// The pause after something else that has failed. It grows.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.submitting.pause;
        self.submitting.grow();
        pause
    }
}

impl Pauses {
    fn new() -> Pauses {
        Pauses { pause: PAUSE_MIN, since: None }
    }

    /// How long it is until the next try.
    fn rest(&mut self) -> Duration {
        self.pause.saturating_sub(self.since.get_or_insert_with(Instant::now).elapsed())
    }

    /// Something was tried and has to be tried again.
    fn grow(&mut self) {
        *self = Pauses { pause: (self.pause * 2).min(PAUSE_MAX), since: Some(Instant::now()) };
    }
}
