//! [`GetSocketOption`]: what an option of a socket is set to.
#![allow(unsafe_code)]

use std::io;
use std::ptr;

use super::socket_option::{OptionValue, RawValue, VALUE_MAX};
use super::uring_command::{command, words};
use crate::event::{Event, SocketOption};
use crate::fd::SharedFd;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// `SOCKET_URING_OP_GETSOCKOPT`
const GET: u32 = 2;

/// Asks what an option of a socket is set to.
///
/// Of value with a direct descriptor, which has no other way; for other sockets the system call is
/// cheaper.
///
/// # Examples
///
/// ```
/// use ringbahn_core::event::{GetSocketOption, SocketOption};
/// use ringbahn_core::{Drive, SharedFd};
///
/// async fn is_refused(socket: SharedFd, driver: impl Drive + Unpin) -> std::io::Result<bool> {
///     let error = driver.submit(GetSocketOption::new(socket, SocketOption::PENDING_ERROR)).await?;
///     Ok(error.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused))
/// }
/// ```
///
/// # Errors
///
/// Those of `getsockopt(2)`. `Unsupported` for options that are not the socket's own
/// (`SOL_SOCKET`), such as those of TCP: io_uring does not tell them.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.7. On one without such commands at all (before 5.19) ringbahn's drivers make the system
/// call. The socket and the place for the value are the event's until completion.
///
/// # References
///
/// [`getsockopt(2)`](https://man7.org/linux/man-pages/man2/getsockopt.2.html)
#[doc(alias = "IORING_OP_URING_CMD")]
#[doc(alias = "SOCKET_URING_OP_GETSOCKOPT")]
#[derive(Debug)]
pub struct GetSocketOption<T> {
    socket: SharedFd,
    option: SocketOption<T>,
    value: RawValue,
}

impl<T: OptionValue> GetSocketOption<T> {
    /// Asks what `option` of `socket` is set to.
    pub fn new(socket: impl Into<SharedFd>, option: SocketOption<T>) -> GetSocketOption<T> {
        GetSocketOption { socket: socket.into(), option, value: RawValue { bytes: [0; VALUE_MAX] } }
    }
}

impl<T: OptionValue> Event for GetSocketOption<T> {
    type Output = io::Result<T>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let (level, name) = self.option.words();
        // SAFETY: S1 by E1: the place for the value is the event's and has room for it; E2.
        let entry = unsafe { command(&self.socket, GET) }.address_number(words(level, name));
        let entry = entry.file_index(T::LENGTH as u32);
        sqes.push(entry.address3(ptr::from_mut(&mut self.value)));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<T> {
        outcome.result()?;
        Ok(SocketOption::value(&self.value))
    }
}
