//! [`receive_straight`] and [`send_straight`]: operations on memory that is only lent.
//!
//! A ring needs memory for as long as its operation lasts, which a loan does not: whoever has lent
//! it may take it back at the next poll. But what a driver serves [at once](Drive::attempt) is over
//! when its call returns. So a receive or a send that need not wait can have the caller's own
//! memory, and nothing is copied; one that has to wait is for the caller to submit, with a buffer
//! that the operation owns.
//!
//! # Safety
//!
//! ST1. The entry is shown to the driver in an [`Attempt`], and is on no tray and in no queue. What
//!      it names is lent to this call. An attempt that was served is over, and touches nothing any
//!      more, when the driver returns: that is what whoever serves it promises. So no operation
//!      outlasts the loans.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;
use std::pin::Pin;

use crate::attempt::Attempt;
use crate::buf::entry_length;
use crate::drive::Drive;
use crate::event::{Recv, Send};
use crate::fd::OpenFile;
use crate::opcode;
use crate::sqe::Sqe;
use crate::trace::Trace;

/// Receives what has arrived at a socket straight into `buffer`, if the driver does so at once.
///
/// Yields how many bytes that were, zero at the end of the stream. `None` where the driver leaves
/// such operations to its ring, at the moment or altogether: then nothing has been done, and a
/// [`Recv`] does it.
///
/// For those who expect that there is something, as when the socket was found
/// [readable](crate::event::PollAdd): the driver does not weigh whether a call is worth it.
///
/// # Errors
///
/// `WouldBlock` where nothing has arrived, and those of `recv(2)`: `ConnectionReset`, …
pub fn receive_straight<D: Drive>(
    driver: Pin<&mut D>,
    socket: OpenFile<'_>,
    buffer: &mut [u8],
) -> Option<io::Result<usize>> {
    // SAFETY: S1 by ST1: the file and the buffer are lent, the buffer to nobody else, and the
    // entry asks for no more than its length.
    let entry = unsafe { Sqe::new(opcode::RECV) };
    let entry = entry.address(buffer.as_mut_ptr()).length(entry_length(buffer.len()));
    attempt::<Recv<Vec<u8>>, D>(driver, socket, entry)
}

/// Sends to a socket straight from `bytes`, as many of them as it has room for, if the driver does
/// so at once.
///
/// Yields how many that were. `None` where the driver leaves such operations to its ring, at the
/// moment or altogether: then nothing has been done, and a [`Send`](crate::event::Send) or
/// [`SendAll`](crate::event::SendAll) does it. Never raises `SIGPIPE` (`MSG_NOSIGNAL`).
///
/// # Errors
///
/// `WouldBlock` where there is no room, and those of `send(2)`: `BrokenPipe`, `ConnectionReset`, …
pub fn send_straight<D: Drive>(
    driver: Pin<&mut D>,
    socket: OpenFile<'_>,
    bytes: &[u8],
) -> Option<io::Result<usize>> {
    // SAFETY: S1 by ST1: the file and the bytes are lent, and the entry asks for no more of them.
    let entry = unsafe { Sqe::new(opcode::SEND) };
    let entry = entry.address(bytes.as_ptr()).length(entry_length(bytes.len()));
    let entry = entry.op_flags(libc::MSG_NOSIGNAL.cast_unsigned());
    attempt::<Send<Vec<u8>>, D>(driver, socket, entry)
}

/// Has the driver serve `entry`, an operation of the kind of `E`.
fn attempt<E, D: Drive>(
    driver: Pin<&mut D>,
    socket: OpenFile<'_>,
    entry: Sqe,
) -> Option<io::Result<usize>> {
    // What is in a slot is for its ring.
    let OpenFile::Descriptor(socket) = socket else { return None };
    let entry = entry.fd_number(socket.as_raw_fd());
    let served = driver.attempt(Attempt::expected(&entry))?;
    let result = served.result_of(&entry)?;
    // Traced where it has been served, so that what has not happened leaves no span.
    let mut trace = Trace::new();
    trace.begin::<E>();
    trace.end("completed");
    Some(usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result)))
}
