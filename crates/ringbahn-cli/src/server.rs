//! A TCP server: it accepts, serves, and comes to an end. What it serves is a [`Protocol`].
//!
//! All connections run on one thread, side by side in one future, which any executor can run.
//!
//! | module | what is in it |
//! |---|---|
//! | [`route`] | the drivers it can run on |
//! | [`signals`] | the signals that end it, as bytes to receive |

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::task::{Poll, ready};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, FutureExt, Shared, select};
use futures::stream::{FuturesUnordered, Stream, StreamExt, unfold};
use ringbahn::{Drive, Ring, event};

mod route;
mod signals;

pub(crate) use route::{Serving, run};
use signals::Signals;

/// How long the server waits where it cannot take another connection, for want of a descriptor or
/// of memory. Accepting again at once would fail at once.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the connections have to come to their end, once the server has been told to.
const GRACE: Duration = Duration::from_secs(5);

/// What a server does with its connections.
pub(crate) trait Protocol {
    /// Serves one connection to its end, which is to come soon once the server is to end.
    fn serve<D: Serving>(
        &self,
        connection: Ring<TcpStream, D>,
        ending: Ending,
    ) -> impl Future<Output = ()> + 'static;

    /// What was done, for the last line.
    fn summary(&self) -> impl Display;
}

/// Ready when the server is to end.
pub(crate) type Ending = Shared<oneshot::Receiver<()>>;

/// What the server has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    connections: u64,
    /// How many connections were still busy when the time was up.
    cut_off: u64,
}

/// Says how it went.
pub(crate) fn report(served: io::Result<Tally>) -> ExitCode {
    match served {
        Ok(tally) if tally.cut_off == 0 => ExitCode::SUCCESS,
        Ok(tally) => {
            let were = if tally.cut_off == 1 { "connection was" } else { "connections were" };
            tell(format_args!("{} {were} cut off before everything was sent", tally.cut_off));
            ExitCode::from(1)
        }
        Err(error) => {
            tell(format_args!("{error}"));
            ExitCode::from(2)
        }
    }
}

/// Serves at `address` until a signal comes, and then ends what is in flight.
async fn serve<D: Serving>(
    address: &str,
    driver: &D,
    protocol: &impl Protocol,
) -> io::Result<Tally> {
    let signals = Signals::new(driver.clone())?;
    let listener = bind(address)?;
    say(format_args!("listening on {}", listener.local_addr()?))?;
    let listener = Ring::new_on_driver(listener, driver.clone());
    let (end, ending) = oneshot::channel();
    let mut connections = Connections::new(ending.shared());
    connections.accept_until(signals.next(), listener, driver, protocol).await?;
    // Where nobody is left to be told, nobody need be.
    let _ = end.send(());
    connections.end(&signals, driver).await;
    let tally = connections.tally();
    // Whoever has started it may be gone.
    let _ = say(format_args!("{} connections, {}", tally.connections, protocol.summary()));
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
) -> impl Stream<Item = io::Result<Box<Ring<TcpStream, D>>>> {
    unfold((listener, false), async |(listener, mut has_told)| {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => {
                    return Some((Ok(Box::new(connection)), (listener, has_told)));
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

async fn pause<D: Drive + Clone>(driver: &D, time: Duration) -> io::Result<()> {
    driver.clone().submit(event::Timeout::new(time)).await
}

/// The connections that are being served, and how many there were.
struct Connections {
    running: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>>,
    accepted: u64,
    ending: Ending,
}

/// What happens next.
enum Turn<D: Drive + Unpin> {
    Signal(io::Result<()>),
    Arrived(io::Result<Box<Ring<TcpStream, D>>>),
    Ended,
}

impl Connections {
    fn new(ending: Ending) -> Connections {
        Connections { running: FuturesUnordered::new(), accepted: 0, ending }
    }

    /// Accepts and serves until a signal comes. Then nobody listens any more.
    async fn accept_until<D: Serving>(
        &mut self,
        signal: impl Future<Output = io::Result<()>>,
        listener: Ring<TcpListener, D>,
        driver: &D,
        protocol: &impl Protocol,
    ) -> io::Result<()> {
        let mut signal = pin!(signal);
        let mut arrivals = pin!(arrivals(listener, driver));
        loop {
            let turn = poll_fn(|cx| {
                if let Poll::Ready(result) = signal.poll_unpin(cx) {
                    return Poll::Ready(Turn::Signal(result));
                }
                if let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) {
                    return Poll::Ready(Turn::Ended);
                }
                let arrived = ready!(arrivals.poll_next_unpin(cx));
                Poll::Ready(Turn::Arrived(arrived.expect("the stream has no end")))
            });
            match turn.await {
                Turn::Signal(result) => return result,
                Turn::Arrived(connection) => {
                    let connection = connection?;
                    // Where it fails, answers are late and right.
                    let _ = connection.get_ref().set_nodelay(true);
                    self.accepted += 1;
                    let served = protocol.serve(*connection, self.ending.clone());
                    self.running.push(Box::pin(served));
                }
                Turn::Ended => {}
            }
        }
    }

    /// Waits for the connections, which have been told. A second signal ends them at once.
    async fn end<D: Serving>(&mut self, signals: &Signals<D>, driver: &D) {
        let (signal, grace) = (pin!(signals.next()), pin!(pause(driver, GRACE)));
        let mut impatience = select(signal, grace);
        loop {
            match select(self.running.next(), &mut impatience).await {
                Either::Left((Some(()), _)) => {}
                Either::Left((None, _)) | Either::Right(_) => return,
            }
        }
    }

    fn tally(&self) -> Tally {
        Tally { connections: self.accepted, cut_off: self.running.len() as u64 }
    }
}
