//! [`HostedTask`]: the task that looks after a hosted ring.
//!
//! It is polled because the ring has become readable, because it was called, or because a pause is
//! over; it does a turn and sleeps again. What it finds in the end decides what becomes of it:
//!
//! | it | then |
//! |---|---|
//! | is dropped, its runtime having gone | the helper thread takes over, at once where something is in flight, else with the next operation |
//! | learns that the reactor has gone | it ends, and the same follows |
//! | finds the helper at work, the driver's end having begun | it ends |

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::attendant::Attendant;
use super::clock::Clock;
use super::reactor::Reactor;
use super::watched::Watched;
use crate::shared::core::Core;
use crate::shared::duty::{Duty, Next};

/// After so many turns in a row other tasks have theirs.
const TURNS_MAX: u32 = 16;

/// The task that looks after the ring of a [`HostedDriver`](super::HostedDriver): it reaps what has
/// completed and submits what was gathered.
///
/// It is to be spawned on an executor that runs as long as the driver is used, and needs no more:
/// it ends by itself when the driver does. Where it is dropped before, a thread takes over.
#[must_use = "the driver's operations do not end unless this task is run or dropped"]
pub struct HostedTask {
    core: Arc<Core>,
    attendant: Arc<Attendant>,
    duty: Duty,
    /// `None` once the task is over.
    watch: Option<Watch>,
    /// Whether the end of the turn has to be waited for, and whether it is.
    jumps_the_queue: bool,
    puts_off: bool,
}

/// What the task sleeps on.
struct Watch {
    ring: Watched,
    clock: Clock,
}

impl HostedTask {
    pub(super) fn new(
        core: Arc<Core>,
        attendant: Arc<Attendant>,
        ring: Watched,
        reactor: &Reactor,
    ) -> io::Result<HostedTask> {
        let watch = Some(Watch { ring, clock: Clock::new(reactor)? });
        let jumps_the_queue = reactor.jumps_the_queue();
        let duty = Duty::new();
        Ok(HostedTask { core, attendant, duty, watch, jumps_the_queue, puts_off: false })
    }

    /// Whether the turn's end has to be waited for: this task has been woken before others that
    /// may submit, too.
    fn put_off(&mut self, cx: &Context<'_>) -> bool {
        self.puts_off = self.jumps_the_queue && !self.puts_off && self.attendant.turns.goes_on(0);
        if self.puts_off {
            wake_at_turns_end(cx.waker());
        }
        self.puts_off
    }

    /// Does turns until there is nothing to do. `Ready` where it is not this task that will be
    /// needed next.
    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(watch) = &self.watch else { return Poll::Ready(()) };
        for _ in 0..TURNS_MAX {
            self.attendant.turns.end(0);
            let readable = match watch.ring.poll_readable(cx) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => false,
            };
            let (mut timeout, reaped) = match self.duty.turn(&self.core) {
                Next::Wait { timeout, reaped } => (timeout, reaped),
                Next::Turn => continue,
                Next::End => {
                    self.core.finish();
                    return Poll::Ready(());
                }
            };
            if self.core.lookout.is_relieved() {
                return Poll::Ready(());
            }
            if reaped == 0 && self.core.ring.overflowed() {
                // The kernel has more, which it does not hand out at the moment, and will not tell
                // of again.
                let pause = self.duty.pause();
                timeout = Some(timeout.map_or(pause, |timeout| timeout.min(pause)));
            }
            if timeout == Some(Duration::ZERO) || readable {
                continue;
            }
            let Some(pause) = timeout else { return Poll::Pending };
            match watch.clock.poll_pause(cx, pause) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Leaves the ring to others.
    fn leave(&mut self) {
        let Some(watch) = self.watch.take() else { return };
        if self.core.ring.forked() {
            // The reactor is the parent's as well, and would forget the parent's ring.
            mem::forget(watch);
            return;
        }
        drop(watch);
        self.attendant.leave();
        let core = &self.core;
        if core.in_flight() > 0 || core.is_overdue() || core.has_missed_cancels() {
            core.lookout.watch(core);
        }
        // It may be the last operation that this task has reaped.
        core.lookout.wake();
    }
}

impl Future for HostedTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.core.ring.forked() {
            return Poll::Pending;
        }
        this.attendant.turns.numbered(0).listen(cx.waker());
        if this.put_off(cx) {
            return Poll::Pending;
        }
        let polled = this.poll_turns(cx);
        if polled.is_ready() {
            this.leave();
        }
        polled
    }
}

/// A task that is dropped before it has ended is no help any more.
impl Drop for HostedTask {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for HostedTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostedTask").field("over", &self.watch.is_none()).finish_non_exhaustive()
    }
}

/// Wakes the task when what is ready now has run.
#[cfg(feature = "tokio")]
pub(super) fn wake_at_turns_end(waker: &Waker) {
    // The first poll leaves the waker with the runtime, and that is all that is wanted.
    let yielding = std::pin::pin!(tokio::task::yield_now());
    let _ = yielding.poll(&mut Context::from_waker(waker));
}

/// Wakes the task when what is ready now has run.
#[cfg(not(feature = "tokio"))]
pub(super) fn wake_at_turns_end(waker: &Waker) {
    waker.wake_by_ref();
}
