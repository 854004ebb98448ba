//! The driver of a simulation as a subject of the suite.
//!
//! The suite works on files of the process, of which a simulation knows none. What it is tried for
//! here is what needs no file, and that it refuses the rest: at once, by an error, and with nothing
//! left behind. What it does on files of its own has tests of its own.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use ringbahn_conformance::{QueueSizes, Report, Subject, Unable};
use ringbahn_sim::{Sim, SimDriver};

/// The driver of a simulation without faults.
pub(crate) struct Simulated;

impl Subject for Simulated {
    type Driver = SimDriver;

    fn name(&self) -> String {
        "simulated".into()
    }

    fn make(&self, sizes: QueueSizes) -> Result<SimDriver, Unable> {
        let sim = Sim::builder(1).entries(sizes.submission).completion_entries(sizes.completion);
        Ok(sim.build().driver())
    }

    fn block_on(&self, driver: &SimDriver, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        driver.block_on(future);
    }

    fn shut_down(&self, driver: &SimDriver, deadline: Duration) -> Report {
        let report = driver.shutdown(deadline);
        let ringbahn_sim::Report { completed, cancelled, leaked } = report;
        Report { completed, cancelled, leaked }
    }

    fn in_flight(&self, driver: &SimDriver) -> Option<u64> {
        Some(driver.counters().in_flight)
    }
}
