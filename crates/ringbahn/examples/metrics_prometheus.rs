//! Serves what a driver has done, opcode by opcode, for Prometheus to collect; over that driver.
//!
//! ```sh
//! cargo run --example metrics_prometheus -- 127.0.0.1:9464 # or once for a client of its own
//! curl http://127.0.0.1:9464/metrics
//! ```

#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use ringbahn::{Metering, PrometheusText, Ring, SharedDriver, time};

/// How long the head of a request may be, and how long it may take.
const REQUEST_MAX: usize = 8 << 10;
const TIME_MAX: Duration = Duration::from_secs(5);

/// The metrics of `driver`, under the name that tells it from others of the program.
fn text(driver: &SharedDriver) -> PrometheusText {
    let text = PrometheusText::new().counters("main", driver.counters());
    match driver.metrics() {
        Some(metrics) => text.metrics("main", metrics),
        None => text,
    }
}

/// Answers the one request of a connection.
async fn answer(
    mut stream: Ring<TcpStream, SharedDriver>,
    driver: &SharedDriver,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 512];
        let count = stream.read(&mut part).await?;
        request.extend_from_slice(&part[..count]);
        if count == 0 || request.len() > REQUEST_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let wanted = request.starts_with(b"GET /metrics ");
    let (status, body) = if wanted {
        ("200 OK", text(driver).to_string())
    } else {
        ("404 Not Found", String::new())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        PrometheusText::CONTENT_TYPE,
        body.len(),
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.close().await
}

fn main() -> io::Result<()> {
    let builder = SharedDriver::builder().metering(Metering::Latencies);
    let driver = builder.build().unwrap_or_else(unavailable);
    let address = std::env::args().nth(1).map(|address| address.parse::<SocketAddr>());
    let wanted = address.transpose().map_err(io::Error::other)?;
    futures::executor::block_on(async {
        let address = wanted.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
        let listener = Ring::<TcpListener, _>::bind_on_driver(address, driver.clone())?;
        let address = listener.get_ref().local_addr()?;
        let client = wanted.is_none().then(|| thread::spawn(move || collect(address)));
        loop {
            let (stream, peer) = listener.accept().await?;
            // What one of them fails with, or takes too long for, concerns nobody else.
            match time::timeout(TIME_MAX, answer(stream, &driver)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => eprintln!("{peer}: {error}"),
                Err(_) => eprintln!("{peer} took too long"),
            }
            if client.is_some() {
                break;
            }
        }
        listener.close().await?;
        driver.shutdown(Duration::from_secs(1)).await;
        if let Some(client) = client {
            print!("{}", client.join().expect("the client does not panic")?);
        }
        Ok(())
    })
}

/// In the place of Prometheus: asks once, and yields what accepts were told of.
fn collect(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.lines().next().unwrap_or_default();
    let accepts = body.lines().filter(|line| line.contains("opcode=\"ACCEPT\""));
    let accepts = accepts.filter(|line| !line.contains("_bucket"));
    Ok(accepts.fold(format!("{status}\n"), |text, line| text + line + "\n"))
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
