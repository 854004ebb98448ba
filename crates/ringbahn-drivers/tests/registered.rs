//! Registered buffers: what they are used for, how long they live, and what there is of them.

use ringbahn_drivers::{LocalDriver, SharedDriver};

#[path = "registered/aligned.rs"]
mod aligned;
#[path = "support/dice.rs"]
mod dice;
#[path = "registered/lifetimes.rs"]
mod lifetimes;
#[path = "registered/random.rs"]
mod random;
#[path = "registered/ranges.rs"]
mod ranges;
#[path = "registered/refusals.rs"]
mod refusals;
#[path = "support/ring_tables.rs"]
mod ring_tables;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "registered/transfers.rs"]
mod transfers;
#[path = "registered/waits.rs"]
mod waits;

/// A driver that takes every operation through its ring, which is of the given size.
fn driver(test: &str, entries: u32, completions: u32) -> Option<SharedDriver> {
    let builder = SharedDriver::builder().entries(entries).completion_entries(completions);
    match builder.serve_at_once(false).build() {
        Ok(driver) => Some(driver),
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}

/// The same for this thread.
fn local_driver(test: &str, entries: u32, completions: u32) -> Option<LocalDriver> {
    let builder = LocalDriver::builder().entries(entries).completion_entries(completions);
    match builder.serve_at_once(false).build() {
        Ok(driver) => Some(driver),
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}
