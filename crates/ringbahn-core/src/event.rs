//! [`Event`]: one IO operation as a value, and the events that ringbahn brings.
//!
//! An event owns everything that the kernel will touch: the buffers, the addresses, the paths, and
//! a share of the open file. It is handed to a driver by a [`Submission`](crate::Submission),
//! which moves it to the heap first; from then until the operation has ended it belongs to the
//! kernel.
//!
//! # Safety
//!
//! The invariants on which every event in this module builds its entries:
//!
//! E1. From the call of [`Event::prepare`] until the terminal CQE the event stays where it is and
//!     nobody touches it. So a pointer into the event, or into memory it owns, may be given to
//!     the kernel.
//!
//! E2. A file is named by a [`SharedFd`](crate::SharedFd) that the event owns, so the number
//!     cannot come to mean another file while the operation runs.
//!
//! E3. [`Event::complete`] is called with what the kernel said of this event. A count in it is no
//!     more than what the entry asked for, and so many bytes at the entry's address have been
//!     written; a descriptor in it belongs to the event alone.
#![allow(unsafe_code)]

mod accept;
mod accept_multi;
mod as_personality;
mod async_cancel;
mod close;
mod connect;
mod drained;
mod either;
mod fsync;
mod install_fd;
mod into_slot;
mod link;
mod mapped;
mod message;
mod nop;
mod open_at;
mod pair;
mod pipe;
mod poll_add;
mod poll_multi;
mod read;
mod read_exact;
mod read_multi;
mod read_provided;
mod read_vectored;
mod recv;
mod recv_msg;
mod recv_msg_multi;
mod recv_multi;
mod recv_provided;
mod registry;
mod reporting;
mod rescued;
mod send;
mod send_all;
mod send_msg;
mod send_msg_zc;
mod send_to;
mod send_to_ring;
mod send_zc;
mod shutdown;
mod socket;
mod splice;
mod statx;
mod stepped;
mod tee;
#[cfg(test)]
pub(crate) mod testing;
mod then;
mod timeout;
mod timeout_multi;
mod transfer;
mod truncate;
mod when_ready;
mod write;
mod write_all;
mod write_vectored;

pub use accept::Accept;
pub use accept_multi::AcceptMulti;
pub use as_personality::AsPersonality;
pub use async_cancel::AsyncCancel;
pub use close::Close;
pub use connect::Connect;
pub use drained::Drained;
pub use either::Either;
pub use fsync::Fsync;
pub use install_fd::InstallFd;
pub use into_slot::{IntoSlot, Opens};
pub use link::{EventExt, Link};
pub use mapped::Mapped;
pub use message::ControlMessage;
pub use nop::Nop;
pub use open_at::{OpenAt, OpenOptions};
pub use pipe::Pipe;
pub use poll_add::{Interest, PollAdd, Ready};
pub use poll_multi::PollMulti;
pub use read::Read;
pub use read_exact::ReadExact;
pub use read_multi::ReadMulti;
pub use read_provided::ReadProvided;
pub use read_vectored::ReadVectored;
pub use recv::Recv;
pub use recv_msg::{Received, RecvMsg};
pub use recv_msg_multi::{Message, MessageDecoder, RecvMsgMulti};
pub use recv_multi::RecvMulti;
pub use recv_provided::RecvProvided;
pub use registry::{EVENTS, EventInfo};
pub use reporting::{Reporting, Usage, ZeroCopy};
pub use rescued::{Keep, Rescued};
pub use send::Send;
pub use send_all::SendAll;
pub use send_msg::SendMsg;
pub use send_msg_zc::SendMsgZc;
pub use send_to::SendTo;
pub use send_to_ring::SendToRing;
pub use send_zc::SendZc;
pub use shutdown::Shutdown;
pub use socket::Socket;
pub use socket2::{Domain, Protocol, Type};
pub use splice::Splice;
pub use statx::{Metadata, Statx};
pub use stepped::{Step, Stepped};
pub use tee::Tee;
pub use then::Then;
pub use timeout::Timeout;
pub use timeout_multi::TimeoutMulti;
pub use transfer::{Incomplete, Position};
pub use truncate::Truncate;
pub use when_ready::WhenReady;
pub use write::Write;
pub use write_all::WriteAll;
pub use write_vectored::WriteVectored;

use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// One IO operation as a value.
///
/// `prepare` is unsafe to *call* and safe to implement: whoever calls it owes the implementor the
/// guarantee below. Writing an event needs `unsafe` only where an entry names memory or a file
/// ([`Sqe::new`](crate::Sqe::new)).
///
/// The life of an event: it is created; a submission moves it to the heap and calls `prepare`
/// until a driver has taken the entries; the kernel owns it; then `complete` turns it and what the
/// kernel said into an output, or `cancelled` cleans up where nobody wants one any more. Between
/// the last two `resubmit` may send it round once more.
///
/// None of these methods runs under a lock or borrow of the driver, so they may use the driver,
/// and a panic in one of them loses nothing but this operation.
///
/// # Examples
///
/// ```
/// use ringbahn_core::{Event, Outcome, Sqe, Sqes};
///
/// /// Does nothing, and says whether that worked.
/// struct Ping;
///
/// impl Event for Ping {
///     type Output = bool;
///
///     unsafe fn prepare(&mut self, sqes: &mut Sqes) {
///         sqes.push(Sqe::nop());
///     }
///
///     fn complete(self, outcome: Outcome<'_, Self>) -> bool {
///         outcome.result().is_ok()
///     }
/// }
/// ```
pub trait Event: std::marker::Send + Sized + 'static {
    /// What the operation yields. Dropping it must dispose of everything in it: an accepted
    /// socket is an `OwnedFd`, never a number.
    type Output;

    /// How many entries `prepare` will push: from 1 to
    /// [`SQES_PER_EVENT_MAX`](crate::SQES_PER_EVENT_MAX), and the same at each call.
    fn sqes_needed(&self) -> u32 {
        1
    }

    /// Lays out the operation's entries.
    ///
    /// May be called several times before the operation starts, and again when it is submitted
    /// once more; entries of an earlier call have then been discarded or have ended.
    ///
    /// # Safety
    ///
    /// After this call the caller must not touch or move `self` until the operation's terminal
    /// CQE has been seen or the entries have been discarded unsubmitted.
    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>);

    /// Turns the event and what the kernel said into the output.
    fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output;

    /// The cancellation callback: runs instead of a wake-up when nobody waits any more.
    fn cancelled(self, outcome: Outcome<'_, Self>) {
        drop(self.complete(outcome));
    }

    /// Whether an operation of one entry, now ended with `outcome`, is to be submitted once more.
    ///
    /// Asked only while nobody has cancelled it. The default repeats what has not run: an
    /// operation interrupted by a signal, or bound to a thread that has exited. An event that
    /// must not be repeated, or that goes on after a short transfer, says so here.
    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        outcome.has_not_run()
    }

    /// How many CQEs may wait unread before the operation is cancelled: for
    /// [`Multishot`](crate::Multishot), which reads them while it runs.
    #[doc(hidden)]
    fn unread_max(&self) -> u32 {
        u32::MAX
    }
}
