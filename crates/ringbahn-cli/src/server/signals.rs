//! [`Signals`]: the signals that end the server, as bytes to receive.
//!
//! A handler may do next to nothing, so it writes a byte to a socket, and the other end of it is
//! read on the driver as everything else.

use std::io;
use std::os::unix::net::UnixStream;

use ringbahn::{Drive, Ring};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// The signals that end the server: `SIGINT` and `SIGTERM`.
#[derive(Debug)]
pub(crate) struct Signals<D: Drive + Unpin>(Ring<UnixStream, D>);

impl<D: Drive + Clone + Unpin> Signals<D> {
    /// From now on they are caught.
    pub(crate) fn new(driver: D) -> io::Result<Signals<D>> {
        let (reader, writer) = UnixStream::pair()?;
        pipe::register(SIGINT, writer.try_clone()?)?;
        pipe::register(SIGTERM, writer)?;
        Ok(Signals(Ring::new_on_driver(reader, driver)))
    }

    /// Waits for the next one. Dropping the future loses none.
    pub(crate) async fn next(&self) -> io::Result<()> {
        let (result, _) = self.0.recv(Vec::with_capacity(1)).await;
        result.map(|_| ())
    }
}
