//! [`Reception`]: the kinds of receive, by what they fill and what they tell.

use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::os::unix::net::SocketAddr as UnixAddress;

use ringbahn_core::event::{Received, Recv, RecvMsg};
use ringbahn_core::{BufResult, Event, IoBuf, IoBufMut, IoBufs, SharedFd, SocketAddress};

use super::inbox::Kept;

/// A kind of [`Receive`](crate::Receive): what it fills, and what it tells.
///
/// A buffer stands for a receive from a stream into it; the others are [`Vectored`], [`Datagram`]
/// and [`Message`](crate::Message). It cannot be implemented for others.
pub trait Reception: private::Reception {}

pub(crate) mod private {
    use super::{BufResult, Event, Kept, SharedFd, io};

    /// What a receive needs to know of its kind.
    pub trait Reception: Sized + 'static {
        /// Whether what it receives has borders, and may be empty.
        const DATAGRAM: bool;

        /// Whether it tells what came along with the bytes, which then are not to be put together
        /// with others.
        const MESSAGE: bool = false;

        /// What it fills.
        type Buffers;

        /// How much room there is for what comes along.
        type Room: Copy + Send;

        /// What it tells.
        type Value;

        type Event: Event;

        /// What to tell where there is no room for anything, so that there is nothing to do.
        fn nothing(buffers: &Self::Buffers) -> Option<Self::Value>;

        fn event(socket: SharedFd, buffers: Self::Buffers, room: Self::Room) -> Self::Event;

        fn output(output: <Self::Event as Event>::Output) -> BufResult<Self::Value, Self::Buffers>;

        /// What an output that nobody waits for has in it.
        fn keep(output: <Self::Event as Event>::Output) -> io::Result<Kept>;

        /// Fills the buffers with what was kept, and yields for how many bytes there was room.
        fn fill(buffers: &mut Self::Buffers, kept: &mut Kept) -> (usize, io::Result<Self::Value>);
    }
}

/// The first `count` bytes of what a receive has filled.
fn bytes_of<V: IoBufs>(buffers: &V, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count);
    for buffer in buffers.buffers() {
        let part = IoBuf::as_bytes(buffer);
        bytes.extend_from_slice(&part[..part.len().min(count - bytes.len())]);
    }
    bytes
}

/// Fills buffers, one after the other, as a receive would.
pub(crate) fn fill<B: IoBufMut>(buffers: &mut [B], mut bytes: &[u8]) -> usize {
    let before = bytes.len();
    for buffer in buffers {
        let count = buffer.fill_from(bytes);
        bytes = &bytes[count..];
    }
    before - bytes.len()
}

pub(crate) fn keep_message<V: IoBufs>(
    (result, buffers): BufResult<Received, V>,
) -> io::Result<Kept> {
    let received = result?;
    let bytes = bytes_of(&buffers, received.count);
    Ok(Kept { bytes, received })
}

impl<B: IoBufMut> Reception for B {}

impl<B: IoBufMut> private::Reception for B {
    const DATAGRAM: bool = false;

    type Buffers = B;
    type Room = ();
    type Value = usize;
    type Event = Recv<B>;

    fn nothing(buffer: &B) -> Option<usize> {
        (buffer.target_len() == 0).then_some(0)
    }

    fn event(socket: SharedFd, buffer: B, _room: ()) -> Recv<B> {
        Recv::new(socket, buffer)
    }

    fn output(output: BufResult<usize, B>) -> BufResult<usize, B> {
        output
    }

    fn keep((result, buffer): BufResult<usize, B>) -> io::Result<Kept> {
        Ok(Kept::bytes(bytes_of(&[buffer], result?)))
    }

    fn fill(buffer: &mut B, kept: &mut Kept) -> (usize, io::Result<usize>) {
        let count = buffer.fill_from(&kept.bytes);
        (count, Ok(count))
    }
}

/// The kind of [`Ring::recv_vectored`](crate::Ring::recv_vectored): several buffers, one after the
/// other.
#[derive(Debug)]
pub struct Vectored<V> {
    kind: PhantomData<fn() -> V>,
}

impl<V: IoBufs<Buffer: IoBufMut>> Reception for Vectored<V> {}

impl<V: IoBufs<Buffer: IoBufMut>> private::Reception for Vectored<V> {
    const DATAGRAM: bool = false;

    type Buffers = V;
    type Room = ();
    type Value = usize;
    type Event = RecvMsg<V>;

    fn nothing(buffers: &V) -> Option<usize> {
        buffers.buffers().iter().all(|buffer| buffer.target_len() == 0).then_some(0)
    }

