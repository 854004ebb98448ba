//! Events of one's own: one made of others in safe code, and one with an entry of its own.
//!
//! ```sh
//! cargo run --example own_event
//! ```
//!
//! - [`Pool`] keeps the buffers of a program. A read gets one of them lent, and where the read is
//!   abandoned the buffer finds its way home when the kernel is done with it. An event that is
//!   made of others needs no unsafe code.
//! - [`Fallocate`] is an operation that the library does not bring. An event prepares entries of
//!   the kernel's format, which may name files and memory: that is what `unsafe` is for here, and
//!   all that it is for.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use futures::future::poll_immediate;
use ringbahn::event::{Keep, Position, Read, Rescued};
use ringbahn::{
    BufResult, DefaultDriver, Drive, Event, Outcome, SharedDriver, SharedFd, Sqe, Sqes,
};

/// Buffers that are used again and again.
#[derive(Clone, Default)]
struct Pool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Pool {
    fn take(&self) -> Vec<u8> {
        let buffer = self.free.lock().expect("nobody panics here").pop();
        buffer.unwrap_or_else(|| Vec::with_capacity(4096))
    }

    fn put(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.free.lock().expect("nobody panics here").push(buffer);
    }

    /// A read into a buffer of the pool. Who waits for it gets the buffer and puts it back; where
    /// nobody waits any more, the pool gets it from the kernel directly.
    fn read(&self, file: SharedFd) -> Rescued<Read<Vec<u8>>, Pool> {
        Rescued::new(Read::new(file, self.take(), Position::Current), self.clone())
    }
}

/// What becomes of the output of a read that was abandoned.
impl Keep<BufResult<usize, Vec<u8>>> for Pool {
    fn keep(self, (_result, buffer): BufResult<usize, Vec<u8>>) {
        self.put(buffer);
    }
}

/// `IORING_OP_FALLOCATE`, from the kernel's header `linux/io_uring.h`.
const FALLOCATE: u8 = 17;

/// Reserves room on the disk, so that later writes there do not fail for lack of it, and makes the
/// file as long.
///
/// An event owns all that the kernel will touch. Here that is a share of the file, which stays
/// open until the operation has ended, whatever else becomes of the file.
struct Fallocate {
    file: SharedFd,
    offset: u64,
    length: u64,
}

#[allow(unsafe_code, reason = "the entry names a file")]
impl Event for Fallocate {
    /// What `await` yields.
    type Output = io::Result<()>;

    // The method is unsafe to call, not to write: the caller promises that the event stays where
    // it is and untouched until the kernel is done.
    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: what the entry names must be valid until the operation ends. It names a file, of
        // which the event owns a share until then; and no memory.
        let entry = unsafe { Sqe::new(FALLOCATE) };
        // Where the kernel looks for what is told in the manual of `io_uring_enter`: this
        // operation has its length in the word that is the address of others.
        sqes.push(entry.file(&self.file).offset(self.offset).address_number(self.length));
    }

    /// Decodes the kernel's answer.
    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}

fn main() -> io::Result<()> {
    let driver = DefaultDriver::shared().unwrap_or_else(unavailable);
    block_on(async {
        lend_and_abandon(driver).await?;
        reserve(driver).await
    })
}

async fn lend_and_abandon(driver: &SharedDriver) -> io::Result<()> {
    let pool = Pool::default();
    let (reader, writer) = io::pipe()?;
    let reader = SharedFd::new(Arc::new(reader));

    // Nobody writes, so the read is in flight and its buffer the kernel's when it is dropped.
    let mut abandoned = Box::pin(driver.submit(pool.read(reader.clone())));
    assert!(poll_immediate(&mut abandoned).await.is_none());
    drop(abandoned);
    // Only to see it happen; who needs a buffer takes another one.
    while pool.free.lock().expect("nobody panics here").is_empty() {
        std::thread::yield_now();
    }
    drop(writer);

    // The next one is lent the same buffer.
    let (count, buffer) = driver.submit(pool.read(reader)).await;
    assert_eq!(count?, 0);
    pool.put(buffer);
    let buffers = pool.free.lock().expect("nobody panics here").len();
    println!("two reads, of which one was abandoned, made do with {buffers} buffer");
    Ok(())
}

async fn reserve(driver: &SharedDriver) -> io::Result<()> {
    let file = tempfile::tempfile()?;
    let shared = SharedFd::try_from(file.as_fd())?;
    match driver.submit(Fallocate { file: shared, offset: 0, length: 1 << 20 }).await {
        Ok(()) => println!("the file has {} bytes now", file.metadata()?.len()),
        Err(error) => println!("this file system reserves nothing: {error}"),
    }
    Ok(())
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
