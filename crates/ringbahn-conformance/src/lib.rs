//! The suite that any driver of ringbahn must pass.
//!
//! A driver is safe code that cannot make an operation unsound. It can make it hang, lose it, leak
//! it, or lie about it; what it owes is written at [`Drive`](ringbahn_core::Drive). This suite
//! tries all of that, on a driver that comes with ringbahn or on yours, in a few seconds.
//!
//! # How to use it
//!
//! Tell the suite how your driver is made, run and shut down ([`Subject`]), in a test program of
//! its own: descriptors are counted for the whole process.
//!
//! ```no_run
//! # // Not run: this crate brings no driver to run it on.
//! use std::time::Duration;
//! use ringbahn_conformance::{QueueSizes, Report, Subject, Suite, Unable};
//! # use std::{io, pin::Pin, task::{Context, Poll}};
//! # use ringbahn_core::{CancelTarget, Completion, Drive, Reservation, Shared};
//! # #[derive(Clone)]
//! # struct MyDriver;
//! # impl MyDriver {
//! #     fn with_queues(submission: u32, completion: u32) -> io::Result<MyDriver> { Ok(MyDriver) }
//! #     fn stop(&self, deadline: Duration) -> (u64, u64, u64) { (0, 0, 0) }
//! # }
//! # impl Drive for MyDriver {
//! #     type Sharing = Shared;
//! #     fn poll_prepare<'cx>(
//! #         self: Pin<&mut Self>,
//! #         cx: &mut Context<'cx>,
//! #         count: u32,
//! #         prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
//! #     ) -> Poll<io::Result<Completion<'cx>>> { Poll::Pending }
//! #     fn poll_submit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
//! #         Poll::Pending
//! #     }
//! #     fn cancel(self: Pin<&mut Self>, target: CancelTarget) {}
//! # }
//!
//! struct Mine;
//!
//! impl Subject for Mine {
//!     type Driver = MyDriver;
//!
//!     fn name(&self) -> String {
//!         "mine".into()
//!     }
//!
//!     fn make(&self, sizes: QueueSizes) -> Result<MyDriver, Unable> {
//!         Ok(MyDriver::with_queues(sizes.submission, sizes.completion)?)
//!     }
//!
//!     fn shut_down(&self, driver: &MyDriver, deadline: Duration) -> Report {
//!         let (completed, cancelled, leaked) = driver.stop(deadline);
//!         Report { completed, cancelled, leaked }
//!     }
//! }
//!
//! // In a test:
//! Suite::new().run(Mine).assert_conforms();
//! ```
//!
//! A driver of one thread also says how it runs a future ([`Subject::block_on`]); one that counts
//! what is in flight lets the suite see it ([`Subject::in_flight`]); one that registers buffers or
//! files with its ring gives them to it ([`Subject::buffer_group`] and the like).
//!
//! # What it tries
//!
//! | group | promise |
//! |---|---|
//! | `data` | The right bytes at the right places, of files, pipes, sockets and datagrams. |
//! | `errors` | Every error comes back as what it is, with the buffers as they were. |
//! | `cancel` | What nobody wants ends, lets go of what it holds, and takes nothing with it. |
//! | `backpressure` | Queues of one and two hold up thousands of operations, and lose none. |
//! | `teardown` | A driver ends in time, says truly what it has stopped, and refuses what comes. |
//! | `leaks` | Not a descriptor, an event, a waker, a buffer or a thread is left. |
//! | `threads` | Futures and handles move between threads, which come and go. |
//! | `wakers` | No waker is called where it could deadlock, and none that panics harms others. |
//! | `repeats` | What has to go round goes round, and stops when it is told to. |
//! | `links` | Chains run in their order, whole or not at all. |
//! | `zero-copy` | A buffer comes back when the kernel is done with it, and not before. |
//! | `streams` | What one operation yields one after the other arrives, once, whoever lags or goes. |
//! | `registered` | Buffers, groups of them and slots that belong to the ring are used and given back. |
//! | `lifecycle` | Every event at 25 moments of its life: dropped, cancelled, restarted, … |
//!
//! Each case runs on a driver of its own in a thread of its own. One that hangs is given up after
//! [ten seconds](Suite::patience), with its name and what it was doing. Around each case the
//! process's descriptors are compared, one by one.
//!
//! # Differences
//!
//! A driver that cannot do something by its nature says so in a file that the suite reads:
//! [`Differences`]. A difference that is expected and does not happen is a failure, too, so the
//! file does not grow old. What a driver refuses with an error of the kind `Unsupported`, such as
//! what it would have to register with its ring, stands there as well, and is tried: the refusal is
//! to be just that, and is to leave nothing behind.
//!
//! # What it does not try
//!
//! Speed; faults of the kernel, such as failing system calls; and what is peculiar to one driver.

#![cfg(target_os = "linux")]

mod any_buffer;
mod any_event;
mod any_multi;
mod bench;
mod case;
mod cases;
mod descriptors;
mod differences;
mod elsewhere;
mod events;
mod handle;
mod kind;
mod ledger;
mod lent;
mod lifecycle;
mod operating;
mod props;
mod results;
mod subject;
mod suite;
mod verdict;
mod wakers;
mod watchdog;

pub use case::Group;
pub use differences::Differences;
pub use kind::{Kind, Takes};
pub use results::{CaseResult, Counts, Outcome, Results};
pub use subject::{QueueSizes, Report, Subject, Unable};
pub use suite::Suite;
