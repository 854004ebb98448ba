//! A case in a thread of its own, which is given up where it does not end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::verdict::{Stop, Verdict};

/// What the watchdog has seen.
pub(crate) enum Watched {
    /// The end.
    Ended(Verdict),
    /// No end in time. The thread is left to itself.
    Hangs,
}

/// Runs `body` in a thread of its own, and waits for it no longer than `patience`.
pub(crate) fn watch(
    name: &str,
    patience: Duration,
    body: impl FnOnce() -> Verdict + Send + 'static,
) -> Watched {
    let (sender, receiver) = channel();
    let builder = thread::Builder::new().name(name.to_owned());
    let spawned = builder.spawn(move || {
        let verdict = catch_unwind(AssertUnwindSafe(body));
        // Nobody listens any more where it was given up.
        let _ = sender.send(verdict.unwrap_or_else(|panic| Err(Stop::panicked(&*panic))));
    });
    let thread = match spawned {
        Ok(thread) => thread,
        Err(error) => return Watched::Ended(Err(error.into())),
    };
    match receiver.recv_timeout(patience) {
        Ok(verdict) => {
            // What the thread still has in its thread-local variables goes before it has ended.
            let _ = thread.join();
            Watched::Ended(verdict)
        }
        Err(RecvTimeoutError::Timeout) => Watched::Hangs,
        Err(RecvTimeoutError::Disconnected) => {
            Watched::Ended(Err(Stop::failed("the thread of the case is gone without a word")))
        }
    }
}
