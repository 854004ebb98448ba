//! The helper thread of a shared driver: it waits for completions when nobody else does.
//!
//! It sleeps in `poll(2)`, on an eventfd by which others call it, and, while it *watches*, on the
//! ring as well. It begins to watch when a submission leaves something in flight behind, and rests
//! again when it has been woken several times for nothing, the submitters having reaped everything
//! themselves, and nothing is in flight. So where operations complete inline it does not wake at
//! all, and where they have to wait it is not called each time.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::core::{Core, lock};
use super::shutdown::Step;
use crate::{Readiness, Unavailable};

/// How often the helper may find nothing to reap before it rests.
const USELESS_TURNS_MAX: u32 = 8;

/// The pauses between tries of what cannot be done at the moment.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// What others see of the helper thread.
#[derive(Debug)]
pub(super) struct Helper {
    /// [`NOT_STARTED`], [`RESTING`] or [`WATCHING`].
    ///
    /// SeqCst throughout: a submitter first counts its operation in, then reads this; the helper
    /// first writes that it rests, then reads how many operations there are.
    state: AtomicU8,
    /// Readable when the helper has been called.
    call: OwnedFd,
    /// Held while the thread is being started.
    starting: Mutex<()>,
}

const NOT_STARTED: u8 = 0;
const RESTING: u8 = 1;
const WATCHING: u8 = 2;

impl Helper {
    pub(super) fn new() -> io::Result<Helper> {
        let call = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| Unavailable::failed("eventfd2", &error.into()))?;
        Ok(Helper { state: AtomicU8::new(NOT_STARTED), call, starting: Mutex::new(()) })
    }

    pub(super) fn is_started(&self) -> bool {
        self.state.load(Ordering::SeqCst) != NOT_STARTED
    }

    /// Starts the thread, unless it runs already.
    pub(super) fn start(&self, core: &Arc<Core>) -> io::Result<()> {
        if self.is_started() {
            return Ok(());
        }
        let _starting = lock(&self.starting);
        if self.is_started() {
            return Ok(());
        }
        let core = core.clone();
        thread::Builder::new()
            .name("ringbahn-helper".into())
            .stack_size(256 * 1024)
            .spawn(move || run(core))?;
        self.state.store(RESTING, Ordering::SeqCst);
        Ok(())
    }

    /// Something is in flight: the ring is to be watched.
    pub(super) fn watch(&self) {
        if self.state.load(Ordering::SeqCst) == RESTING
            && self.state.swap(WATCHING, Ordering::SeqCst) == RESTING
        {
            self.wake();
        }
    }

    /// There is something else to do.
    pub(super) fn wake(&self) {
        // It fails only when the count is full, and then the helper has been called.
        let _ = rustix::io::write(&self.call, &1_u64.to_ne_bytes());
    }

    /// Waits until the helper is called, or `timeout` has passed.
    fn wait_for_call(&self, timeout: Option<Duration>) -> io::Result<Readiness> {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut call = [PollFd::new(&self.call, PollFlags::IN)];
        match poll(&mut call, timeout.as_ref()) {
            Ok(count) => Ok(Readiness { ring: false, wake: count > 0 }),
            Err(Errno::INTR) => Ok(Readiness::default()),
            Err(error) => Err(error.into()),
        }
    }

    fn answer(&self) {
        let _ = rustix::io::read(&self.call, &mut [0; 8]);
    }

    /// Rests, unless something has come into flight meanwhile.
    fn rest(&self, core: &Core) {
        self.state.store(RESTING, Ordering::SeqCst);
        if core.needs_watching() {
            self.state.store(WATCHING, Ordering::SeqCst);
        }
    }
}

fn run(core: Arc<Core>) {
    let mut useless_turns = 0;
    let mut pause = PAUSE_MIN;
    let mut last_try = Instant::now();
    loop {
        // What a submitter is about to reap itself does not make the helper useful.
        let alone = !core.is_submitting();
        let reaped = core.turn();
        if reaped > 0 {
            pause = PAUSE_MIN;
            useless_turns = if alone { 0 } else { useless_turns };
        }
        if core.has_missed_cancels() && (reaped > 0 || last_try.elapsed() >= pause) {
            last_try = Instant::now();
            core.retry_cancels();
            continue;
        }
        let until = match core.closing.step(&core, core.in_flight()) {
            Step::Continue(until) => until,
            Step::CancelDetached => {
                core.cancel_all(true);
                continue;
            }
            Step::Exit => break,
        };
        if useless_turns >= USELESS_TURNS_MAX {
            core.helper.rest(&core);
            useless_turns = 0;
        }
        let stuck = core.is_overdue() || core.has_missed_cancels();
        let timeout = match (stuck, until) {
            // What was reaped has left something to be submitted: that needs no pause.
            (true, _) if reaped > 0 => Some(Duration::ZERO),
            (true, Some(until)) => Some(pause.min(until)),
            (true, None) => Some(pause),
            (false, until) => until,
        };
        if stuck {
            pause = (pause * 2).min(PAUSE_MAX);
        }
        let watching = core.helper.state.load(Ordering::SeqCst) == WATCHING;
        let waited = if watching {
            core.ring.poll_readable(Some(core.helper.call.as_fd()), timeout)
        } else {
            core.helper.wait_for_call(timeout)
        };
        match waited {
            Ok(readiness) if readiness.wake => core.helper.answer(),
            Ok(readiness) if readiness.ring => useless_turns += 1,
            Ok(_) => {}
            // No memory for the call: a pause, and another try.
            Err(_) => thread::sleep(pause),
        }
    }
    // The ring is closed before the report is read, unless there are handles left.
    let closing = core.closing.clone();
    let leaked = core.in_flight();
    let ends = core.tally.ends();
    drop(core);
    let _panics = closing.finish(ends, leaked);
}
