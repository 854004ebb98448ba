//! [`Message`]: bytes with what travels beside them, sent and received.

use std::io;
use std::marker::PhantomData;
use std::mem::take;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;

use ringbahn_core::event::{ControlMessage, Received, RecvMsg, SendMsg};
use ringbahn_core::{BufResult, Drive, IoBufMut, IoBufs, SharedFd, SocketAddress, Submission};

use super::Ring;
use super::buffering::Buffering;
use super::inbox::Kept;
use super::object::StreamSocket;
use super::receive::Receive;
use super::reception::{Reception, fill, keep_message, private};

/// The kind of [`Ring::recv_message`]: several buffers, filled one after the other, and what came
/// along. `DATAGRAM` says whether it is from a datagram socket.
#[derive(Debug)]
pub struct Message<V, const DATAGRAM: bool = false> {
    kind: PhantomData<fn() -> V>,
}

impl<V: IoBufs<Buffer: IoBufMut>, const DATAGRAM: bool> Reception for Message<V, DATAGRAM> {}

impl<V: IoBufs<Buffer: IoBufMut>, const DATAGRAM: bool> private::Reception
    for Message<V, DATAGRAM>
{
    const DATAGRAM: bool = DATAGRAM;
    const MESSAGE: bool = true;

    type Buffers = V;
    type Room = usize;
    type Value = Received;
    type Event = RecvMsg<V>;

    fn nothing(buffers: &V) -> Option<Received> {
        let no_room = || buffers.buffers().iter().all(|buffer| buffer.target_len() == 0);
        (!DATAGRAM && no_room()).then(Received::default)
    }

    fn event(socket: SharedFd, buffers: V, room: usize) -> RecvMsg<V> {
        RecvMsg::new(socket, buffers).control_space(room)
    }

    fn output(output: BufResult<Received, V>) -> BufResult<Received, V> {
        output
    }

    fn keep(output: BufResult<Received, V>) -> io::Result<Kept> {
        keep_message(output)
    }

    fn fill(buffers: &mut V, kept: &mut Kept) -> (usize, io::Result<Received>) {
        let count = fill(buffers.buffers_mut(), &kept.bytes);
        let mut received = take(&mut kept.received);
        if DATAGRAM {
            received.truncate(count);
        }
        received.count = count;
        (count, Ok(received))
    }
}

impl<T: StreamSocket, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// Sends several buffers, one after the other, or as much of them as the socket takes, and
    /// `control` along with the first byte: the descriptors that a Unix socket passes.
    ///
    /// Yields how many bytes were sent, and the buffers. The descriptors are closed here when the
    /// operation has ended; the peer has its own. At least one byte has to be sent with them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use std::os::unix::net::UnixStream;
    /// use ringbahn::event::ControlMessage;
    /// use ringbahn::{BufResultExt, Ring};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// let (left, right) = UnixStream::pair()?;
    /// let (left, right) = (Ring::new(left), Ring::new(right));
    /// futures::executor::block_on(async {
    ///     let passed = ControlMessage::descriptors(vec![File::open("/dev/null")?.into()]);
    ///     left.send_message(["a file"], vec![passed]).await.both()?;
    ///
    ///     let room = ControlMessage::space(size_of::<i32>());
    ///     let (received, _) = right.recv_message([vec![0; 64]], room).await.both()?;
    ///     let mut descriptors =
    ///         received.control.into_iter().flat_map(ControlMessage::into_descriptors);
    ///     let file = File::from(descriptors.next().expect("one was passed"));
    ///     assert_eq!(file.metadata()?.len(), 0);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `sendmsg(2)`: `BrokenPipe`, `ConnectionReset`, `InvalidInput` for control messages
    /// that the socket does not know, `ETOOMANYREFS` for too many descriptors under way, …
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn how much was sent: a send
    /// that is dropped may or may not happen.
    pub fn send_message<V: IoBufs>(
        &self,
        buffers: V,
        control: Vec<ControlMessage>,
    ) -> Submission<SendMsg<V>, D> {
        let send = SendMsg::new(self.handle.writing_fd(), buffers);
        self.handle.submit(with_control(send, control))
    }

    /// Receives into several buffers, one after the other, and what came along: descriptors that a
    /// Unix socket passes, say.
    ///
    /// There are `control_space` bytes of room for control messages, of which each takes
    /// [`ControlMessage::space`]. What there is no room for is lost, and
    /// [told](Received::is_control_truncated): descriptors are closed. A count of zero means that
    /// the peer has ended the stream, or that the buffers have no room.
    ///
    /// Other ways to read take the bytes alone, and what came along with them is lost as it is with
    /// `recv(2)`; so once descriptors are to be expected, receive messages only.
    ///
    /// # Errors
    ///
    /// Those of `recvmsg(2)`: `ConnectionReset`, `NotConnected`, …
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: what a dropped receive has received all the same stays with the handle,
    /// and the next one gets it: descriptors, where it is this method again, and else they are
    /// closed. The buffers are dropped; [`cancel`](Receive::cancel) and
    /// [`timeout`](Receive::timeout) give them back.
    pub fn recv_message<V: IoBufs<Buffer: IoBufMut>>(
        &self,
        buffers: V,
        control_space: usize,
    ) -> Receive<'_, Message<V>, D> {
        Receive::with_room(&self.input, self.handle.operands(), buffers, control_space)
    }
}

