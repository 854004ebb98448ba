//! The driver of several rings, of which each thread uses one.
#![cfg(not(loom))]

use ringbahn_drivers::ShardedDriver;

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

#[path = "sharded/migration.rs"]
mod migration;
#[path = "sharded/operations.rs"]
mod operations;
#[path = "sharded/shards.rs"]
mod shards;
#[path = "sharded/short_of_resources.rs"]
mod short_of_resources;

driven::driven!(ShardedDriver);

/// A driver of so many shards of the given size, which takes every operation through a ring; or
/// `None` and a line in the log where there is no io_uring.
fn driver(test: &str, shards: usize, entries: u32, completions: u32) -> Option<ShardedDriver> {
    let builder = ShardedDriver::builder().shards(shards).serve_at_once(false);
    match builder.entries(entries).completion_entries(completions).build() {
        Ok(driver) => Some(driver),
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}
