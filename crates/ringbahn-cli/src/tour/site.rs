//! [`Site`]: what a stop finds, and the steps that many stops take.

use std::fmt::Debug;
use std::fs::File;
use std::future::Future;
use std::io::{self, PipeReader, PipeWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringbahn_core::event::{OpenAt, OpenOptions, Position, ReadExact, Timeout};
use ringbahn_core::{Event, IoBuf, SharedFd, Submission};
use ringbahn_drivers::{Probe, Setup};

use super::finding::{Failure, Finding, When, equal};
use super::machine;
use super::route::Toured;

/// How long it may take until everything that nobody waits for has ended.
const SETTLING_TIME: Duration = Duration::from_secs(5);

/// What a stop finds: a driver, and a directory for its files.
pub(crate) struct Site<D> {
    pub(crate) driver: D,
    /// What the kernel says that it knows.
    pub(crate) probe: Option<Probe>,
    directory: PathBuf,
}

/// What the kernel says that it knows, to a ring made for the question.
fn probe() -> Option<Probe> {
    Setup::new(1).build().ok()?.handle.probe().ok()
}

impl<D: Toured> Site<D> {
    pub(crate) fn new(driver: D, directory: &Path) -> Site<D> {
        Site { driver, probe: probe(), directory: directory.to_owned() }
    }

    /// Runs a stop to its end.
    pub(crate) fn run(&self, stop: impl Future<Output = Finding>) -> Finding {
        self.driver.block_on(stop)
    }

    /// Runs a stop to its end, after which there must be as much open and in flight as before.
    pub(crate) fn run_even(&self, stop: impl Future<Output = Finding>) -> Finding {
        let descriptors = machine::open_descriptors();
        self.run(async {
            let finding = stop.await;
            let settled = async {
                self.settle_operations().await?;
                self.settle_descriptors(descriptors).await
            };
            // Also where the stop has failed, so that the next one does not find what it left.
            let settled = settled.await.map_err(|failure| failure.after("at the end"));
            finding.and_then(|done| settled.map(|()| done))
        })
    }

    pub(crate) fn submit<E: Event>(&self, event: E) -> Submission<E, D> {
        self.driver.clone().submit(event)
    }

    /// Where the file of this name is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Makes a new file, for reading and writing.
    pub(crate) async fn create(&self, name: &str) -> Finding<SharedFd> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let opening = || format!("making the file {name}");
        let open = OpenAt::new(self.path(name), &options).when(opening())?;
        Ok(self.submit(open).await.when(opening())?.into())
    }

    /// Reads `length` bytes from a file.
    pub(crate) async fn read(
        &self,
        file: &SharedFd,
        offset: u64,
        length: usize,
    ) -> Finding<Vec<u8>> {
        let buffer = Vec::with_capacity(length).slice(..length);
        let read = ReadExact::new(file.clone(), buffer, Position::At(offset));
        let (result, buffer) = self.submit(read).await;
        result.when(format_args!("reading {length} bytes at {offset}"))?;
        Ok(buffer.into_inner())
    }

    /// A pipe, its ends ready to be used by events.
    pub(crate) fn pipe(&self) -> Finding<(SharedFd, SharedFd)> {
        let (reader, writer): (PipeReader, PipeWriter) = io::pipe().when("making a pipe")?;
        Ok((SharedFd::new(Arc::new(reader)), SharedFd::new(Arc::new(writer))))
    }

    /// Waits for a time, by a timer of the driver.
    pub(crate) async fn sleep(&self, time: Duration) -> Finding<()> {
        self.submit(Timeout::new(time)).await.when("waiting for a timer")
    }

    /// Waits until `what` is as it should be: what nobody waits for is cancelled, disposed of and
    /// counted a moment later, by whoever sees its end.
    pub(crate) async fn settle<T>(
        &self,
        what: &str,
        found: impl Fn() -> T,
        expected: T,
    ) -> Finding<()>
    where
        T: PartialEq + Debug,
    {
        let begin = Instant::now();
        while found() != expected && begin.elapsed() < SETTLING_TIME {
            self.sleep(Duration::from_millis(1)).await?;
        }
        equal(what, found(), expected)
    }

    /// Waits until nothing is in flight.
    pub(crate) async fn settle_operations(&self) -> Finding<()> {
        self.settle("operations in flight", || self.driver.counters().in_flight, 0).await
    }

    /// Waits until as many descriptors are open as before.
    pub(crate) async fn settle_descriptors(&self, before: Option<usize>) -> Finding<()> {
        // Where `/proc` does not tell, there is nothing to wait for.
        let Some(before) = before else { return Ok(()) };
        let now = || machine::open_descriptors().unwrap_or(before);
        self.settle("open descriptors", now, before).await
    }

    /// Finds out that a stop cannot be made where the kernel does not know an operation.
    pub(crate) fn require(&self, opcode: u8, name: &str, since: &str) -> Finding<()> {
        let known = self.probe.as_ref().is_none_or(|probe| probe.supports(opcode));
        if known {
            return Ok(());
        }
        Err(Failure::Impossible(format!("this kernel has no {name}, which came with {since}")))
    }

    /// What the file of this name holds, by the way of std: what else has seen the bytes.
    pub(crate) fn contents(&self, name: &str) -> Finding<Vec<u8>> {
        std::fs::read(self.path(name)).when(format_args!("reading the file {name} by std"))
    }

    /// Opens the file of this name by std, for reading.
    pub(crate) fn open(&self, name: &str) -> Finding<File> {
        File::open(self.path(name)).when(format_args!("opening the file {name} by std"))
    }
}