impl<D: Drive + Clone + Unpin> Ring<UdpSocket, D> {
    /// Sends several buffers as one datagram to `peer`, or to the one that the socket is connected
    /// to, with `control` along: what [`DatagramOptions`](crate::net::DatagramOptions) make.
    ///
    /// # Errors
    ///
    /// Those of `sendmsg(2)`: `EMSGSIZE` for a datagram that is too long, `NetworkUnreachable`,
    /// `InvalidInput` for control messages that the socket does not know; `EIO` or `InvalidInput`
    /// where the network does not take several datagrams at once.
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was sent: a
    /// send that is dropped may or may not happen.
    pub fn send_message<V: IoBufs>(
        &self,
        buffers: V,
        peer: impl Into<Option<SocketAddr>>,
        control: Vec<ControlMessage>,
    ) -> Submission<SendMsg<V>, D> {
        let mut send = SendMsg::new(self.handle.fd(), buffers);
        if let Some(peer) = peer.into() {
            send = send.to(peer);
        }
        self.handle.submit(with_control(send, control))
    }

    /// Receives a datagram into several buffers, one after the other, and what came along: for
    /// [`DatagramInfo`](crate::net::DatagramInfo), say, which needs a `control_space` of
    /// [`CONTROL_SPACE`](crate::net::CONTROL_SPACE).
    ///
    /// # Errors
    ///
    /// Those of `recvmsg(2)`: `ConnectionRefused`, where a datagram sent before has come back, …
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a datagram that a dropped receive has received all the same stays with
    /// the handle, as much of it as its buffers had room for, and the next one gets it. What came
    /// along is there only where both were this method. The buffers are dropped;
    /// [`cancel`](Receive::cancel) and [`timeout`](Receive::timeout) give them back.
    pub fn recv_message<V: IoBufs<Buffer: IoBufMut>>(
        &self,
        buffers: V,
        control_space: usize,
    ) -> Receive<'_, Message<V, true>, D> {
        Receive::with_room(&self.input, self.handle.operands(), buffers, control_space)
    }
}

#[cfg(feature = "quinn")]
impl<D: Drive + Clone + Unpin> Ring<UdpSocket, D> {
    /// The operation alone, which whoever asks for it keeps until it has ended. So nothing that it
    /// brings is left to the handle.
    pub(crate) fn receive_raw<V: IoBufs<Buffer: IoBufMut>>(
        &self,
        buffers: V,
        control_space: usize,
    ) -> Submission<RecvMsg<V>, D> {
        let receive = RecvMsg::new(self.handle.fd(), buffers).control_space(control_space);
        self.handle.submit(receive)
    }
}

impl<D: Drive + Clone + Unpin> Ring<UnixDatagram, D> {
    /// Sends several buffers as one datagram to `peer`, or to the one that the socket is connected
    /// to, and `control` along: the descriptors that are passed.
    ///
    /// # Errors
    ///
    /// Those of `sendmsg(2)`: `NotFound`, `ConnectionRefused`, `EMSGSIZE` for a datagram that is
    /// too long, `ETOOMANYREFS` for too many descriptors under way, …
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use [`cancel`](Submission::cancel) to learn whether it was sent: a
    /// send that is dropped may or may not happen.
    pub fn send_message<V: IoBufs>(
        &self,
        buffers: V,
        peer: impl Into<Option<SocketAddress>>,
        control: Vec<ControlMessage>,
    ) -> Submission<SendMsg<V>, D> {
        let mut send = SendMsg::new(self.handle.fd(), buffers);
        if let Some(peer) = peer.into() {
            send = send.to(peer);
        }
        self.handle.submit(with_control(send, control))
    }

    /// Receives a datagram into several buffers, one after the other, and what came along, with
    /// `control_space` bytes of room for that.
    ///
    /// # Errors
    ///
    /// Those of `recvmsg(2)`.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a datagram that a dropped receive has received all the same stays with
    /// the handle, as much of it as its buffers had room for, and the next one gets it; what came
    /// along as well, where it is this method again, and else descriptors are closed. The buffers
    /// are dropped; [`cancel`](Receive::cancel) and [`timeout`](Receive::timeout) give them back.
    pub fn recv_message<V: IoBufs<Buffer: IoBufMut>>(
        &self,
        buffers: V,
        control_space: usize,
    ) -> Receive<'_, Message<V, true>, D> {
        Receive::with_room(&self.input, self.handle.operands(), buffers, control_space)
    }
}

fn with_control<V: IoBufs>(send: SendMsg<V>, control: Vec<ControlMessage>) -> SendMsg<V> {
    control.into_iter().fold(send, SendMsg::control)
}
