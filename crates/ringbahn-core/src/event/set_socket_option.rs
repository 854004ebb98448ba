//! [`SetSocketOption`]: another value for an option of a socket.
#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::ptr;

use super::socket_option::{OptionValue, RawValue};
use super::uring_command::{command, words};
use crate::event::{Event, SocketOption};
use crate::fd::SharedFd;
use crate::outcome::Outcome;
use crate::sqe::Sqes;

/// `SOCKET_URING_OP_SETSOCKOPT`
const SET: u32 = 3;

/// Sets an option of a socket.
///
/// Of value with a direct descriptor, which has no other way, and in a chain; for other sockets the
/// system call is cheaper.
///
/// # Examples
///
/// ```
/// use std::net::TcpStream;
/// use std::sync::Arc;
/// use ringbahn_core::SharedFd;
/// use ringbahn_core::event::{EventExt, Send, SetSocketOption, SocketOption};
///
/// fn hurried_greeting(socket: TcpStream) {
///     let socket = SharedFd::new(Arc::new(socket));
///     let set = SetSocketOption::new(socket.clone(), SocketOption::NO_DELAY, true);
///     let chain = set.link(Send::new(socket, "hello"));
/// #   drop(chain);
/// }
/// ```
///
/// # Errors
///
/// Those of `setsockopt(2)`.
///
/// # Cancellation
///
/// Ends at once, so a cancel finds nothing.
///
/// # Kernel
///
/// Linux 6.7. On one without such commands at all (before 5.19) ringbahn's drivers make the system
/// call. The socket and the value are the event's until completion.
///
/// # References
///
/// [`setsockopt(2)`](https://man7.org/linux/man-pages/man2/setsockopt.2.html)
#[doc(alias = "IORING_OP_URING_CMD")]
#[doc(alias = "SOCKET_URING_OP_SETSOCKOPT")]
#[derive(Debug)]
pub struct SetSocketOption<T> {
    socket: SharedFd,
    words: (u32, u32),
    value: RawValue,
    of: PhantomData<fn(T)>,
}

impl<T: OptionValue> SetSocketOption<T> {
    /// Sets `option` of `socket` to `value`.
    pub fn new(
        socket: impl Into<SharedFd>,
        option: SocketOption<T>,
        value: T,
    ) -> SetSocketOption<T> {
        let (words, value) = (option.words(), SocketOption::raw(&value));
        SetSocketOption { socket: socket.into(), words, value, of: PhantomData }
    }
}

impl<T: OptionValue> Event for SetSocketOption<T> {
    type Output = io::Result<()>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        let (level, name) = self.words;
        // SAFETY: S1 by E1: the value lies in the event; E2.
        let entry = unsafe { command(&self.socket, SET) }.address_number(words(level, name));
        let entry = entry.file_index(T::LENGTH as u32);
        sqes.push(entry.address3(ptr::from_ref(&self.value)));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<()> {
        outcome.result().map(drop)
    }
}
