//! What a ring can be asked for: each is asked of the kernel, and looked at where it shows; of the
//! fallback; and of a kernel that is said to lack it.
#![cfg(not(loom))]

use std::io;

use ringbahn_drivers::{Lacking, LocalDriver, Policy, Setup, SharedDriver};

#[path = "tuning/beside_traffic.rs"]
mod beside_traffic;
#[path = "tuning/buffers.rs"]
mod buffers;
#[path = "tuning/cancels.rs"]
mod cancels;
#[path = "tuning/completions.rs"]
mod completions;
#[path = "tuning/lacking.rs"]
mod lacking;
#[path = "support/local.rs"]
mod local;
#[path = "tuning/memory.rs"]
mod memory;
#[path = "tuning/napi.rs"]
mod napi;
#[path = "tuning/notices.rs"]
mod notices;
#[path = "tuning/page.rs"]
mod page;
#[path = "tuning/personalities.rs"]
mod personalities;
#[path = "tuning/resizing.rs"]
mod resizing;
#[path = "tuning/restrictions.rs"]
mod restrictions;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "tuning/waits.rs"]
mod waits;
#[path = "tuning/workers.rs"]
mod workers;

/// A driver on a small ring of the kernel, which takes every operation through it, with what
/// `change` asks for besides. `None` and a line in the log where there is no io_uring.
fn shared_with(test: &str, change: impl FnOnce(Setup) -> Setup) -> Option<SharedDriver> {
    let builder = SharedDriver::builder().entries(4).completion_entries(16);
    let builder = builder.serve_at_once(false).setup(change).policy(Policy::Require);
    there_is(test, builder.build())
}

fn shared(test: &str) -> Option<SharedDriver> {
    shared_with(test, |setup| setup)
}

/// The same for this thread.
fn local_with(test: &str, change: impl FnOnce(Setup) -> Setup) -> Option<LocalDriver> {
    let builder = LocalDriver::builder().entries(4).completion_entries(16);
    let builder = builder.serve_at_once(false).setup(change).policy(Policy::Require);
    there_is(test, builder.build())
}

fn local_here(test: &str) -> Option<LocalDriver> {
    local_with(test, |setup| setup)
}

/// A driver on the fallback.
fn on_fallback() -> SharedDriver {
    SharedDriver::builder().entries(4).policy(Policy::Never).build().unwrap()
}

/// What was made, or `None` and a line in the log where this kernel cannot.
fn there_is<T>(test: &str, made: io::Result<T>) -> Option<T> {
    use ringbahn_drivers::{Reason, Unavailable};

    let error = match made {
        Ok(made) => return Some(made),
        Err(error) => error,
    };
    let unavailable = error.get_ref().and_then(|inner| inner.downcast_ref::<Unavailable>());
    match unavailable.map(Unavailable::reason) {
        Some(Reason::Lacking) => skip::skip(test, &format!("the kernel is older than: {error}")),
        Some(Reason::Contradiction) => panic!("{error}"),
        Some(_) => skip::skip(test, &format!("no io_uring: {error}")),
        None => panic!("{error}"),
    }
    None
}

/// What a registrar has answered, or `None` and a line in the log where the kernel is too old.
#[track_caller]
fn known<T>(test: &str, answer: io::Result<T>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => match lacking_in(&error) {
            Some(lacking) => {
                skip::skip(test, &format!("the kernel is older than {lacking}"));
                None
            }
            None => panic!("{error:?}"),
        },
    }
}

fn lacking_in(error: &io::Error) -> Option<&Lacking> {
    error.get_ref()?.downcast_ref::<Lacking>()
}
