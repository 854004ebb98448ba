//! The driver that asks devices for completions.
//!
//! Whether a read is polled in earnest depends on the disk. Where it cannot be, the kernel says so
//! for each, and what is tested is that this is told as it should be.

use ringbahn_drivers::IopollDriver;

#[path = "support/canary.rs"]
mod canary;
#[path = "support/driven.rs"]
mod driven;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

#[path = "iopoll/direct_io.rs"]
mod direct_io;
#[path = "iopoll/legal.rs"]
mod legal;
#[path = "iopoll/operations.rs"]
mod operations;

driven::driven!(IopollDriver);

/// A driver of the given size, or `None` and a line in the log where there is no io_uring.
fn driver(test: &str, entries: u32, completions: u32) -> Option<IopollDriver> {
    let builder = IopollDriver::builder().entries(entries).completion_entries(completions);
    match builder.build() {
        Ok(driver) => Some(driver),
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}
