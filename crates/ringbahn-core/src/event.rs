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
mod accept_into_slots;
mod accept_multi;
mod answered_nop;
mod as_personality;
mod async_cancel;
mod attribute;
mod bind;
mod close;
mod connect;
mod drained;
mod either;
mod epoll_ctl;
mod epoll_wait;
mod fadvise;
mod fallocate;
mod fget_xattr;
mod file_type;
mod files_update;
mod fset_xattr;
mod fsync;
mod futex_wait;
mod futex_waitv;
mod futex_wake;
mod futex_word;
mod get_socket_option;
mod get_xattr;
mod install_fd;
mod into_slot;
mod lent_buffers;
mod link;
mod link_at;
mod link_timeout;
mod listen;
mod madvise;
mod mapped;
pub(crate) mod message;
mod mkdir_at;
mod nop;
mod nop128;
mod nvme_command;
mod open_at;
mod open_at2;
mod pair;
mod pipe;
mod poll_add;
mod poll_multi;
mod poll_remove;
mod poll_update;
mod provide_buffers;
mod read;
mod read_exact;
mod read_multi;
mod read_provided;
mod read_ranges;
mod read_vectored;
mod recv;
mod recv_bundle;
mod recv_bundles;
mod recv_lent;
mod recv_msg;
pub(crate) mod recv_msg_multi;
mod recv_multi;
mod recv_parts;
mod recv_provided;
mod recv_zc;
mod register_fd;
mod registry;
mod remove_buffers;
mod rename_at;
mod reporting;
mod rescued;
mod reuse_address;
mod send;
mod send_all;
mod send_bundle;
mod send_msg;
mod send_msg_zc;
mod send_number;
mod send_to;
mod send_to_ring;
mod send_zc;
mod set_socket_option;
mod set_xattr;
mod shutdown;
mod socket;
mod socket_option;
mod socket_queue;
mod splice;
mod start;
pub(crate) mod statx;
mod stepped;
mod symlink_at;
mod sync_file_range;
mod target_state;
mod tee;
#[cfg(test)]
pub(crate) mod testing;
mod then;
mod timeout;
mod timeout_multi;
mod timeout_remove;
mod timeout_update;
mod transfer;
mod truncate;
mod unlink_at;
mod uring_command;
mod uring_command128;
mod wait_id;
mod when_ready;
mod write;
mod write_all;
mod write_ranges;
mod write_vectored;

