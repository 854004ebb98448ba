//! The drivers that chains are tried on: for all threads and for one, by the kernel and without.

use std::future::Future;
use std::io;

use ringbahn_core::Drive;
use ringbahn_drivers::{Counters, LocalDriver, Policy, SharedDriver};

use crate::{scene, skip};

/// A driver that can be waited on.
pub(crate) trait Runs: Drive + Clone + Unpin {
    fn run<F: Future>(&self, future: F) -> F::Output;

    fn counted(&self) -> Counters;
}

impl Runs for SharedDriver {
    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn counted(&self) -> Counters {
        self.counters()
    }
}

impl Runs for LocalDriver {
    fn run<F: Future>(&self, future: F) -> F::Output {
        self.block_on(future)
    }

    fn counted(&self) -> Counters {
        self.counters()
    }
}

pub(crate) fn shared_of(policy: Policy, entries: u32) -> io::Result<SharedDriver> {
    let builder = SharedDriver::builder().entries(entries).completion_entries(2 * entries);
    builder.serve_at_once(false).policy(policy).build()
}

pub(crate) fn local_of(policy: Policy, entries: u32) -> io::Result<LocalDriver> {
    let builder = LocalDriver::builder().entries(entries).completion_entries(2 * entries);
    builder.serve_at_once(false).policy(policy).build()
}

/// The policies to try: the fallback always, the kernel where there is io_uring.
pub(crate) fn policies(test: &str) -> Vec<Policy> {
    match shared_of(Policy::Require, 1) {
        Ok(_) => vec![Policy::Require, Policy::Never],
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            vec![Policy::Never]
        }
    }
}

/// Runs a scenario, generic over its driver, on all four drivers with queues of so many entries.
macro_rules! on_all {
    ($test:literal, $entries:expr, $scenario:path) => {
        for policy in $crate::subject::policies($test) {
            $scenario(&$crate::subject::shared_of(policy, $entries).unwrap());
            $scenario(&$crate::subject::local_of(policy, $entries).unwrap());
        }
    };
}

pub(crate) use on_all;
