//! [`ShardedShutdown`]: the end of all shards.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::{Report, Shutdown};

/// The future of [`ShardedDriver::shutdown`](super::ShardedDriver::shutdown).
#[derive(Debug)]
#[must_use = "the shutdown goes on without it, but nobody reads its report"]
pub struct ShardedShutdown {
    shards: Vec<Shutdown>,
}

impl ShardedShutdown {
    pub(super) fn new(shards: impl Iterator<Item = Shutdown>) -> ShardedShutdown {
        ShardedShutdown { shards: shards.collect() }
    }
}

impl Future for ShardedShutdown {
    type Output = Report;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        // A shutdown that is over says the same each time; so none of them is kept account of.
        let mut reports = Vec::with_capacity(self.shards.len());
        for shard in &mut self.shards {
            if let Poll::Ready(report) = Pin::new(shard).poll(cx) {
                reports.push(report);
            }
        }
        if reports.len() < self.shards.len() {
            return Poll::Pending;
        }
        Poll::Ready(reports.into_iter().sum())
    }
}
