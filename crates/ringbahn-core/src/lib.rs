//! The protocol of ringbahn: events, drivers, submissions, and who owns what in between.

#![cfg(target_os = "linux")]

mod address;
pub mod buf;
mod cqe;
pub mod event;
mod fd;
pub mod opcode;
mod operation;
mod outcome;
mod reservation;
mod sqe;
mod sync;

pub use address::SocketAddress;
pub use buf::{BufError, BufResult, BufResultExt, IoBuf, IoBufMut, IoBufs, Slice};
pub use cqe::Cqe;
pub use event::Event;
pub use fd::SharedFd;
pub use operation::table::{Batch, Matched, OperationTable};
pub use outcome::Outcome;
pub use reservation::Reservation;
pub use sqe::{SQES_PER_EVENT_MAX, Sqe, Sqes};
