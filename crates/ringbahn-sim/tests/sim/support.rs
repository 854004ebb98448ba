//! What the tests share.

use std::os::fd::OwnedFd;

use ringbahn_core::event::{OpenAt, OpenOptions};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_sim::Sim;

/// A file to be read and written, made where there is none.
pub(crate) fn open(sim: &Sim, path: &str) -> SharedFd {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    open_with(sim, path, &options).unwrap().into()
}

pub(crate) fn open_with(sim: &Sim, path: &str, options: &OpenOptions) -> std::io::Result<OwnedFd> {
    sim.block_on(sim.driver().submit(OpenAt::new(path, options)?))
}

/// Both ends of something, to be used by several operations.
pub(crate) fn shared((a, b): (OwnedFd, OwnedFd)) -> (SharedFd, SharedFd) {
    (a.into(), b.into())
}

/// Asserts that nothing is left of what a test has done.
#[track_caller]
pub(crate) fn assert_nothing_left(sim: &Sim) {
    let counters = sim.driver().counters();
    assert_eq!((counters.in_flight, sim.running()), (0, 0), "operations are left");
    assert_eq!((sim.open_descriptors(), sim.open_files()), (0, 0), "files are left");
    assert_eq!(counters.submitted, counters.completed, "{counters:?}");
}

/// The number in a variable of the environment, or `default` where it is not set.
pub(crate) fn number_from(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.replace('_', "").parse().expect("a number"),
        Err(_) => default,
    }
}
