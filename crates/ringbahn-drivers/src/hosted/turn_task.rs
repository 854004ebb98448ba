//! [`TurnTask`]: the task that ends a turn which is not that of the driver's own task.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use super::attendant::Attendant;
use super::task::wake_at_turns_end;
use crate::shared::core::Core;
use crate::shared::lookout::Host;

/// The task that ends the turn of a thread in a runtime of several: it submits what was gathered.
///
/// It keeps the ring of nobody, and goes when the driver's own task does.
pub(super) struct TurnTask {
    core: Weak<Core>,
    attendant: Arc<Attendant>,
    number: usize,
    puts_off: bool,
}

impl TurnTask {
    /// One for each turn but the first.
    pub(super) fn all(
        core: &Arc<Core>,
        attendant: &Arc<Attendant>,
    ) -> impl Iterator<Item = TurnTask> {
        (1..attendant.turns.count()).map(|number| TurnTask {
            core: Arc::downgrade(core),
            attendant: attendant.clone(),
            number,
            puts_off: false,
        })
    }
}

impl Future for TurnTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(core) = this.core.upgrade() else { return Poll::Ready(()) };
        if core.ring.forked() {
            return Poll::Pending;
        }
        let turn = this.attendant.turns.numbered(this.number);
        turn.listen(cx.waker());
        // Looked at after that: whoever says that it is over wakes those who listen.
        if !this.attendant.is_attending() {
            return Poll::Ready(());
        }
        // Workers run next what was woken last, and the others of this turn are to come first.
        this.puts_off = !this.puts_off && this.attendant.turns.goes_on(this.number);
        if this.puts_off {
            wake_at_turns_end(cx.waker());
            return Poll::Pending;
        }
        this.attendant.turns.end(this.number);
        if core.ring.unsubmitted() > 0 {
            // An error is the driver's, whose own task has been called for it.
            let _ = core.submit();
        }
        Poll::Pending
    }
}
