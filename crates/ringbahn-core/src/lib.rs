//! The protocol of ringbahn: events, drivers, submissions, and who owns what in between.
//!
//! This crate makes no system call but `close`, and reads clocks. It holds the parts that every
//! driver shares:
//!
//! | noun | what it is |
//! |---|---|
//! | [`Event`] | one IO operation as a value; it owns everything the kernel will touch |
//! | [`Drive`] | manages an io_uring instance: finds room, submits, reaps; users write their own |
//! | [`Submission`] | the future that exchanges one event with one driver |
//! | [`Multishot`] | the stream of what one event yields that goes on until it is stopped |
//! | [`Completion`] | the receipt of that exchange; behind it, the shared state of an operation |
//! | [`OperationTable`] | the operations in flight on one ring |
//!
//! # Who owns what
//!
//! From the moment that its entries are committed to a queue until the kernel has posted the last
//! CQE of each, an event belongs to the kernel. It lives in a record on the heap that the
//! operation table shares with the future, so it does not matter what becomes of the future: it
//! may be dropped, forgotten, or moved to another thread. Whoever reaps the last CQE hands the
//! event back, to the future if there still is one, and else to the event's own
//! [cancellation callback](Event::cancelled). Nothing else ever frees it: a table that is dropped
//! with operations in flight leaks them.
//!
//! The crate [`ringbahn`](https://docs.rs/ringbahn) is the one to use; this one is for those who
//! write events and drivers.

#![cfg(target_os = "linux")]

mod address;
mod attempt;
pub mod buf;
mod cancel;
mod cancelling;
mod clock;
mod completion;
mod cqe;
mod direct;
mod drive;
pub mod event;
mod fd;
mod fork;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod metrics;
mod multishot;
pub mod opcode;
mod operation;
mod outcome;
mod panics;
mod permission;
mod personality;
mod pollable;
mod provided;
mod receive_queue;
mod reservation;
mod ring_id;
mod scope;
mod selection;
mod sharing;
mod sqe;
mod straight;
mod submission;
mod sync;
mod timeout;
mod timers;
mod trace;

pub use address::SocketAddress;
pub use attempt::{Attempt, Served};
pub use buf::{
    AlignedBuffer, BufError, BufResult, BufResultExt, DirectIo, EitherBuffer, IoBuf, IoBufMut,
    IoBufs, Misaligned, Registration, Slice,
};
pub use cancel::{Cancel, Cancelled};
pub use cancelling::{CancelReport, Cancelling};
pub use clock::{Clock, Deadline};
pub use cqe::{Cqe, WideCqe};
pub use direct::{DirectFd, DirectTable, Slots};
pub use drive::{Completion, Drive};
pub use event::Event;
pub use fd::{OpenFile, SharedFd};
pub use metrics::histogram::Latencies;
pub use metrics::{Metering, Metrics, OpcodeMetrics};
pub use multishot::Multishot;
pub use multishot::event::MultiEvent;
pub use operation::batch::{Aftermath, Batch, Consequence};
pub use operation::ended::Resubmission;
#[doc(hidden)]
pub use operation::repeats::Repeats;
pub use operation::table::{Matched, Noting, OperationTable};
pub use operation::target::CancelTarget;
pub use outcome::Outcome;
pub use permission::{Forbidden, Rule};
pub use personality::Personality;
pub use pollable::Pollable;
pub use provided::{
    BufferGroup, BufferQueue, BufferReturn, Bundle, BundleParts, GroupMemory, PartDecoder,
    ProvidedBuffer, SendQueue,
};
pub use receive_queue::{ReceiveMemory, ReceiveQueue, ReceivedPiece, RefillEntry, RefillMemory};
pub use reservation::{Reservation, TooFewPlaces};
pub use ring_id::{ForeignRing, RingId};
pub use scope::{CancelScope, Within};
pub use selection::Selection;
pub use sharing::{Local, Shared, Sharing};
pub use sqe::{SQES_PER_EVENT_MAX, Sqe, Sqes};
pub use straight::{receive_straight, send_straight};
pub use submission::Submission;
pub use timeout::Timeout;
pub use timers::{Sleep, Timers};
