//! Async IO on Linux's io_uring, from any executor, with no risk of memory unsafety.
//!
//! ```
//! use std::{fs::File, io};
//! use futures::io::AsyncReadExt;
//! use ringbahn::Ring;
//!
//! async fn read_on_ringbahn(file: File, buf: &mut [u8]) -> io::Result<usize> {
//!     let mut file: Ring<File> = Ring::new(file);
//!     file.read(buf).await
//! }
//! # fn main() -> io::Result<()> {
//! # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
//! # let mut buf = [1; 64];
//! # let file = File::open("/dev/zero")?;
//! # let count = futures::executor::block_on(read_on_ringbahn(file, &mut buf))?;
//! # assert_eq!((count, buf), (64, [0; 64]));
//! # Ok(())
//! # }
//! ```
//!
//! There is nothing to set up: no runtime, no loop, no thread to start. [`Ring`] takes an IO object
//! of std and runs its IO on io_uring; it is the one type to know. Files, sockets of every kind,
//! pipes and the standard streams [are such objects](Ring#what-it-holds); a stream can be had in
//! [halves](Ring::into_split), and [`io::copy`] copies from one to another. Files and directories
//! by their path are in [`fs`]; sleeps, intervals and timeouts in [`time`], child processes in
//! [`process`], names of hosts in [`net`].
//!
//! # What it promises
//!
//! - *Memory safety, whatever you do.* Futures may be dropped, forgotten or moved between threads
//!   at any moment: what the kernel touches belongs to a record on the heap, and is given back when
//!   the kernel has said that it is done. A file stays open until the last operation on it has
//!   ended. This crate contains no unsafe code.
//! - *Nothing is lost by a `select!`.* A read, receive or accept that is dropped leaves what it has
//!   brought with the handle, and the next one gets it. A write that was accepted is written, whole
//!   and in order. Every method says so, or says what it does instead, under *Cancel safety*.
//! - *Results have an owner.* What nobody takes any more is disposed of: connections are closed,
//!   buffers freed.
//! - *As in std.* Names, errors, and what `Ok(0)` means.
//!
//! # How it works
//!
//! | noun | what it is |
//! |---|---|
//! | [`Event`] | one IO operation as a value; it owns everything the kernel will touch |
//! | [`Drive`] | a driver: manages an io_uring instance; yours, if you write one |
//! | [`Submission`] | the future that runs one event on one driver |
//! | [`Multishot`] | the stream of what one event yields that goes on until it is stopped |
//! | [`Ring`] | a std IO object whose IO runs on a driver |
//!
//! The first operation of a process builds one ring, a [`SharedDriver`], and starts one thread,
//! `ringbahn-helper`. The thread runs none of your code but wakers, and does no IO: tasks submit
//! their own operations, and see at once those that complete at once. It sleeps until operations
//! complete that had to wait, and wakes their tasks. It is there because nothing else can be relied
//! on to look: an executor knows nothing of io_uring, and sleeps elsewhere.
//!
//! Another driver is taken with `Ring::new_on_driver` and its like:
//!
//! ```
//! use std::fs::File;
//! use ringbahn::{BufResultExt, Ring, SharedDriver};
//!
//! # fn main() -> std::io::Result<()> {
//! # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
//! let driver = SharedDriver::builder().entries(8).build()?;
//! let zero = Ring::new_on_driver(File::open("/dev/zero")?, driver.clone());
//! let read = zero.read_at(Vec::with_capacity(64), 0);
//! let (count, buffer) = futures::executor::block_on(read).both()?;
//! assert_eq!((count, buffer), (64, vec![0; 64]));
//! assert_eq!(driver.counters().completed, 1);
//! # Ok(())
//! # }
//! ```
//!
//! A thread that does all its IO by itself, as in a program with one for each core, is best off
//! with a [`LocalDriver`]. It submits and waits in one system call and locks nothing; in exchange
//! its handles and futures stay on the thread, and run inside of its `block_on`:
//!
//! ```
//! use std::fs::File;
//! use ringbahn::{BufResultExt, LocalDriver, Ring};
//!
//! # fn main() -> std::io::Result<()> {
//! # if LocalDriver::new().is_err() { return Ok(()) }
//! let driver = LocalDriver::new()?;
//! let zero = Ring::new_on_driver(File::open("/dev/zero")?, driver.clone());
//! let (count, _) = driver.block_on(zero.read_at(Vec::with_capacity(64), 0)).both()?;
//! assert_eq!(count, 64);
//! # Ok(())
//! # }
//! ```
//!
//! | driver | for |
//! |---|---|
//! | [`SharedDriver`] | any executor; the default |
//! | [`LocalDriver`] | one thread that does all its IO, or one for each core |
//! | `HostedDriver`, features `tokio` and `async-io` | programs that live in tokio or smol: a task of the runtime looks after the ring, and no thread |
//! | [`ShardedDriver`] | much IO by tasks that move between many threads: a ring for each thread |
//! | [`SqpollDriver`] | submitting all the time, with a core to spare for a thread of the kernel |
//! | [`IopollDriver`] | direct IO on devices that are polled, with a core to spare |
//!
//! The first four serve at once, by a system call that does not wait, what needs no waiting: a read
//! of a file that is in memory never comes to the ring. They also run on the fallback, see below.
//!
//! Programs to copy from, a driver and an event of one's own among them, are in the folder
//! [`examples`](https://github.com/ringbahn/ringbahn/tree/main/crates/ringbahn/examples).
//!
//! # What to know before
//!
//! - It is for Linux, and at its best where io_uring is allowed, from 5.11 on. Container runtimes
//!   often forbid it. Then the same drivers do the same work inside the process, by system calls,
//!   epoll and threads, and [can be asked](SharedDriver::fallback_reason) why; [`Policy`] says
//!   whether they may. A lack of memory or descriptors is an [`Unavailable`], which says what to
//!   do.
//! - `AsyncWrite` is write-behind, as with a `BufWriter`: an error may come with a later call, so
//!   `flush` or [`close`](Ring::close) before you believe it.
//! - Borrowed buffers are copied where something waits, and those of files always; owned ones
//!   ([`Ring::read_at`], [`Ring::recv`], …) never are.
//! - A task whose data is always there never waits, on any driver; where it shares its thread with
//!   others it should yield now and then.
//! - After `fork` the child cannot use the driver of its parent.
//!
//! # Features
//!
//! None is on by default, and each only adds.
//!
//! | feature | brings |
//! |---|---|
//! | `async-io` | `HostedDriver::async_io`: a driver with the reactor of async-io, as that of smol |
//! | `bytes` | `Bytes` and `BytesMut` as buffers |
//! | `hyper` | `Read` and `Write` of hyper for [`Ring`], and a `hyper::Timer` that needs no runtime |
//! | `local-executor` | `LocalExecutor`: a [`LocalDriver`] and the tasks of its thread in one value |
//! | `quinn` | a runtime for quinn, so that QUIC runs on a [`Ring`] of a `UdpSocket` |
//! | `signal` | signals as streams, and `ctrl_c` |
//! | `tokio` | `AsyncRead`, `AsyncBufRead`, `AsyncWrite` and `AsyncSeek` of tokio for [`Ring`] and its halves; `HostedDriver::tokio`: a driver that lives in its runtime |
//! | `tracing` | a span for each operation, at the level `TRACE` and the target `ringbahn`: the type of its event, and how it ended (`completed`, `refused`, `dropped` or `detached`); and events, from `DEBUG` on, where buffers are short, the completion queue has overflown, the fallback is used, or a driver is shut down |
//!
//! The traits of tokio are for the protocols that are written for them: TLS, WebSockets, codecs,
//! axum. They need no runtime of tokio, and do the same as those of futures-io; one handle may be
//! used with both.
//!
//! Many methods have the same name in both, so in a module that imports `AsyncReadExt` of futures
//! and that of tokio the compiler finds `stream.read(…)` ambiguous. Import one of them, or name the
//! trait: `tokio::io::AsyncReadExt::read(&mut stream, &mut buf)`. A method of [`Ring`] itself comes
//! before either: `stream.shutdown(how)` is [`Ring::shutdown`], and `stream.close()` is
//! [`Ring::close`]; tokio's is `tokio::io::AsyncWriteExt::shutdown(&mut stream)`.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod driver;
pub mod fs;
#[cfg(feature = "hyper")]
pub mod hyper;
pub mod io;
#[cfg(feature = "local-executor")]
mod local_executor;
pub mod net;
pub mod process;
#[cfg(feature = "quinn")]
pub mod quinn;
mod ring;
#[cfg(feature = "signal")]
pub mod signal;
pub mod stdio;
pub mod time;

