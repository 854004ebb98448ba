//! The server: it accepts, serves, and comes to an end.
//!
//! All connections run on one thread, side by side in one future, which any executor can run.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use futures::future::{Either, FutureExt, select};
use futures::stream::{FuturesUnordered, Stream, StreamExt, unfold};
use ringbahn::{Drive, Ring, event};

use super::connection;
use super::route::Serving;
use super::signals::Signals;

/// How long the server waits where it cannot take another connection, for want of a descriptor or
/// of memory. Accepting again at once would fail at once.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the connections have to come to their end, once the server has been told to.
const GRACE: Duration = Duration::from_secs(5);

/// What the server has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) connections: u64,
    pub(crate) bytes: u64,
    /// How many connections were still busy when the time was up.
    pub(crate) cut_off: u64,
}

/// Serves at `address` until a signal comes, and then ends what is in flight.
pub(crate) async fn serve<D: Serving>(address: &str, driver: &D) -> io::Result<Tally> {
    let signals = Signals::new(driver.clone())?;
    let listener = bind(address)?;
    say(format_args!("listening on {}", listener.local_addr()?))?;
    let listener = Ring::new_on_driver(listener, driver.clone());
    let mut connections = Connections::default();
    connections.accept_until(signals.next(), listener, driver).await?;
    connections.end(&signals, driver).await?;
    let tally = connections.tally();
    // Whoever has started it may be gone.
    let _ = say(format_args!("{} connections, {} bytes", tally.connections, tally.bytes));
    Ok(tally)
}

fn bind(address: &str) -> io::Result<TcpListener> {
    let bound = address
        .to_socket_addrs()
        .and_then(|addresses| TcpListener::bind(&*addresses.collect::<Vec<SocketAddr>>()));
    bound.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })
}

/// Prints a line at once, for a program that waits for it.
fn say(line: std::fmt::Arguments<'_>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

fn tell(line: std::fmt::Arguments<'_>) {
    // The server goes on where nobody listens to what it says.
    let _ = writeln!(io::stderr(), "ringbahn: {line}");
}

/// The connections that arrive: a stream without an end.
///
/// What accepting fails with concerns one peer, or will pass. It does not end the server, and the
/// server does not turn round and round with it.
fn arrivals<D: Serving>(
    listener: Ring<TcpListener, D>,
    driver: &D,
) -> impl Stream<Item = io::Result<Rc<Ring<TcpStream, D>>>> {
    unfold((listener, false), async |(listener, mut has_told)| {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => {
                    return Some((Ok(Rc::new(connection)), (listener, has_told)));
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if !has_told {
                        tell(format_args!("cannot accept: {error}; it will be tried again"));
                        has_told = true;
                    }
                    // Without a driver nothing will ever pass.
                    if let Err(error) = pause(driver, PAUSE).await {
                        return Some((Err(error), (listener, has_told)));
                    }
                }
            }
        }
    })
}

async fn pause<D: Serving>(driver: &D, time: Duration) -> io::Result<()> {
    driver.clone().submit(event::Timeout::new(time)).await
}

/// A connection that is being served; yields its number.
type Serve = Pin<Box<dyn Future<Output = u64>>>;

/// The connections there are, and what has become of the others.
struct Connections<D: Drive + Unpin> {
    running: FuturesUnordered<Serve>,
    open: HashMap<u64, Rc<Ring<TcpStream, D>>>,
    accepted: u64,
    echoed: Rc<Cell<u64>>,
}

impl<D: Drive + Unpin> Default for Connections<D> {
    fn default() -> Connections<D> {
        Connections {
            running: FuturesUnordered::new(),
            open: HashMap::new(),
            accepted: 0,
            echoed: Rc::default(),
        }
    }
}

/// What happens next.
enum Turn<D: Drive + Unpin> {
    Signal(io::Result<()>),
    Arrived(io::Result<Rc<Ring<TcpStream, D>>>),
    Ended(u64),
}

impl<D: Serving> Connections<D> {
    /// Accepts and serves until a signal comes. Then nobody listens any more.
    async fn accept_until(
        &mut self,
        signal: impl Future<Output = io::Result<()>>,
        listener: Ring<TcpListener, D>,
        driver: &D,
    ) -> io::Result<()> {
        let mut signal = pin!(signal);
        let mut arrivals = pin!(arrivals(listener, driver));
        loop {
            let turn = poll_fn(|cx| {
                if let Poll::Ready(result) = signal.poll_unpin(cx) {
                    return Poll::Ready(Turn::Signal(result));
                }
                if let Poll::Ready(Some(number)) = self.running.poll_next_unpin(cx) {
                    return Poll::Ready(Turn::Ended(number));
                }
                let arrived = ready!(arrivals.poll_next_unpin(cx));
                Poll::Ready(Turn::Arrived(arrived.expect("the stream has no end")))
            });
            match turn.await {
                Turn::Signal(result) => return result,
                Turn::Arrived(connection) => self.insert(connection?),
                Turn::Ended(number) => drop(self.open.remove(&number)),
            }
        }
    }

    fn insert(&mut self, connection: Rc<Ring<TcpStream, D>>) {
        // Where it fails, answers are late and right.
        let _ = connection.get_ref().set_nodelay(true);
        let number = self.accepted;
        self.accepted += 1;
        self.open.insert(number, Rc::clone(&connection));
        let echoed = Rc::clone(&self.echoed);
        self.running.push(Box::pin(async move {
            connection::serve(&connection, &echoed).await;
            number
        }));
    }

    /// Sends back what has arrived, and then ends the connections. A second signal ends them at
    /// once.
    async fn end(&mut self, signals: &Signals<D>, driver: &D) -> io::Result<()> {
        for connection in self.open.values() {
            // What has arrived can still be received, and then comes the end of the stream. It
            // fails for a peer that is gone, whose connection ends by itself.
            let _ = connection.get_ref().shutdown(Shutdown::Read);
        }
        let (signal, grace) = (pin!(signals.next()), pin!(pause(driver, GRACE)));
        let mut impatience = select(signal, grace);
        loop {
            match select(self.running.next(), &mut impatience).await {
                Either::Left((Some(number), _)) => drop(self.open.remove(&number)),
                Either::Left((None, _)) | Either::Right(_) => return Ok(()),
            }
        }
    }

    fn tally(&self) -> Tally {
        Tally {
            connections: self.accepted,
            bytes: self.echoed.get(),
            cut_off: self.open.len() as u64,
        }
    }
}
