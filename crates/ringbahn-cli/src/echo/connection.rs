//! One connection: what it receives, it sends back.

use std::cell::Cell;
use std::net::TcpStream;

use ringbahn::{Drive, Ring};

/// How much is received at once, in bytes.
const ROOM: usize = 16 << 10;

/// Sends back what it receives, until the peer ends the stream or is gone. The bytes are counted
/// in `echoed`.
pub(crate) async fn serve<D>(connection: &Ring<TcpStream, D>, echoed: &Cell<u64>)
where
    D: Drive + Clone + Unpin,
{
    let mut buffer = Vec::with_capacity(ROOM);
    loop {
        buffer.clear();
        let (received, bytes) = connection.recv(buffer).await;
        let Ok(count @ 1..) = received else { return };
        let (sent, bytes) = connection.send_all(bytes).await;
        if sent.is_err() {
            return;
        }
        echoed.set(echoed.get() + count as u64);
        buffer = bytes;
    }
}