pub use driver::DefaultDriver;
#[cfg(feature = "local-executor")]
pub use local_executor::{LocalExecutor, LocalSpawner};
pub use ring::buffering::{Buffering, Heap, Provided, Registered};
pub use ring::direct::Direct;
pub use ring::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
pub use ring::message::Message;
pub use ring::object::{
    FileObject, Listener, Object, Readable, SocketObject, StreamSocket, Writable,
};
pub use ring::receive::Receive;
pub use ring::reception::{Datagram, Reception, Vectored, VectoredDatagram};
pub use ring::slot_accepts::IncomingInSlots;
pub use ring::slot_connections::SlotConnections;
pub use ring::slot_listener::SlotListener;
pub use ring::{Incoming, IntoInnerError, ReuniteError, Ring};
#[doc(no_inline)]
pub use socket2;

#[doc(no_inline)]
pub use ringbahn_core::{
    AlignedBuffer, Attempt, BufError, BufResult, BufResultExt, BufferGroup, BufferQueue,
    BufferReturn, Bundle, BundleParts, Cancel, CancelReport, CancelScope, CancelTarget, Cancelled,
    Cancelling, Completion, Cqe, DirectFd, DirectIo, DirectTable, Drive, Event, Forbidden,
    ForeignRing, IoBuf, IoBufMut, IoBufs, Latencies, Local, Metering, Metrics, Misaligned,
    MultiEvent, Multishot, OpcodeMetrics, OpenFile, Outcome, Personality, Pollable, ProvidedBuffer,
    ReceiveQueue, ReceivedPiece, Registration, Reservation, RingId, Rule, Selection, SendQueue,
    Served, Shared, SharedFd, Sharing, Slice, Slots, SocketAddress, Sqe, Sqes, Submission, Timeout,
    Within, buf, event, opcode,
};
#[doc(no_inline)]
pub use ringbahn_drivers::survey::{NoZeroCopyReceive, Obstacle};
#[doc(no_inline)]
pub use ringbahn_drivers::{
    Backend, CancelledNow, CompletionWidth, Counters, IopollBuilder, IopollDriver, Lacking,
    LocalBuilder, LocalDriver, LocalTask, LocalTasks, Napi, NapiTracking, NotPolled, Notice,
    Notify, Policy, PrometheusText, Reason, RegisteredBuffer, RegisteredBuffers, Registrar, Report,
    Restrictions, RingMemory, Setup, ShardedBuilder, ShardedDriver, SharedBuilder, SharedDriver,
    SqpollBuilder, SqpollDriver, TakeBuffer, TooLong, Unavailable, WaitClock, WorkerLimits,
    registration, tuning,
};
#[cfg(any(feature = "tokio", feature = "async-io"))]
#[doc(no_inline)]
pub use ringbahn_drivers::{HostedBuilder, HostedDriver, HostedTask, NoHost};

/// The examples of the project's front page, compiled as tests. The first is not run there, since a
/// machine without io_uring makes it fail; the one above is the same, and is run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;

/// The example of the page about metrics, likewise.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/metrics.md")]
struct MetricsPage;

/// The examples of the drivers' pages, likewise.
#[cfg(doctest)]
mod driver_pages {
    #[doc = include_str!("../../../docs/drivers/shared.md")]
    struct Shared;

    #[doc = include_str!("../../../docs/drivers/local.md")]
    struct Local;

    #[cfg(feature = "tokio")]
    #[doc = include_str!("../../../docs/drivers/hosted.md")]
    struct Hosted;

    #[doc = include_str!("../../../docs/drivers/sharded.md")]
    struct Sharded;

    #[doc = include_str!("../../../docs/drivers/sqpoll.md")]
    struct Sqpoll;

    #[doc = include_str!("../../../docs/drivers/iopoll.md")]
    struct Iopoll;

    #[doc = include_str!("../../../docs/drivers/fallback.md")]
    struct Fallback;
}
