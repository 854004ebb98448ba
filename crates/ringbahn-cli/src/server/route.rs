//! The drivers that a server can run on.

use std::future::Future;
use std::io;
use std::time::Duration;

use ringbahn::{DefaultDriver, Drive, LocalDriver};

use super::{Protocol, Tally, serve};
use crate::arguments::DriverChoice;

/// A driver, as far as a server needs to know it. Nothing of it need be `Send`.
pub(crate) trait Serving: Drive + Clone + Unpin + 'static {
    /// Runs the server, and with it whatever the driver needs a thread for.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        futures::executor::block_on(future)
    }

    /// Ends what nobody waits for any more, where the driver would otherwise wait for it.
    fn end(&self) {}
}

impl Serving for DefaultDriver {}

impl Serving for LocalDriver {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        LocalDriver::block_on(self, future)
    }

    fn end(&self) {
        // Only connections that were cut off have left anything.
        self.shutdown(Duration::ZERO);
    }
}

/// Runs a server on the driver that was chosen, until a signal ends it.
pub(crate) fn run(
    choice: DriverChoice,
    address: &str,
    protocol: &impl Protocol,
) -> io::Result<Tally> {
    match choice {
        DriverChoice::Default => {
            // Built now, so that a reason why it cannot be is told before anybody connects.
            DefaultDriver::shared()?;
            run_on(&DefaultDriver, address, protocol)
        }
        DriverChoice::Local => run_on(&LocalDriver::new()?, address, protocol),
    }
}

fn run_on<D: Serving>(driver: &D, address: &str, protocol: &impl Protocol) -> io::Result<Tally> {
    let served = driver.block_on(serve(address, driver, protocol));
    driver.end();
    served
}