pub use accept::Accept;
pub use accept_into_slots::AcceptIntoSlots;
pub use accept_multi::AcceptMulti;
pub use answered_nop::AnsweredNop;
pub use as_personality::AsPersonality;
pub use async_cancel::AsyncCancel;
pub use attribute::SetAttribute;
pub use bind::Bind;
pub use close::Close;
pub use connect::Connect;
pub use drained::Drained;
pub use either::Either;
pub use epoll_ctl::{EpollCtl, EpollInterest};
pub use epoll_wait::{EpollReady, EpollWait};
pub use fadvise::{Fadvise, FileAdvice};
pub use fallocate::{Allocation, Fallocate};
pub use fget_xattr::FgetXattr;
pub use file_type::FileType;
pub use files_update::FilesUpdate;
pub use fset_xattr::FsetXattr;
pub use fsync::Fsync;
pub use futex_wait::FutexWait;
pub use futex_waitv::FutexWaitv;
pub use futex_wake::FutexWake;
pub use futex_word::{FutexEnd, FutexWord};
pub use get_socket_option::GetSocketOption;
pub use get_xattr::GetXattr;
pub use install_fd::InstallFd;
pub use into_slot::{IntoSlot, Opens};
pub use lent_buffers::LentBuffers;
pub use link::{EventExt, Link};
pub use link_at::LinkAt;
pub use link_timeout::{LinkTimeout, TimeLimit};
pub use listen::Listen;
pub use madvise::{Madvise, MemoryAdvice};
pub use mapped::Mapped;
pub use message::ControlMessage;
pub use mkdir_at::MkdirAt;
pub use nop::Nop;
pub use nop128::Nop128;
pub use nvme_command::NvmeCommand;
pub use open_at::{OpenAt, OpenOptions};
pub use open_at2::{OpenAt2, Resolve};
pub use pipe::Pipe;
pub use poll_add::{Interest, PollAdd, Ready};
pub use poll_multi::PollMulti;
pub use poll_remove::PollRemove;
pub use poll_update::PollUpdate;
pub use provide_buffers::ProvideBuffers;
pub use read::Read;
pub use read_exact::ReadExact;
pub use read_multi::ReadMulti;
pub use read_provided::ReadProvided;
pub use read_ranges::ReadRanges;
pub use read_vectored::ReadVectored;
pub use recv::Recv;
pub use recv_bundle::RecvBundle;
pub use recv_bundles::RecvBundles;
pub use recv_lent::RecvLent;
pub use recv_msg::{Received, RecvMsg};
pub use recv_msg_multi::{Message, MessageDecoder, RecvMsgMulti};
pub use recv_multi::RecvMulti;
pub use recv_parts::RecvParts;
pub use recv_provided::RecvProvided;
pub use recv_zc::RecvZc;
pub use register_fd::RegisterFd;
pub use registry::{EVENTS, EventInfo};
pub use remove_buffers::RemoveBuffers;
pub use rename_at::{RenameAt, Renaming};
pub use reporting::{Reporting, Usage, ZeroCopy};
pub use rescued::{Keep, Rescued};
pub use reuse_address::ReuseAddress;
pub use send::Send;
pub use send_all::SendAll;
pub use send_bundle::SendBundle;
pub use send_msg::SendMsg;
pub use send_msg_zc::SendMsgZc;
pub use send_number::SendNumber;
pub use send_to::SendTo;
pub use send_to_ring::SendToRing;
pub use send_zc::SendZc;
pub use set_socket_option::SetSocketOption;
pub use set_xattr::SetXattr;
pub use shutdown::Shutdown;
pub use socket::Socket;
pub use socket_option::{OptionValue, SocketOption};
pub use socket_queue::SocketQueue;
pub use socket2::{Domain, Protocol, Type};
pub use splice::Splice;
pub use statx::{Metadata, Statx};
pub use stepped::{Step, Stepped};
pub use symlink_at::SymlinkAt;
pub use sync_file_range::{SyncFileRange, Writeback};
pub use target_state::TargetState;
pub use tee::Tee;
pub use then::Then;
pub use timeout::Timeout;
pub use timeout_multi::TimeoutMulti;
pub use timeout_remove::TimeoutRemove;
pub use timeout_update::TimeoutUpdate;
pub use transfer::{Incomplete, Position};
pub use truncate::Truncate;
pub use unlink_at::UnlinkAt;
pub use uring_command::UringCommand;
pub use uring_command128::UringCommand128;
pub use wait_id::{ChildChange, ChildState, WaitId};
pub use when_ready::WhenReady;
pub use write::Write;
pub use write_all::WriteAll;
pub use write_ranges::WriteRanges;
pub use write_vectored::WriteVectored;

use crate::operation::repeats::Repeats;
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

    /// After which ends [`resubmit`](Event::resubmit) could want that. After others it is not
    /// asked, and the end is noted in a shorter way.
    #[doc(hidden)]
    #[inline]
    fn repeats(&self) -> Repeats {
        Repeats::ANY
    }

    /// Whether drivers often serve such an operation [at once](crate::Drive::attempt). Then they
    /// are asked before the event moves to the heap, which it need not where they do.
    #[doc(hidden)]
    #[inline]
    fn is_often_served(&self) -> bool {
        false
    }

    /// How many CQEs may wait unread before the operation is cancelled: for
    /// [`Multishot`](crate::Multishot), which reads them while it runs.
    #[doc(hidden)]
    fn unread_max(&self) -> u32 {
        u32::MAX
    }
}
