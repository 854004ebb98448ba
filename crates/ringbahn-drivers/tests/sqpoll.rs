//! The driver whose entries a thread of the kernel takes.

use std::time::Duration;

use ringbahn_drivers::{SqpollBuilder, SqpollDriver};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/driven.rs"]
mod driven;
#[path = "support/forked.rs"]
mod forked;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

#[path = "sqpoll/failed_wakes.rs"]
mod failed_wakes;
#[path = "sqpoll/full_queue.rs"]
mod full_queue;
#[path = "sqpoll/kernel_thread.rs"]
mod kernel_thread;
#[path = "sqpoll/operations.rs"]
mod operations;
#[path = "sqpoll/zero_copy.rs"]
mod zero_copy;

driven::driven!(SqpollDriver);

/// Settings of a driver whose kernel thread does not keep a core busy for long.
fn builder(entries: u32, completions: u32) -> SqpollBuilder {
    let builder = SqpollDriver::builder().entries(entries).completion_entries(completions);
    builder.idle(Duration::from_millis(2))
}

/// A driver of the given size, or `None` and a line in the log where there is no io_uring.
fn driver(test: &str, entries: u32, completions: u32) -> Option<SqpollDriver> {
    build(test, builder(entries, completions))
}

fn build(test: &str, builder: SqpollBuilder) -> Option<SqpollDriver> {
    match builder.build() {
        Ok(driver) => Some(driver),
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}
