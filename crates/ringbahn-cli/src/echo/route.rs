//! The drivers that the server can run on, as a table.

use std::future::Future;
use std::io;

use ringbahn::{DefaultDriver, Drive};

use super::server::{self, Tally};
use crate::arguments::{DriverChoice, EchoArguments};

/// A driver, as far as the server needs to know it. Nothing of it need be `Send`.
pub(crate) trait Serving: Drive + Clone + Unpin + 'static {
    /// Runs the server, and with it whatever the driver needs a thread for.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        futures::executor::block_on(future)
    }
}

impl Serving for DefaultDriver {}

/// One driver of the table.
pub(crate) struct Line {
    driver: DriverChoice,
    /// Runs the server on it.
    pub(crate) serve: fn(&EchoArguments) -> io::Result<Tally>,
}

const DRIVERS: [Line; 1] =
    [Line { driver: DriverChoice::Default, serve: |arguments| serve(arguments, default) }];

/// The line of a driver.
pub(crate) fn line(driver: DriverChoice) -> &'static Line {
    let line = DRIVERS.iter().find(|line| line.driver == driver);
    line.expect("every driver that can be chosen is in the table")
}

fn serve<D: Serving>(arguments: &EchoArguments, build: fn() -> io::Result<D>) -> io::Result<Tally> {
    let driver = build()?;
    driver.block_on(server::serve(&arguments.address, &driver))
}

fn default() -> io::Result<DefaultDriver> {
    // Built now, so that a reason why it cannot be is told before anybody connects.
    DefaultDriver::shared().map(|_| DefaultDriver)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_driver_that_can_be_chosen_is_in_the_table() {
        for driver in DriverChoice::value_variants() {
            assert_eq!(line(*driver).driver, *driver);
        }
    }
}
