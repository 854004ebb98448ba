//! Whether the default driver works: it is built, and operations go through it.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Timeout};
use ringbahn_drivers::SharedDriver;

/// How long it may take: where memory is short, building alone takes a fifth of a second.
const TIME: Duration = Duration::from_secs(10);

/// Builds the driver that `ringbahn::DefaultDriver` stands for, has it do one operation that ends
/// at once and one that it has to wait for, and shuts it down. Says what it works with.
pub(super) fn examine() -> io::Result<String> {
    let (sender, receiver) = mpsc::channel();
    let examine = move || {
        // Nobody listens any more where it has taken too long.
        let _ = sender.send(examine_here());
    };
    let thread = thread::Builder::new().name("ringbahn-doctor".to_owned()).spawn(examine)?;
    let found = receiver.recv_timeout(TIME).map_err(|error| match error {
        RecvTimeoutError::Timeout => io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the driver was built, and an operation has not ended in {} s", TIME.as_secs()),
        ),
        RecvTimeoutError::Disconnected => io::Error::other("the examination has panicked"),
    })?;
    // It has sent its last word, so this does not wait.
    let _ = thread.join();
    found
}

fn examine_here() -> io::Result<String> {
    let driver = SharedDriver::new()?;
    let backend = driver.backend().to_string();
    block_on(driver.clone().submit(Nop::new()))?;
    block_on(driver.clone().submit(Timeout::new(Duration::from_millis(1))))?;
    let report = block_on(driver.shutdown(TIME));
    if report.leaked > 0 {
        return Err(io::Error::other("the driver could not be shut down"));
    }
    Ok(backend)
}
