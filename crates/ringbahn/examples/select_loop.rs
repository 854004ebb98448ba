//! A server that is one loop: it accepts, reads and keeps time in one `select!`, which drops what
//! has not happened yet in every turn, and loses nothing.
//!
//! ```sh
//! cargo run --example select_loop
//! ```

#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures::AsyncBufReadExt;
use ringbahn::event::Timeout;
use ringbahn::{DefaultDriver, Drive, Ring};

const CLIENTS: usize = 20;
const TICK: Duration = Duration::from_micros(500);

/// What the loop has seen.
#[derive(Debug, Default)]
struct Seen {
    accepted: usize,
    ended: usize,
    bytes: u64,
    sum: u64,
    ticks: u32,
}

/// Waits until one of the connections has something, and yields which one.
///
/// The bytes stay with the handle until they are consumed, and so does the read in flight. So it
/// does not matter how often this is begun anew.
async fn any_readable(connections: &mut [Ring<TcpStream>]) -> (usize, io::Result<usize>) {
    poll_fn(|cx| {
        for (index, connection) in connections.iter_mut().enumerate() {
            let mut filled = connection.fill_buf();
            if let Poll::Ready(result) = Pin::new(&mut filled).poll(cx) {
                return Poll::Ready((index, result.map(<[u8]>::len)));
            }
        }
        Poll::Pending
    })
    .await
}

/// Serves until so many clients have come and gone.
async fn serve(listener: Ring<TcpListener>, clients: usize) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let mut connections: Vec<Ring<TcpStream>> = Vec::new();
    // The timer alone outlives the turns, or it would begin anew with each and never end.
    let mut timer = pin!(DefaultDriver.submit(Timeout::new(TICK)));
    while seen.ended < clients {
        tokio::select! {
            accepted = listener.accept() => {
                let (connection, _peer) = accepted?;
                connections.push(connection);
                seen.accepted += 1;
            }
            (index, result) = any_readable(&mut connections) => {
                let Ok(count @ 1..) = result else {
                    // The end; or an error, which concerns this peer and not the server.
                    connections.swap_remove(index);
                    seen.ended += 1;
                    continue;
                };
                let connection = &mut connections[index];
                let bytes = connection.fill_buf().await?;
                seen.sum += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
                seen.bytes += count as u64;
                connection.consume_unpin(count);
            }
            ended = timer.as_mut() => {
                ended?;
                seen.ticks += 1;
                timer.as_mut().restart(Timeout::new(TICK));
            }
        }
    }
    Ok(seen)
}

fn main() -> io::Result<()> {
    DefaultDriver::shared().unwrap_or_else(unavailable);
    let listener = Ring::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.get_ref().local_addr()?;
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| thread::spawn(move || client(address, number))).collect();

    // The macro `select!` is tokio's, and works on any executor.
    let seen = futures::executor::block_on(serve(listener, CLIENTS))?;

    let (mut bytes, mut sum) = (0, 0);
    for client in clients {
        let sent = client.join().expect("a client does not panic")?;
        bytes += sent.len() as u64;
        sum += sent.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    }
    assert_eq!((seen.accepted, seen.bytes, seen.sum), (CLIENTS, bytes, sum));
    println!("{} clients, {} bytes, and nothing lost; {} ticks", seen.accepted, bytes, seen.ticks);
    Ok(())
}

/// Somebody out there: sends bytes in small pieces, and tells what they were.
fn client(address: SocketAddr, number: usize) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let bytes: Vec<u8> = (0..2000).map(|index| (index * 7 + number) as u8).collect();
    for piece in bytes.chunks(50) {
        stream.write_all(piece)?;
        thread::yield_now();
    }
    Ok(bytes)
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
