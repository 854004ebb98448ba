//! [`Build`] and [`Host`]: a driver, and what runs futures on it.

use std::future::Future;

use ringbahn::{
    AlignedBuffer, Buffering, Drive, IoBuf, IoBufMut, RegisteredBuffer, RegisteredBuffers,
};

use crate::laboratory::contender::Failure;

/// Where a page begins, which is what direct IO asks for.
const ALIGNMENT: usize = 4096;

/// How many buffers connections share that are mostly idle, and how long each is. There are few, so
/// that those who wait are seen, and not the buffers.
pub(super) const SHARED_BUFFERS: (u16, u32) = (64, 1024);

/// How a driver is built, and what goes with it.
pub(super) trait Build {
    type Driver: Drive + Clone + Unpin + 'static;
    /// What files are read into and written from.
    type Buffer: IoBuf + IoBufMut + Sync;
    /// How a connection has its buffers that is mostly idle.
    type Buffering: Buffering + Clone;

    fn build() -> Result<Self::Driver, Failure>;

    /// So many buffers of `size` bytes, full of something, that suit direct IO.
    fn buffers(
        driver: &Self::Driver,
        count: u32,
        size: usize,
    ) -> Result<Vec<Self::Buffer>, Failure>;

    fn buffering(driver: &Self::Driver) -> Result<Self::Buffering, Failure>;
}

/// A driver, and what runs futures on it.
pub(super) trait Host: Sized {
    type Build: Build;

    fn new() -> Result<Self, Failure>;

    fn driver(&self) -> DriverOf<Self>;

    /// Runs `future` to its end on this thread, and with it all tasks.
    fn block_on<F: Future>(&self, future: F) -> F::Output;

    fn buffers(&self, count: u32, size: usize) -> Result<Vec<BufferOf<Self>>, Failure> {
        Self::Build::buffers(&self.driver(), count, size)
    }

    fn buffering(&self) -> Result<<Self::Build as Build>::Buffering, Failure> {
        Self::Build::buffering(&self.driver())
    }
}

pub(super) type DriverOf<H> = <<H as Host>::Build as Build>::Driver;
pub(super) type BufferOf<H> = <<H as Host>::Build as Build>::Buffer;

/// A host whose tasks may be such futures.
pub(super) trait Spawn<F: Future>: Host {
    /// Starts a task. What is returned yields its output.
    fn spawn(&self, future: F) -> impl Future<Output = F::Output>;

    /// Starts a task that nobody waits for.
    fn detach(&self, future: F);
}

/// Buffers of the process, as direct IO wants them.
pub(super) fn aligned(count: u32, size: usize) -> Vec<AlignedBuffer> {
    let buffer = |_| {
        let mut buffer = AlignedBuffer::new(size, ALIGNMENT);
        buffer.resize(size);
        buffer
    };
    (0..count).map(buffer).collect()
}

/// All of those that are registered. They begin at pages.
pub(super) fn taken(buffers: &RegisteredBuffers) -> Vec<RegisteredBuffer> {
    let buffer = |mut buffer: RegisteredBuffer| {
        buffer.set_len(buffer.capacity());
        buffer
    };
    std::iter::from_fn(|| buffers.take()).map(buffer).collect()
}
