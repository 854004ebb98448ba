//! `select!` between a read and a timer, while the peer sends a sequence of numbers.
//!
//! Goal: no byte is lost or doubled, whichever way of reading is used, and in whatever order.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};
use futures::{AsyncBufReadExt, AsyncReadExt};
use ringbahn::{BufResultExt, Cancelled, Ring, SharedDriver};

#[path = "support/support.rs"]
mod support;
use support::{driver, pause, poll_once, stream};

/// The most bytes that a test sends.
const LENGTH: usize = 60_000;

/// What is sent: numbers of four bytes.
fn sequence() -> Vec<u8> {
    (0..LENGTH as u32 / 4).flat_map(u32::to_be_bytes).collect()
}

/// Sends the sequence in pieces of changing length, with pauses that let a reader wait.
fn send_sequence(mut peer: TcpStream) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut rest = &sequence()[..];
        let mut turn = 0;
        while !rest.is_empty() {
            turn += 1;
            let (piece, tail) = rest.split_at(rest.len().min(1 + turn * 37 % 700));
            peer.write_all(piece).unwrap();
            rest = tail;
            if turn % 4 == 0 {
                // sleep: lets the reader wait for bytes; orders nothing.
                thread::sleep(Duration::from_micros(150));
            }
        }
    })
}

/// The time that a reader gives itself in a turn.
fn patience(turn: u64) -> Duration {
    Duration::from_micros(turn * 13 % 120)
}

/// One turn: `Some` bytes, or `None` where the timer was faster.
async fn race<T>(driver: &SharedDriver, turn: u64, read: impl Future<Output = T>) -> Option<T> {
    let timer = pin!(pause(driver, patience(turn)));
    match select(timer, pin!(read)).await {
        Either::Left(_) => None,
        Either::Right((output, _)) => Some(output),
    }
}

#[test]
fn reads_lose_nothing() {
    let Some(driver) = driver("reads_lose_nothing") else { return };
    let (mut near, far) = stream(&driver);
    let sender = send_sequence(far);
    let mut got = Vec::new();
    block_on(async {
        for turn in 0.. {
            let mut buf = vec![0; 1 + turn as usize * 31 % 900];
            match race(&driver, turn, near.read(&mut buf)).await.map(Result::unwrap) {
                Some(0) => break,
                Some(count) => got.extend_from_slice(&buf[..count]),
                None => {}
            }
        }
    });
    assert!(got == sequence());
    sender.join().unwrap();
}

#[test]
fn receives_into_own_buffers_lose_nothing() {
    let Some(driver) = driver("receives_into_own_buffers_lose_nothing") else { return };
    let (near, far) = stream(&driver);
    let sender = send_sequence(far);
    let mut got = Vec::new();
    block_on(async {
        for turn in 0.. {
            let buffer = Vec::with_capacity(1 + turn as usize * 31 % 900);
            if let Some(received) = race(&driver, turn, near.recv(buffer)).await {
                let (count, bytes) = received.both().unwrap();
                if count == 0 {
                    break;
                }
                got.extend_from_slice(&bytes);
            }
        }
    });
    assert!(got == sequence());
    sender.join().unwrap();
}

#[test]
fn all_ways_of_reading_in_turn_lose_nothing() {
    let Some(driver) = driver("all_ways_of_reading_in_turn_lose_nothing") else { return };
    let (mut near, far) = stream(&driver);
    let sender = send_sequence(far);
    let mut got = Vec::new();
    block_on(async {
        for turn in 0_u64.. {
            let size = 1 + turn as usize * 31 % 900;
            let bytes = match turn * 7 % 5 {
                0 => {
                    let mut buf = vec![0; size];
                    let read = race(&driver, turn, near.read(&mut buf)).await;
                    read.map(|count| buf[..count.unwrap()].to_vec())
                }
                1 => {
                    let filled = race(&driver, turn, near.fill_buf()).await;
                    let taken = filled.map(|buf| buf.unwrap().iter().copied().take(size).collect());
                    let taken: Option<Vec<u8>> = taken;
                    near.consume_unpin(taken.as_ref().map_or(0, Vec::len));
                    taken
                }
                2 => {
                    let received =
                        near.recv(Vec::with_capacity(size)).timeout(patience(turn)).await;
                    match received {
                        (Ok(_), bytes) => Some(bytes),
                        (Err(error), buffer) => {
                            assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
                            assert!(buffer.is_empty() && buffer.capacity() >= size);
                            None
                        }
                    }
                }
                3 => {
                    let mut receive = near.recv(Vec::with_capacity(size));
                    match poll_once(&mut receive) {
                        std::task::Poll::Ready(received) => Some(received.both().unwrap().1),
                        std::task::Poll::Pending => match receive.cancel().await {
                            Cancelled::Completed(received) => Some(received.both().unwrap().1),
                            Cancelled::Cancelled((error, _)) => {
                                assert!(error.is_err());
                                None
                            }
                        },
                    }
                }
                _ => {
                    let received = race(&driver, turn, near.recv(Vec::with_capacity(size))).await;
                    received.map(|received| received.both().unwrap().1)
                }
            };
            match bytes {
                Some(bytes) if bytes.is_empty() => break,
                Some(bytes) => got.extend_from_slice(&bytes),
                None => {}
            }
        }
    });
    assert_eq!(got.len(), LENGTH);
    assert!(got == sequence());
    sender.join().unwrap();
}

#[test]
fn a_line_is_read_whole_though_its_reader_was_dropped_many_times() {
    let Some(driver) = driver("a_line_is_read_whole") else { return };
    let (mut near, mut far) = stream(&driver);
    for _ in 0..3 {
        assert!(poll_once(&mut near.fill_buf()).is_pending());
    }
    far.write_all(b"one\ntwo\n").unwrap();
    block_on(async {
        let mut line = String::new();
        near.read_line(&mut line).await.unwrap();
        near.read_line(&mut line).await.unwrap();
        assert_eq!(line, "one\ntwo\n");
    });
}

#[test]
fn what_an_abandoned_receive_got_comes_first() {
    let Some(driver) = driver("what_an_abandoned_receive_got_comes_first") else { return };
    for _ in 0..200 {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let mut receive = near.recv(Vec::with_capacity(3));
        assert!(poll_once(&mut receive).is_pending());
        // Whether the bytes or the cancel come first is for the kernel to say.
        far.write_all(b"abcdef").unwrap();
        drop(receive);
        block_on(async {
            let mut buf = [0; 6];
            near.read_exact(&mut buf).await.unwrap();
            assert_eq!(&buf, b"abcdef");
        });
    }
}

#[test]
fn two_halves_read_and_write_at_the_same_time() {
    use futures::AsyncWriteExt;
    let Some(driver) = driver("two_halves_read_and_write_at_the_same_time") else { return };
    let (near, far) = stream(&driver);
    let far: Ring<TcpStream, SharedDriver> = Ring::new_on_driver(far, driver.clone());
    let echo = async {
        let (reader, mut writer) = far.split();
        futures::io::copy(reader, &mut writer).await.unwrap();
        writer.close().await.unwrap();
    };
    let client = async {
        let (mut reader, mut writer) = near.split();
        let send = async {
            writer.write_all(&sequence()).await.unwrap();
            writer.close().await.unwrap();
        };
        let mut got = Vec::new();
        let (_, count) = futures::join!(send, reader.read_to_end(&mut got));
        assert_eq!(count.unwrap(), LENGTH);
        assert!(got == sequence());
    };
    block_on(async { futures::join!(echo, client) });
}
