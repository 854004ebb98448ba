//! What is done about panics of foreign code that must not get any further.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `foreign` and says whether it panicked. The message has been printed by then; the payload
/// is leaked, since dropping it may panic once more.
#[inline]
pub(crate) fn contain_panic(foreign: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(foreign)) {
        Ok(()) => false,
        Err(payload) => {
            std::mem::forget(payload);
            true
        }
    }
}
