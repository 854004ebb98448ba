//! `ringbahn echo`: a TCP server that sends back what it receives.

use std::cell::Cell;
use std::fmt::Display;
use std::future::{Future, pending};
use std::net::{Shutdown, TcpStream};
use std::pin::pin;
use std::process::ExitCode;
use std::rc::Rc;

use futures::future::select;
use ringbahn::{Drive, Ring};

use crate::arguments::EchoArguments;
use crate::server::{self, Ending, Protocol, Serving};

/// How much is received at once, in bytes.
const ROOM: usize = 16 << 10;

/// Serves until a signal ends it, and says how it went.
pub(crate) fn run(arguments: &EchoArguments) -> ExitCode {
    server::report(server::run(arguments.driver, &arguments.address, &Echo::default()))
}

/// What is received is sent back; so many bytes were.
#[derive(Default)]
struct Echo {
    bytes: Rc<Cell<u64>>,
}

impl Protocol for Echo {
    fn serve<D: Serving>(
        &self,
        connection: Ring<TcpStream, D>,
        ending: Ending,
    ) -> impl Future<Output = ()> + 'static {
        let bytes = Rc::clone(&self.bytes);
        async move {
            let told = async {
                // The server cannot go without having told.
                let _ = ending.await;
                // What has arrived can still be received, and then comes the end of the stream. It
                // fails for a peer that is gone, whose connection ends by itself.
                let _ = connection.get_ref().shutdown(Shutdown::Read);
                pending::<()>().await;
            };
            select(pin!(echo(&connection, &bytes)), pin!(told)).await;
        }
    }

    fn summary(&self) -> impl Display {
        format!("{} bytes", self.bytes.get())
    }
}

/// Sends back what it receives, until the peer ends the stream or is gone. The bytes are counted
/// in `echoed`.
async fn echo<D>(connection: &Ring<TcpStream, D>, echoed: &Cell<u64>)
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
