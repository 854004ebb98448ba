//! Drivers for ringbahn: the raw io_uring layer, the queue halves, and what runs on them.
//!
//! # Which driver
//!
//! | driver | for | how it waits |
//! |---|---|---|
//! | [`SharedDriver`] | any executor; the default | submits and reaps inline; a helper thread waits when nobody else does |
//! | [`LocalDriver`] | one thread that does all its IO, or one for each core | submits and waits in one system call; locks nothing |
//! | [`ShardedDriver`] | any executor on many cores | as the shared one, with a ring for each thread |
//! | `HostedDriver`, features `tokio` and `async-io` | programs that live in tokio or smol | submits once a turn; a task of the runtime reaps |
//! | [`SqpollDriver`] | programs with a core to spare | a thread of the kernel takes the entries; a helper thread waits |
//! | [`IopollDriver`] | direct IO on devices that are polled | a helper thread asks the devices |
//!
//! Where io_uring is not available the first four run on the fallback, which executes the same
//! entries inside the process; [`Policy`] says whether they may, and [`Backend`] whether they do.
//! It also executes, beside a ring, what a kernel does not know.
//!
//! Where none works, or not as it should, [`Survey`] says what the machine's io_uring can do and
//! what to change; the command `ringbahn doctor` prints it.
//!
//! # Tuning a ring
//!
//! Every builder passes on what [`Setup`] can ask for, by its method `setup`: memory of one's own,
//! [`Restrictions`], the size of CQEs. Every driver hands out a [`Registrar`], by which its ring is
//! told more while it runs: how many worker threads it may have, what credentials there are, to be
//! of another size. [`tuning`] lists all that there is, since when, and what the fallback makes of
//! it.
//!
//! # Writing your own
//!
//! A driver manages a ring: it readies places, submits, and processes completions, and it may hold
//! operations back at each step. All of it can be written under `#![forbid(unsafe_code)]`:
//!
//! * [`Setup`] makes a ring, or says with [`Unavailable`] why there is none;
//! * [`SubmissionQueue`] reserves places and publishes them;
//! * [`RingHandle`] enters the kernel, and waits;
//! * [`CompletionQueue`] reaps what the kernel has answered.
//!
//! The parts of a ring that [`Setup::build`] makes may be shared by threads; those of
//! [`Setup::build_local`] stay with theirs. [`Drive::Sharing`](ringbahn_core::Drive::Sharing) says
//! which kind a driver is of.
//!
//! A driver that forgets to submit or to reap makes operations hang; it cannot make them unsound.
//!
//! ```
//! use ringbahn_core::Batch;
//! use ringbahn_drivers::{Queues, Setup};
//!
//! # fn main() -> std::io::Result<()> {
//! let queues = Setup::new(64).build();
//! # if queues.is_err() { return Ok(()); }
//! let Queues { mut submission, mut completion, handle } = queues?;
//!
//! let _places = submission.reserve(1)?; // An operation is laid out in them.
//! submission.publish();
//! handle.enter(0)?;
//!
//! let mut batch = Batch::default();
//! let reaped = completion.reap(&mut batch, usize::MAX);
//! assert_eq!(reaped.count, 0); // Nothing was laid out.
//! # Ok(())
//! # }
//! ```

#![cfg(target_os = "linux")]

mod at_once;
mod backend;
mod backlog;
mod counters;
mod delegate;
mod direct;
mod fallback;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(any(feature = "tokio", feature = "async-io"))]
mod hosted;
mod iopoll;
mod local;
mod policy;
mod prometheus;
mod queue;
mod receive_queue;
mod refusal;
mod registered;
mod registrar;
pub mod registration;
mod report;
mod setup;
mod sharded;
mod shared;
mod sqpoll;
pub mod survey;
mod sync;
mod sys;
#[cfg(all(test, not(loom)))]
mod testing;
mod trace;
pub mod tuning;
mod unavailable;

pub use backend::Backend;
pub use counters::Counters;
#[cfg(any(feature = "tokio", feature = "async-io"))]
pub use hosted::{HostedBuilder, HostedDriver, HostedTask, NoHost};
pub use iopoll::{IopollBuilder, IopollDriver, NotPolled};
pub use local::{LocalBuilder, LocalDriver, LocalSpawner, LocalTask, LocalTasks};
pub use policy::Policy;
pub use prometheus::PrometheusText;
pub use queue::completion::{CompletionQueue, Reaped};
pub use queue::handle::{Readiness, RingHandle};
pub use queue::submission::SubmissionQueue;
pub use queue::width::CompletionWidth;
pub use refusal::TooLong;
pub use registered::{RegisteredBuffer, RegisteredBuffers, TakeBuffer};
pub use registrar::lacking::Lacking;
pub use registrar::{
    CancelledNow, Napi, NapiTracking, Notice, Notify, Registrar, WaitClock, WorkerLimits,
};
pub use report::Report;
pub use setup::memory::RingMemory;
pub use setup::restrictions::Restrictions;
pub use setup::{Queues, Setup};
pub use sharded::{ShardedBuilder, ShardedDriver, ShardedShutdown};
pub use shared::{SharedBuilder, SharedDriver, Shutdown};
pub use sqpoll::{SqpollBuilder, SqpollDriver};
pub use survey::Survey;
pub use sys::datagram_option::DatagramOption;
pub use sys::probe::Probe;
pub use unavailable::{Reason, Unavailable};

/// What drivers rely on: halves move between threads, handles are shared among them.
const _: () = {
    const fn is_send<T: Send>() {}
    const fn is_sync<T: Sync>() {}
    is_send::<Queues>();
    is_send::<RingHandle>();
    is_sync::<RingHandle>();
    is_sync::<Unavailable>();
};
