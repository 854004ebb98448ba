//! Events of `tracing`, with the feature of that name: what somebody who looks after a program may
//! want to know of its drivers, at the target `ringbahn`.
//!
//! | level | what |
//! |---|---|
//! | `WARN` | io_uring was preferred and cannot be used, and why; operations are left to the kernel |
//! | `INFO` | the fallback is used as it was asked for; a driver is shut down, with how much in flight |
//! | `DEBUG` | the completion queue had overflown; cancels came before their operation |
//!
//! A subscriber is foreign code: it is told of something when no lock or borrow is held, and if it
//! panics over that, nothing else is lost.

#[cfg(feature = "tracing")]
mod events {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use crate::unavailable::Unavailable;

    /// Runs `foreign`. The message of a panic has been printed by the time that it ends here, and
    /// the payload is leaked, since dropping it may panic once more.
    fn tell(foreign: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) {
            std::mem::forget(payload);
        }
    }

    /// The fallback is to execute a driver's operations: for this reason, where io_uring was
    /// preferred.
    pub(crate) fn falls_back(reason: Option<&Unavailable>) {
        tell(|| match reason {
            Some(reason) => {
                tracing::warn!(target: "ringbahn", %reason, "the fallback takes io_uring's place");
            }
            None => tracing::info!(target: "ringbahn", "the fallback is used, as was asked for"),
        });
    }

    /// CQEs did not fit into the completion queue, and are fetched.
    pub(crate) fn has_overflown() {
        tell(|| tracing::debug!(target: "ringbahn", "the completion queue had overflown"));
    }

    /// Cancels did not find operations that have not ended.
    pub(crate) fn cancels_missed(count: usize) {
        if count > 0 {
            tell(|| {
                tracing::debug!(
                    target: "ringbahn", count,
                    "cancels came before their operations, and are tried again"
                );
            });
        }
    }

    /// A driver is shut down, with so many operations in flight.
    pub(crate) fn shuts_down(in_flight: usize) {
        tell(|| tracing::info!(target: "ringbahn", in_flight, "a driver is shut down"));
    }

    /// So many operations are left to the kernel.
    pub(crate) fn leaks(in_flight: usize) {
        tell(|| {
            tracing::warn!(
                target: "ringbahn", in_flight,
                "the kernel has kept operations past the deadline of a driver's shutdown"
            );
        });
    }
}

#[cfg(not(feature = "tracing"))]
mod events {
    use crate::unavailable::Unavailable;

    pub(crate) fn falls_back(_reason: Option<&Unavailable>) {}

    pub(crate) fn has_overflown() {}

    pub(crate) fn cancels_missed(_count: usize) {}

    pub(crate) fn shuts_down(_in_flight: usize) {}

    pub(crate) fn leaks(_in_flight: usize) {}
}

pub(crate) use events::{cancels_missed, falls_back, has_overflown, leaks, shuts_down};
