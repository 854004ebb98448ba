//! An echo server on tokio, and how it ends in order.
//!
//! ```sh
//! cargo run --example echo_on_tokio
//! ```
//!
//! [`echo`] is the same in `echo_on_smol` and `echo_on_local`: it knows neither the executor nor
//! the driver. Here the tasks run on all threads of the executor and share one driver; IO needs
//! nothing of tokio, neither its reactor nor its feature `net`.

#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use futures::AsyncWriteExt;
use ringbahn::{Drive, Ring, SharedDriver};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Sends back what it receives until the peer ends the stream, and yields how much that was.
async fn echo<D>(mut stream: Ring<TcpStream, D>) -> io::Result<u64>
where
    D: Drive + Clone + Unpin,
{
    let (mut reader, mut writer) = Ring::split(&mut stream);
    let count = ringbahn::io::copy(&mut reader, &mut writer).await?;
    writer.close().await?;
    Ok(count)
}

fn main() -> io::Result<()> {
    let driver = SharedDriver::new().unwrap_or_else(unavailable);
    // `#[tokio::main]` would do as well. It enables IO and time, of which nothing is used here.
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    runtime.block_on(serve(driver))
}

async fn serve(driver: SharedDriver) -> io::Result<()> {
    let listener =
        Ring::<TcpListener, _>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver.clone())?;
    let address = listener.get_ref().local_addr()?;

    let (stop, mut stopped) = oneshot::channel();
    let clients = thread::spawn(move || {
        let result = (0..4).try_for_each(|number| client(address, number));
        // Nobody is there to be told where the server has failed.
        let _ = stop.send(());
        result
    });

    let mut connections = JoinSet::new();
    loop {
        // An accept that is dropped here loses no connection.
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _peer) = accepted?;
                connections.spawn(echo(stream));
            }
            _ = &mut stopped => break,
        }
    }

    // The order of the end: nobody new, then those who are being served, then the driver.
    listener.close().await?;
    let (mut count, mut bytes) = (0, 0);
    while let Some(echoed) = connections.join_next().await {
        count += 1;
        // What one of them failed with concerns its peer, and not the server.
        match echoed? {
            Ok(echoed) => bytes += echoed,
            Err(error) => eprintln!("a connection failed: {error}"),
        }
    }
    let report = driver.shutdown(Duration::from_secs(1)).await;
    clients.join().expect("the clients do not panic")?;
    println!("echoed {bytes} bytes on {count} connections; {} operations leaked", report.leaked);
    Ok(())
}

/// Somebody out there, who does not use this library: sends a message and wants it back.
fn client(address: SocketAddr, number: usize) -> io::Result<()> {
    let message = vec![b'a' + number as u8; 1000 * (number + 1)];
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&message)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    assert_eq!(answer, message);
    Ok(())
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
