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
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::core::{Core, lock};
use super::duty::{Duty, Next};
use crate::{Readiness, Unavailable};

/// How often the helper may find nothing to reap before it rests.
const USELESS_TURNS_MAX: u32 = 8;

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

    /// Whether it has been started, or is being started now: then waits until that is done.
    pub(super) fn is_started_by_now(&self) -> bool {
        let _starting = lock(&self.starting);
        self.is_started()
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
        let helpers = core.clone();
        let thread = thread::Builder::new().name("ringbahn-helper".into());
        thread.spawn(move || run(helpers)).map_err(|error| {
            io::Error::other(format!(
                "the driver's helper thread cannot be started: {error}; raise the limit of \
                 threads (`ulimit -u`, or the pids limit of the control group)"
            ))
        })?;
        self.state.store(RESTING, Ordering::SeqCst);
        // Whoever ends the driver says so first, and then looks for a helper to tell. Where none
        // was to be seen yet it is told here; it may be asleep, having looked before the end began.
        if core.is_closed() {
            self.wake();
        }
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
    let helper = &core.lookout.helper;
    let mut useless_turns = 0;
    let mut duty = Duty::new();
    loop {
        // What a submitter is about to reap itself does not make the helper useful.
        let alone = !core.is_submitting();
        let (mut timeout, reaped) = match duty.turn(&core) {
            Next::Wait { timeout, reaped } => (timeout, reaped),
            Next::Turn => continue,
            Next::End => break,
        };
        if reaped > 0 && alone {
            useless_turns = 0;
        }
        if useless_turns >= USELESS_TURNS_MAX {
            helper.rest(&core);
            useless_turns = 0;
        }
        let watching = helper.state.load(Ordering::SeqCst) == WATCHING;
        let waited = if watching {
            core.ring.poll_readable(Some(helper.call.as_fd()), timeout)
        } else {
            if core.in_flight() > 0 {
                // Left to submitters, who may be held up by foreign code.
                let pause = Duty::PAUSE_MAX;
                timeout = Some(timeout.map_or(pause, |timeout| timeout.min(pause)));
            }
            helper.wait_for_call(timeout)
        };
        match waited {
            Ok(readiness) if readiness.wake => helper.answer(),
            // The kernel has more, which it does not hand out at the moment.
            Ok(readiness) if readiness.ring && reaped == 0 && core.ring.overflowed() => {
                thread::sleep(duty.pause());
            }
            Ok(readiness) if readiness.ring => useless_turns += 1,
            Ok(_) if !watching && core.in_flight() > 0 => helper.watch(),
            Ok(_) => {}
            // No memory for the call: a pause, and another try.
            Err(_) => thread::sleep(duty.pause()),
        }
    }
    // The ring is closed before the report is read, unless there are handles left.
    let closing = core.closing.clone();
    let leaked = core.in_flight();
    let ends = core.ends();
    drop(core);
    let _panics = closing.finish(ends, leaked);
}
