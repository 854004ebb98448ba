//! The drivers that the tour goes to, and the stops it makes on each: two tables.

use std::future::Future;
use std::io;
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_drivers::{Counters, LocalDriver, Report, SharedDriver};

use super::Session;
use super::finding::Finding;
use super::report::DriverReport;
use super::site::Site;
use super::stops::{
    cancel, copy, echo, errors, files, linked, ring_echo, ring_file, shutdown, sync, timers, up,
    vectored, zero_copy,
};
use super::visit;

/// A driver, as far as the tour needs to know it.
pub(crate) trait Toured: Drive + Clone + Unpin + 'static {
    /// What its operations run on, as the driver itself says.
    fn backend(&self) -> String;

    /// How many entries its submission queue has, and how many its completion queue.
    fn queue_sizes(&self) -> (u32, u32);

    /// What it has done so far.
    fn counters(&self) -> Counters;

    /// Winds it up.
    fn shut_down(&self, deadline: Duration) -> impl Future<Output = Report>;

    /// Runs a stop, and with it whatever the driver needs a thread for.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        futures::executor::block_on(future)
    }
}

impl Toured for SharedDriver {
    fn backend(&self) -> String {
        SharedDriver::backend(self).to_string()
    }

    fn queue_sizes(&self) -> (u32, u32) {
        SharedDriver::queue_sizes(self)
    }

    fn counters(&self) -> Counters {
        SharedDriver::counters(self)
    }

    fn shut_down(&self, deadline: Duration) -> impl Future<Output = Report> {
        self.shutdown(deadline)
    }
}

impl Toured for LocalDriver {
    fn backend(&self) -> String {
        LocalDriver::backend(self).to_string()
    }

    fn queue_sizes(&self) -> (u32, u32) {
        LocalDriver::queue_sizes(self)
    }

    fn counters(&self) -> Counters {
        LocalDriver::counters(self)
    }

    async fn shut_down(&self, deadline: Duration) -> Report {
        self.shutdown(deadline)
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        LocalDriver::block_on(self, future)
    }
}

/// How many entries the ring of a toured driver is to have: fewer than are usual, and fewer than
/// some stops have operations in flight, which is something to be shown.
const ENTRIES: u32 = 32;

/// One driver of the tour.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// For whom it is.
    pub(crate) audience: &'static str,
    /// Makes the tour on it.
    pub(crate) tour: fn(&Line, &Session) -> DriverReport,
}

/// The drivers there are.
pub(crate) const DRIVERS: [Line; 2] = [
    Line {
        name: "shared",
        audience: "for any executor, with nothing to set up",
        tour: |line, session| visit::visit(line, session, shared),
    },
    Line {
        name: "local",
        audience: "for one thread, which waits in the kernel",
        tour: |line, session| visit::visit(line, session, local),
    },
];

fn shared() -> io::Result<SharedDriver> {
    SharedDriver::builder().entries(ENTRIES).build()
}

fn local() -> io::Result<LocalDriver> {
    LocalDriver::builder().entries(ENTRIES).build()
}

/// One stop of the tour.
pub(crate) struct Stop<D> {
    pub(crate) name: &'static str,
    pub(crate) visit: fn(&Site<D>) -> Finding,
}

impl<D> Clone for Stop<D> {
    fn clone(&self) -> Stop<D> {
        *self
    }
}

impl<D> Copy for Stop<D> {}

/// The stops on each driver, in this order. The last one shuts the driver down.
pub(crate) fn stops<D: Toured>() -> Vec<Stop<D>> {
    let stop = |name, visit| Stop { name, visit };
    vec![
        stop("driver up", |site| site.run(up::visit(site))),
        stop("write, read back", |site| site.run_even(files::visit(site))),
        stop("vectored", |site| site.run_even(vectored::visit(site))),
        stop("copy a file", |site| site.run_even(copy::visit(site))),
        stop("fsync, statx, truncate", |site| site.run_even(sync::visit(site))),
        stop("errors", |site| site.run_even(errors::visit(site))),
        stop("echo over IPv4", |site| site.run_even(echo::visit(site, echo::IPV4))),
        stop("echo over IPv6", |site| site.run_even(echo::visit(site, echo::IPV6))),
        stop("zero-copy send", |site| site.run_even(zero_copy::visit(site))),
        stop("linked pair", |site| site.run_even(linked::visit(site))),
        stop("timeouts", |site| site.run_even(timers::visit(site))),
        stop("cancel", |site| site.run_even(cancel::visit(site))),
        stop("Ring: copy a file", |site| site.run_even(ring_file::visit_copy(site))),
        stop("Ring: seek", |site| site.run_even(ring_file::visit_seek(site))),
        stop("Ring: echo", |site| site.run_even(ring_echo::visit(site))),
        stop("shutdown", |site| site.run(shutdown::visit(site))),
    ]
}
