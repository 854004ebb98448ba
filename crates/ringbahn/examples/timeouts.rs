//! Bounds the time of a receive without losing its buffer, tries again, and waits.
//!
//! ```sh
//! cargo run --example timeouts
//! ```

#![forbid(unsafe_code)]

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ringbahn::event::Timeout;
use ringbahn::{BufResultExt, DefaultDriver, Drive, Ring};

/// Asks until there is an answer, and waits twice as long each time. Yields the answer, and how
/// often it has asked.
async fn ask(server: &Ring<UnixStream>, question: &'static str) -> io::Result<(Vec<u8>, u32)> {
    let mut patience = Duration::from_millis(20);
    let mut buffer = Vec::with_capacity(64);
    for attempt in 1..=8 {
        server.send_all(question).await.both()?;
        // It ends when the kernel is done with the buffer, so here that is, in any case.
        let (received, returned) = server.recv(buffer).timeout(patience).await;
        match received {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok((returned, attempt)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => buffer = returned,
            Err(error) => return Err(error),
        }
        patience *= 2;
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Has an answer only to the third question.
async fn answer(client: &Ring<UnixStream>) -> io::Result<()> {
    let mut heard = 0;
    let mut buffer = Vec::with_capacity(64);
    while heard < 3 * "how late is it?".len() {
        let (count, returned) = client.recv(buffer).await.both()?;
        if count == 0 {
            return Ok(());
        }
        heard += count;
        buffer = returned;
        buffer.clear();
    }
    client.send_all("late").await.both()?;
    Ok(())
}

async fn run() -> io::Result<()> {
    // A timer is an event like any other.
    let start = Instant::now();
    let timer = DefaultDriver.submit(Timeout::new(Duration::from_millis(10)));
    timer.await?;
    assert!(start.elapsed() >= Duration::from_millis(10));

    // So whatever an operation is, it can be bounded: here the timer is the one that is too slow.
    let forever = DefaultDriver.submit(Timeout::new(Duration::MAX));
    let stopped = forever.timeout(Duration::from_millis(10)).await;
    assert_eq!(stopped.unwrap_err().kind(), io::ErrorKind::TimedOut);

    let (client, server) = UnixStream::pair()?;
    let (client, server) = (Ring::new(client), Ring::new(server));
    let (asked, answered) = futures::join!(ask(&server, "how late is it?"), answer(&client));
    answered?;
    let (answer, attempts) = asked?;
    println!("the answer to question {attempts} is {:?}", String::from_utf8_lossy(&answer));
    Ok(())
}

fn main() -> io::Result<()> {
    DefaultDriver::shared().unwrap_or_else(unavailable);
    futures::executor::block_on(run())
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
