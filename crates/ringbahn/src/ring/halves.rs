//! [`ReadHalf`], [`WriteHalf`] and their owned kin: one direction of a stream socket.

use std::fmt;
use std::sync::Mutex;

use ringbahn_core::{BufResult, Drive, IoBuf, IoBufMut, IoBufs, Submission, event};

use super::buffering::{Buffering, Heap};
use super::input::Input;
use super::object::StreamSocket;
use super::receive::Receive;
use super::reception::Vectored;
use super::share::Handle;
use super::writer::Writer;
use crate::driver::DefaultDriver;

/// The half of a stream socket that reads, borrowed. See [`Ring::split`](crate::Ring::split).
pub struct ReadHalf<'a, T: StreamSocket, D: Drive + Unpin = DefaultDriver> {
    pub(crate) handle: &'a Handle<T, D>,
    pub(crate) input: &'a mut Input<D>,
}

/// The half of a stream socket that writes, borrowed. See [`Ring::split`](crate::Ring::split).
pub struct WriteHalf<'a, T: StreamSocket, D: Drive + Unpin = DefaultDriver> {
    pub(crate) handle: &'a Handle<T, D>,
    pub(crate) writer: &'a mut Mutex<Writer<D>>,
}

/// The half of a stream socket that reads. See [`Ring::into_split`](crate::Ring::into_split).
///
/// Dropped, it stops the read in flight, and that is all: the peer may go on to send.
pub struct OwnedReadHalf<T: StreamSocket, D: Drive + Unpin = DefaultDriver, B: Buffering = Heap> {
    pub(crate) handle: Handle<T, D>,
    pub(crate) input: Input<D>,
    /// Goes back to the handle when the halves are put together again.
    pub(crate) buffering: B,
}

/// The half of a stream socket that writes. See [`Ring::into_split`](crate::Ring::into_split).
///
/// Dropped, it ends the writing side, when all that was accepted has been sent: what `AsyncWrite`
/// has accepted, and the sends that were started and still run.
pub struct OwnedWriteHalf<T: StreamSocket, D: Drive + Unpin = DefaultDriver> {
    pub(crate) handle: Handle<T, D>,
    pub(crate) writer: Mutex<Writer<D>>,
}

/// What the borrowed and the owned half that reads have in common. As in
/// `reading!([S: Buffering] OwnedReadHalf<T, D, S>)`.
macro_rules! reading {
    ([$($more:tt)*] $half:ty) => {
        impl<T: StreamSocket, D: Drive + Clone + Unpin, $($more)*> $half {
            /// The socket, for its options and addresses.
            pub fn get_ref(&self) -> &T {
                self.handle.object()
            }

            /// Receives into `buffer`, as [`Ring::recv`](crate::Ring::recv) does.
            ///
            /// # Errors
            ///
            /// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, …
            ///
            /// # Cancel safety
            ///
            /// It is cancel safe: what a dropped receive has received all the same is the next
            /// one's.
            pub fn recv<B: IoBufMut>(&self, buffer: B) -> Receive<'_, B, D> {
                Receive::new(&self.input, self.handle.operands(), buffer)
            }

            /// Receives into several buffers, as
            /// [`Ring::recv_vectored`](crate::Ring::recv_vectored) does.
            ///
            /// # Errors
            ///
            /// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, …
            ///
            /// # Cancel safety
            ///
            /// It is cancel safe: what a dropped receive has received all the same is the next
            /// one's.
            pub fn recv_vectored<V: IoBufs<Buffer: IoBufMut>>(
                &self,
                buffers: V,
            ) -> Receive<'_, Vectored<V>, D> {
                Receive::new(&self.input, self.handle.operands(), buffers)
            }

            /// Looks at what there is to receive, as [`Ring::peek`](crate::Ring::peek) does.
            ///
            /// # Errors
            ///
            /// Those of `recv(2)`: `ConnectionReset`, `NotConnected`, …
            ///
            /// # Cancel safety
            ///
            /// It is cancel safe: it takes nothing.
            pub async fn peek<B: IoBufMut>(&self, buffer: B) -> BufResult<usize, B> {
                self.input.peek(&self.handle, buffer).await
            }
        }

        impl<T: StreamSocket, D: Drive + Unpin, $($more)*> fmt::Debug for $half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($half)).finish_non_exhaustive()
            }
        }
    };
}

reading!([] ReadHalf<'_, T, D>);
reading!([S: Buffering] OwnedReadHalf<T, D, S>);

/// What the borrowed and the owned half that writes have in common. As in
/// `writing!(OwnedWriteHalf<T, D>)`.
macro_rules! writing {
    ($half:ty) => {
        impl<T: StreamSocket, D: Drive + Clone + Unpin> $half {
            /// The socket, for its options and addresses.
            pub fn get_ref(&self) -> &T {
                self.handle.object()
            }

            /// Sends `buffer`, or as much of it as the socket takes, as
            /// [`Ring::send`](crate::Ring::send) does.
            ///
            /// # Errors
            ///
            /// Those of `send(2)`: `BrokenPipe`, `ConnectionReset`, … Never a signal.
            ///
            /// # Cancel safety
            ///
            /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how much was
            /// sent: a send that is dropped may or may not happen.
            pub fn send<B: IoBuf>(&self, buffer: B) -> Submission<event::Send<B>, D> {
                self.handle.submit(event::Send::new(self.handle.writing_fd(), buffer))
            }

            /// Sends all of `buffer`, as [`Ring::send_all`](crate::Ring::send_all) does.
            ///
            /// # Errors
            ///
            /// Those of `send(2)`; the bytes before the error have been sent.
            ///
            /// # Cancel safety
            ///
            /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how far it came:
            /// where it is dropped some of the bytes may be sent.
            pub fn send_all<B: IoBuf>(&self, buffer: B) -> Submission<event::SendAll<B>, D> {
                self.handle.submit(event::SendAll::new(self.handle.writing_fd(), buffer))
            }

            /// Sends several buffers, as [`Ring::send_vectored`](crate::Ring::send_vectored) does.
            ///
            /// # Errors
            ///
            /// Those of `send(2)`: `BrokenPipe`, `ConnectionReset`, … Never a signal.
            ///
            /// # Cancel safety
            ///
            /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how much was
            /// sent: a send that is dropped may or may not happen.
            pub fn send_vectored<V: IoBufs>(&self, buffers: V) -> Submission<event::SendMsg<V>, D> {
                self.handle.submit(event::SendMsg::new(self.handle.writing_fd(), buffers))
            }

            /// Sends `buffer` without copying it, as [`Ring::send_zc`](crate::Ring::send_zc) does.
            ///
            /// # Errors
            ///
            /// Those of `send(2)`: `BrokenPipe`, `ConnectionReset`, … Never a signal.
            ///
            /// # Cancel safety
            ///
            /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how much was
            /// sent: a send that is dropped may or may not happen.
            ///
            /// # Kernel
            ///
            /// Linux 6.0.
            pub fn send_zc<B: IoBuf>(&self, buffer: B) -> Submission<event::SendZc<B>, D> {
                self.handle.submit(event::SendZc::new(self.handle.writing_fd(), buffer))
            }
        }

        impl<T: StreamSocket, D: Drive + Unpin> fmt::Debug for $half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($half)).finish_non_exhaustive()
            }
        }
    };
}

writing!(WriteHalf<'_, T, D>);
writing!(OwnedWriteHalf<T, D>);
