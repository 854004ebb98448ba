//! Models of the meetings of a future and the kernel's CQEs, run over every interleaving.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p ringbahn-core --test 'loom*'
//! ```
//!
//! The models run whole submissions on a toy ring, so they cover the cell, the record, the table
//! and the hand-overs between them. Each asserts that the event has one owner after the kernel
//! (an output for the future, or one cancellation callback), that it is dropped once, and that a
//! future which is still pending has had its last waker woken if there is something to see.
//!
//! That they can fail has been tried, with these changes of the code one at a time:
//!
//! * `Cell::wait` keeps the waker it has where there is one, whether or not it would wake the
//!   same task: `a_poll_with_another_waker_meets_the_end` loses the wake-up.
//! * `Cell::wait` leaves its clone of the waker without looking a second time:
//!   `a_first_poll_meets_the_end` loses the wake-up.
//! * `Header::enter` reads whether the operation is cancelled before it stores the `user_data`:
//!   `a_drop_meets_a_resubmission` ends with an operation that nobody waits for and nobody
//!   cancels.
#![cfg(loom)]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::sync::Arc;
use std::task::Waker;

use loom::thread;
use ringbahn_core::Cancelled;
use toy_ring::{Counts, Probe, Probing, Toy, start};

#[path = "loom_completion/ends.rs"]
mod ends;
#[path = "loom_completion/ends_of_the_ring.rs"]
mod ends_of_the_ring;
#[path = "loom_completion/many_cqes.rs"]
mod many_cqes;
#[path = "loom_completion/wakers.rs"]
mod wakers;

/// Runs a model of two threads over every interleaving.
fn model(threads: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.check(threads);
}

/// Runs a model that is too wide for that over those with up to three preemptions.
fn bounded_model(threads: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.preemption_bound = Some(3);
    builder.check(threads);
}

struct Scene {
    toy: Toy,
    counts: Arc<Counts>,
    future: Probing,
    user_data: u64,
}

/// An operation in flight whose future has been polled once with `waker`.
fn scene(waker: &Waker) -> Scene {
    let toy = Toy::new(4);
    let counts = Counts::new();
    let (future, taken) = start(&toy, Probe::new(&counts), waker);
    Scene { toy, counts, future, user_data: taken.user_data }
}

/// Posts CQEs of `user_data` one by one, on a thread of its own.
fn post(toy: &Toy, user_data: u64, cqes: &'static [(i32, u32)]) -> thread::JoinHandle<()> {
    let toy = toy.clone();
    thread::spawn(move || {
        for (result, flags) in cqes {
            toy.post(user_data, *result, *flags);
        }
    })
}

/// Polls for the end of a cancelled operation, as `Submission::cancel` does.
async fn future_of_cancel(mut future: Probing) -> Cancelled<toy_ring::Answer> {
    std::future::poll_fn(move |cx| future.as_mut().poll_cancel(cx)).await
}
