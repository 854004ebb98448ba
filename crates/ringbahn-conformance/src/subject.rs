//! [`Subject`]: what an author tells the suite of a driver.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use ringbahn_core::{BufferGroup, DirectTable, Drive, IoBufMut};

use crate::handle::Handle;
use crate::kind::{Kind, Takes};

/// How large the queues of a driver are to be.
///
/// Bugs of full queues hide in large ones, so most cases ask for very small ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSizes {
    /// Entries of the submission queue, a power of two.
    pub submission: u32,
    /// Entries of the completion queue, a power of two.
    pub completion: u32,
}

/// Why a driver cannot be made: the case is skipped with this reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unable(pub String);

/// What became of the operations that were in flight when a driver was shut down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Ran to their end.
    pub completed: u64,
    /// Were stopped before they had done anything.
    pub cancelled: u64,
    /// Are still the kernel's.
    pub leaked: u64,
}

/// A driver under test: how it is made, run and shut down.
///
/// One value stands for one configuration of the driver, and makes a new driver for each case.
///
/// A case polls and drops futures on the thread that has made the driver, inside of
/// [`block_on`](Subject::block_on) and outside of it. It waits inside only, for its other threads
/// as well.
///
/// What a driver has registered with its ring is asked for by the last three methods. One that has
/// none of a kind leaves its method out: the cases about it then end with the error `Unsupported`,
/// which the list of [`Differences`](crate::Differences) has to know of.
pub trait Subject: Send + Sync + 'static {
    /// The driver: a cheap handle, whose clones are handles of the same driver.
    type Driver: Drive + Clone + 'static;

    /// The name of the driver in tables and in the list of expected differences: words without
    /// `:`.
    fn name(&self) -> String;

    /// Makes a driver, on the thread on which it will be used.
    ///
    /// # Errors
    ///
    /// [`Unable`], with the reason, where there can be none of these sizes on this machine. All
    /// that the driver promises is tested where it can be made.
    fn make(&self, sizes: QueueSizes) -> Result<Self::Driver, Unable>;

    /// Runs `future` to its end. A driver that needs no loop of its own leaves it at that.
    fn block_on(&self, driver: &Self::Driver, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        let _ = driver;
        futures::executor::block_on(future);
    }

    /// Ends the driver: no event is accepted any more, what is in flight is cancelled, and the
    /// call returns when nothing is, or soon after `deadline`.
    fn shut_down(&self, driver: &Self::Driver, deadline: Duration) -> Report;

    /// How many operations are in flight, where the driver knows.
    fn in_flight(&self, driver: &Self::Driver) -> Option<u64> {
        let _ = driver;
        None
    }

    /// Makes a group of `count` buffers of `size` bytes, for operations on the driver's ring.
    ///
    /// # Errors
    ///
    /// `Unsupported` where there are no such groups.
    fn buffer_group(
        &self,
        driver: &Self::Driver,
        count: u16,
        size: u32,
    ) -> io::Result<BufferGroup> {
        let _ = (driver, count, size);
        Err(io::Error::new(io::ErrorKind::Unsupported, "the driver makes no groups of buffers"))
    }

    /// Gives the driver's ring `slots` slots for direct descriptors.
    ///
    /// # Errors
    ///
    /// `Unsupported` where there are no slots.
    fn direct_table(&self, driver: &Self::Driver, slots: u32) -> io::Result<DirectTable> {
        let _ = (driver, slots);
        Err(io::Error::new(io::ErrorKind::Unsupported, "the driver has no slots for files"))
    }

    /// Registers `count` buffers of `size` bytes with the driver's ring, and takes all of them.
    ///
    /// # Errors
    ///
    /// `Unsupported` where buffers cannot be registered.
    fn registered_buffers(
        &self,
        driver: &Self::Driver,
        count: u16,
        size: usize,
    ) -> io::Result<Vec<Box<dyn IoBufMut>>> {
        let _ = (driver, count, size);
        Err(io::Error::new(io::ErrorKind::Unsupported, "the driver registers no buffers"))
    }
}

/// A subject with its driver's type forgotten.
pub(crate) trait AnySubject<S: Kind>: Send + Sync {
    fn make(&self, sizes: QueueSizes) -> Result<Box<dyn AnyDriver<S>>, Unable>;
}

/// A driver together with what its subject does with it.
pub(crate) trait AnyDriver<S: Kind> {
    fn handle(&self) -> Handle<S>;

    fn block_on(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>);

    fn shut_down(&self, deadline: Duration) -> Report;

    fn in_flight(&self) -> Option<u64>;

    fn buffer_group(&self, count: u16, size: u32) -> io::Result<BufferGroup>;

    fn direct_table(&self, slots: u32) -> io::Result<DirectTable>;

    fn registered_buffers(&self, count: u16, size: usize) -> io::Result<Vec<Box<dyn IoBufMut>>>;
}

/// Makes drivers that keep their subject alive.
pub(crate) struct Maker<T>(pub(crate) std::sync::Arc<T>);

struct Made<T: Subject> {
    subject: std::sync::Arc<T>,
    driver: T::Driver,
}

impl<S, T> AnySubject<S> for Maker<T>
where
    S: Takes<T::Driver>,
    T: Subject<Driver: Drive<Sharing = S>>,
{
    fn make(&self, sizes: QueueSizes) -> Result<Box<dyn AnyDriver<S>>, Unable> {
        let driver = self.0.make(sizes)?;
        Ok(Box::new(Made { subject: self.0.clone(), driver }))
    }
}

impl<S, T> AnyDriver<S> for Made<T>
where
    S: Takes<T::Driver>,
    T: Subject<Driver: Drive<Sharing = S>>,
{
    fn handle(&self) -> Handle<S> {
        Handle::new(self.driver.clone())
    }

    fn block_on(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        self.subject.block_on(&self.driver, future);
    }

    fn shut_down(&self, deadline: Duration) -> Report {
        self.subject.shut_down(&self.driver, deadline)
    }

    fn in_flight(&self) -> Option<u64> {
        self.subject.in_flight(&self.driver)
    }

    fn buffer_group(&self, count: u16, size: u32) -> io::Result<BufferGroup> {
        self.subject.buffer_group(&self.driver, count, size)
    }

    fn direct_table(&self, slots: u32) -> io::Result<DirectTable> {
        self.subject.direct_table(&self.driver, slots)
    }

    fn registered_buffers(&self, count: u16, size: usize) -> io::Result<Vec<Box<dyn IoBufMut>>> {
        self.subject.registered_buffers(&self.driver, count, size)
    }
}

/// An error of making a driver is the reason why there is none.
impl From<io::Error> for Unable {
    fn from(error: io::Error) -> Unable {
        Unable(error.to_string())
    }
}
