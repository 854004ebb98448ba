//! The project's own drivers as subjects of the suite.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use ringbahn_conformance::{QueueSizes, Report, Subject, Unable};
use ringbahn_core::IoBufMut;
use ringbahn_drivers::{
    IopollDriver, LocalDriver, Policy, RegisteredBuffers, ShardedDriver, SharedDriver, SqpollDriver,
};

pub(crate) fn report(report: ringbahn_drivers::Report) -> Report {
    let ringbahn_drivers::Report { completed, cancelled, leaked } = report;
    Report { completed, cancelled, leaked }
}

/// All of the buffers, each as one of whatever type.
pub(crate) fn all_of(buffers: &RegisteredBuffers) -> Vec<Box<dyn IoBufMut>> {
    let all = std::iter::from_fn(|| buffers.take());
    all.map(|buffer| Box::new(buffer) as Box<dyn IoBufMut>).collect()
}

/// Writes the methods of a subject by which it gives out what its driver registers with its ring.
macro_rules! registers {
    ($driver:ty) => {
        fn buffer_group(
            &self,
            driver: &$driver,
            count: u16,
            size: u32,
        ) -> ::std::io::Result<::ringbahn_core::BufferGroup> {
            driver.buffer_group(count, size)
        }

        fn direct_table(
            &self,
            driver: &$driver,
            slots: u32,
        ) -> ::std::io::Result<::ringbahn_core::DirectTable> {
            driver.direct_table(slots)
        }

        fn registered_buffers(
            &self,
            driver: &$driver,
            count: u16,
            size: usize,
        ) -> ::std::io::Result<Vec<Box<dyn ::ringbahn_core::IoBufMut>>> {
            Ok($crate::drivers::all_of(&driver.register_buffers(count, size)?))
        }
    };
}

pub(crate) use registers;

/// The driver for any executor.
pub(crate) struct Shared {
    /// Whether an engine inside the process takes the kernel's place.
    pub(crate) policy: Policy,
    /// Whether operations are served at once that need not wait, without the ring.
    pub(crate) serve_at_once: bool,
}

impl Subject for Shared {
    type Driver = SharedDriver;

    fn name(&self) -> String {
        match (self.policy, self.serve_at_once) {
            (Policy::Never, _) => "shared upon the fallback",
            (_, true) => "shared",
            (_, false) => "shared by its ring",
        }
        .into()
    }

    fn make(&self, sizes: QueueSizes) -> Result<SharedDriver, Unable> {
        let builder = SharedDriver::builder().policy(self.policy).serve_at_once(self.serve_at_once);
        Ok(builder.entries(sizes.submission).completion_entries(sizes.completion).build()?)
    }

    fn shut_down(&self, driver: &SharedDriver, deadline: Duration) -> Report {
        report(futures::executor::block_on(driver.shutdown(deadline)))
    }

    fn in_flight(&self, driver: &SharedDriver) -> Option<u64> {
        Some(driver.counters().in_flight)
    }

    registers!(SharedDriver);
}

/// The driver of one thread.
pub(crate) struct Local {
    /// Whether an engine inside the process takes the kernel's place.
    pub(crate) policy: Policy,
    /// Whether operations are served at once that need not wait, without the ring.
    pub(crate) serve_at_once: bool,
}

impl Subject for Local {
    type Driver = LocalDriver;

    fn name(&self) -> String {
        match (self.policy, self.serve_at_once) {
            (Policy::Never, _) => "local upon the fallback",
            (_, true) => "local",
            (_, false) => "local by its ring",
        }
        .into()
    }

    fn make(&self, sizes: QueueSizes) -> Result<LocalDriver, Unable> {
        let builder = LocalDriver::builder().policy(self.policy).serve_at_once(self.serve_at_once);
        Ok(builder.entries(sizes.submission).completion_entries(sizes.completion).build()?)
    }

    fn block_on(&self, driver: &LocalDriver, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        driver.block_on(future);
    }

    fn shut_down(&self, driver: &LocalDriver, deadline: Duration) -> Report {
        report(driver.shutdown(deadline))
    }

    fn in_flight(&self, driver: &LocalDriver) -> Option<u64> {
        Some(driver.counters().in_flight)
    }

    registers!(LocalDriver);
}

/// The driver of several rings behind one handle.
pub(crate) struct Sharded {
    /// Whether an engine inside the process takes the kernel's place.
    pub(crate) policy: Policy,
    /// How many rings.
    pub(crate) shards: usize,
}

impl Subject for Sharded {
    type Driver = ShardedDriver;

    fn name(&self) -> String {
        match self.policy {
            Policy::Never => format!("sharded by {} upon the fallback", self.shards),
            _ => format!("sharded by {}", self.shards),
        }
    }

    fn make(&self, sizes: QueueSizes) -> Result<ShardedDriver, Unable> {
        let builder = ShardedDriver::builder().shards(self.shards).policy(self.policy);
        let builder = builder.serve_at_once(false);
        Ok(builder.entries(sizes.submission).completion_entries(sizes.completion).build()?)
    }

    fn shut_down(&self, driver: &ShardedDriver, deadline: Duration) -> Report {
        report(futures::executor::block_on(driver.shutdown(deadline)))
    }

    fn in_flight(&self, driver: &ShardedDriver) -> Option<u64> {
        Some(driver.counters().in_flight)
    }
}

/// The driver whose entries a thread of the kernel takes.
pub(crate) struct Sqpoll;

impl Subject for Sqpoll {
    type Driver = SqpollDriver;

    fn name(&self) -> String {
        "with a kernel thread".into()
    }

    fn make(&self, sizes: QueueSizes) -> Result<SqpollDriver, Unable> {
        // It sleeps soon, so that cases find it asleep as well as awake.
        let builder = SqpollDriver::builder().idle(Duration::from_millis(1)).serve_at_once(false);
        Ok(builder.entries(sizes.submission).completion_entries(sizes.completion).build()?)
    }

    fn shut_down(&self, driver: &SqpollDriver, deadline: Duration) -> Report {
        report(futures::executor::block_on(driver.shutdown(deadline)))
    }

    fn in_flight(&self, driver: &SqpollDriver) -> Option<u64> {
        Some(driver.counters().in_flight)
    }

    registers!(SqpollDriver);
}

/// The driver for direct IO on devices that are polled.
pub(crate) struct Iopoll;

impl Subject for Iopoll {
    type Driver = IopollDriver;

    fn name(&self) -> String {
        "that polls its devices".into()
    }

    fn make(&self, sizes: QueueSizes) -> Result<IopollDriver, Unable> {
        let builder = IopollDriver::builder().entries(sizes.submission);
        Ok(builder.completion_entries(sizes.completion).build()?)
    }

    fn shut_down(&self, driver: &IopollDriver, deadline: Duration) -> Report {
        report(futures::executor::block_on(driver.shutdown(deadline)))
    }

    fn in_flight(&self, driver: &IopollDriver) -> Option<u64> {
        Some(driver.counters().in_flight)
    }
}