    fn event(socket: SharedFd, buffers: V, _room: ()) -> RecvMsg<V> {
        RecvMsg::new(socket, buffers)
    }

    fn output((result, buffers): BufResult<Received, V>) -> BufResult<usize, V> {
        (result.map(|received| received.count), buffers)
    }

    fn keep(output: BufResult<Received, V>) -> io::Result<Kept> {
        keep_message(output)
    }

    fn fill(buffers: &mut V, kept: &mut Kept) -> (usize, io::Result<usize>) {
        let count = fill(buffers.buffers_mut(), &kept.bytes);
        (count, Ok(count))
    }
}

/// What a receive of a datagram tells: how long it is, or that and who has sent it.
pub trait Told: Sized + 'static {
    #[doc(hidden)]
    fn told(count: usize, address: Option<&SocketAddress>) -> io::Result<Self>;
}

impl Told for usize {
    fn told(count: usize, _address: Option<&SocketAddress>) -> io::Result<usize> {
        Ok(count)
    }
}

impl Told for (usize, SocketAddr) {
    fn told(count: usize, address: Option<&SocketAddress>) -> io::Result<(usize, SocketAddr)> {
        match address.and_then(SocketAddress::as_inet) {
            Some(address) => Ok((count, address)),
            None => {
                let message = "what was received has no sender: the socket was shut down";
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
        }
    }
}

impl Told for (usize, UnixAddress) {
    fn told(count: usize, address: Option<&SocketAddress>) -> io::Result<(usize, UnixAddress)> {
        // A socket without a name has no address, which std has a value for.
        match address.and_then(SocketAddress::as_unix) {
            Some(address) => Ok((count, address)),
            None => Ok((count, UnixAddress::from_pathname("")?)),
        }
    }
}

/// The kind of receive from a datagram socket: one buffer, and what is told.
#[derive(Debug)]
pub struct Datagram<B, A = usize> {
    kind: PhantomData<fn() -> (B, A)>,
}

impl<B: IoBufMut, A: Told> Reception for Datagram<B, A> {}

impl<B: IoBufMut, A: Told> private::Reception for Datagram<B, A> {
    const DATAGRAM: bool = true;

    type Buffers = B;
    type Room = ();
    type Value = A;
    // Also where the sender is not asked for: if it is abandoned, the next one may ask.
    type Event = RecvMsg<[B; 1]>;

    fn nothing(_buffer: &B) -> Option<A> {
        None
    }

    fn event(socket: SharedFd, buffer: B, _room: ()) -> RecvMsg<[B; 1]> {
        RecvMsg::new(socket, [buffer])
    }

    fn output((result, [buffer]): BufResult<Received, [B; 1]>) -> BufResult<A, B> {
        let told = result.and_then(|received| A::told(received.count, received.address.as_ref()));
        (told, buffer)
    }

    fn keep(output: BufResult<Received, [B; 1]>) -> io::Result<Kept> {
        keep_message(output)
    }

    fn fill(buffer: &mut B, kept: &mut Kept) -> (usize, io::Result<A>) {
        let count = buffer.fill_from(&kept.bytes);
        (count, A::told(count, kept.received.address.as_ref()))
    }
}

/// The kind of vectored receive from a datagram socket: several buffers, filled one after the
/// other.
#[derive(Debug)]
pub struct VectoredDatagram<V> {
    kind: PhantomData<fn() -> V>,
}

impl<V: IoBufs<Buffer: IoBufMut>> Reception for VectoredDatagram<V> {}

impl<V: IoBufs<Buffer: IoBufMut>> private::Reception for VectoredDatagram<V> {
    const DATAGRAM: bool = true;

    type Buffers = V;
    type Room = ();
    type Value = usize;
    type Event = RecvMsg<V>;

    fn nothing(_buffers: &V) -> Option<usize> {
        None
    }

    fn event(socket: SharedFd, buffers: V, _room: ()) -> RecvMsg<V> {
        RecvMsg::new(socket, buffers)
    }

    fn output((result, buffers): BufResult<Received, V>) -> BufResult<usize, V> {
        (result.map(|received| received.count), buffers)
    }

    fn keep(output: BufResult<Received, V>) -> io::Result<Kept> {
        keep_message(output)
    }

    fn fill(buffers: &mut V, kept: &mut Kept) -> (usize, io::Result<usize>) {
        let count = fill(buffers.buffers_mut(), &kept.bytes);
        (count, Ok(count))
    }
}
