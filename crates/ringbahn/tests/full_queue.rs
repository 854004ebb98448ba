//! Handles on a driver that has no room.
//!
//! Goal: whoever waits for room has changed nothing yet, may be dropped, and goes on when there is
//! room. Method: a driver with a gate before the queue of another one.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures::executor::block_on;
use futures::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use ringbahn::event::{Incomplete, Position, ReadExact, Rescued};
use ringbahn::{
    Attempt, BufResultExt, CancelTarget, Completion, Drive, Reservation, Ring, Served, Shared,
    SharedDriver, SharedFd,
};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, poll_once};

/// A driver that has no room while its gate is shut.
#[derive(Clone)]
struct Gated {
    inner: SharedDriver,
    gate: Arc<Mutex<Gate>>,
}

#[derive(Default)]
struct Gate {
    shut: bool,
    /// Whether the gate shuts after each one who goes through, and opens when he has looked.
    revolving: bool,
    /// Whether what need not wait may be served before the gate.
    serves: bool,
    waiting: Vec<Waker>,
}

impl Gated {
    fn new(test: &str) -> Option<Gated> {
        Some(Gated { inner: driver(test)?, gate: Arc::default() })
    }

    fn set_shut(&self, shut: bool) {
        let mut gate = self.gate.lock().unwrap();
        gate.shut = shut;
        let waiting = std::mem::take(&mut gate.waiting);
        drop(gate);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Drive for Gated {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut gate = self.gate.lock().unwrap();
        if gate.revolving {
            gate.shut = !gate.shut;
            if gate.shut {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if gate.shut {
            gate.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        drop(gate);
        Pin::new(&mut self.inner).poll_prepare(cx, count, prepare)
    }

    fn attempt<'a>(mut self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        let serves = self.gate.lock().unwrap().serves;
        if serves { Pin::new(&mut self.inner).attempt(attempt) } else { None }
    }

    fn poll_submit(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Pin::new(&mut self.inner).poll_submit(cx)
    }

    fn cancel(mut self: Pin<&mut Self>, target: CancelTarget) {
        Pin::new(&mut self.inner).cancel(target);
    }
}

#[test]
fn a_write_that_waits_for_room_has_not_begun() {
    let Some(driver) = Gated::new("a_write_that_waits_for_room_has_not_begun") else { return };
    let plain = file(b"");
    let mut ring = Ring::new_on_driver(plain.try_clone().unwrap(), driver.clone());
    block_on(async {
        driver.set_shut(true);
        assert!(poll_once(&mut ring.write(b"first")).is_pending());
        // Another one may come in its place.
        assert!(poll_once(&mut ring.write(b"second")).is_pending());
        ring.flush().await.unwrap();
        assert_eq!(ring.stream_position().await.unwrap(), 0);
        driver.set_shut(false);
        ring.write_all(b"third").await.unwrap();
        ring.flush().await.unwrap();
        assert_eq!(ring.stream_position().await.unwrap(), 5);
        let (_, all) = ring.read_to_end_at(Vec::new(), 0).await.both().unwrap();
        assert_eq!(all, b"third");
        driver.set_shut(true);
        assert!(poll_once(&mut ring.write(b"never")).is_pending());
        drop(ring);
    });
    assert_eq!(plain.metadata().unwrap().len(), 5);
}

#[test]
fn whatever_waits_for_room_may_be_dropped() {
    let Some(driver) = Gated::new("whatever_waits_for_room_may_be_dropped") else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let mut near = Ring::new_on_driver(near, driver.clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = Ring::new_on_driver(listener, driver.clone());
    block_on(async {
        driver.set_shut(true);
        far.write_all(b"hello").unwrap();
        assert!(poll_once(&mut near.read(&mut [0; 8])).is_pending());
        assert!(poll_once(&mut near.recv(Vec::with_capacity(8))).is_pending());
        assert!(poll_once(&mut Box::pin(listener.accept())).is_pending());
        driver.set_shut(false);
        let (count, bytes) = near.recv(Vec::with_capacity(8)).await.both().unwrap();
        assert_eq!((count, &bytes[..]), (5, &b"hello"[..]));
        let client = TcpStream::connect(address).unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());

        driver.set_shut(true);
        assert!(poll_once(&mut near.read(&mut [0; 8])).is_pending());
        driver.set_shut(false);
        near.into_inner().await.unwrap();
    });
    assert_eq!(far.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn a_driver_that_makes_everybody_wait_once_loses_nothing() {
    let Some(driver) = Gated::new("a_driver_that_makes_everybody_wait_once") else { return };
    driver.gate.lock().unwrap().revolving = true;
    let (near, far) = UnixStream::pair().unwrap();
    let [near, mut far] = [near, far].map(|end| Ring::new_on_driver(end, driver.clone()));
    let bytes: Vec<u8> = (0..500_000_u32).map(|at| (at % 251) as u8).collect();
    block_on(async {
        let send = async {
            let mut near = near;
            near.write_all(&bytes).await.unwrap();
            near.close().await.unwrap();
        };
        let mut got = Vec::new();
        let ((), count) = futures::join!(send, far.read_to_end(&mut got));
        assert_eq!(count.unwrap(), bytes.len());
        assert!(got == bytes);

        let mut ring = Ring::new_on_driver(file(b""), driver.clone());
        ring.write_all(&bytes).await.unwrap();
        ring.seek(io::SeekFrom::Start(3)).await.unwrap();
        let mut rest = Vec::new();
        ring.read_to_end(&mut rest).await.unwrap();
        assert!(rest == bytes[3..]);
        ring.close().await.unwrap();
    });
}

#[test]
fn a_copy_that_waits_for_room_leaves_the_bytes_with_the_reader() {
    let Some(driver) = Gated::new("a_copy_that_waits_for_room_leaves_the_bytes") else { return };
    let mut from = Ring::new_on_driver(file(b"hello"), driver.inner.clone());
    let plain = file(b"");
    let mut to = Ring::new_on_driver(plain.try_clone().unwrap(), driver.clone());
    driver.set_shut(true);
    for _ in 0..2 {
        let mut copy = Box::pin(ringbahn::io::copy(&mut from, &mut to));
        assert!(poll_once(&mut copy).is_pending());
    }
    let mut first = [0; 1];
    block_on(from.read_exact(&mut first)).unwrap();
    assert_eq!(&first, b"h");
    driver.set_shut(false);
    assert_eq!(block_on(ringbahn::io::copy(&mut from, &mut to)).unwrap(), 4);
    let mut copied = String::new();
    let mut plain = plain;
    std::io::Seek::rewind(&mut plain).unwrap();
    plain.read_to_string(&mut copied).unwrap();
    assert_eq!(copied, "ello");
}

#[test]
fn a_write_of_which_a_part_was_served_before_there_was_room_is_not_written_twice() {
    let test = "a_write_of_which_a_part_was_served_before_there_was_room";
    let Some(driver) = Gated::new(test) else { return };
    driver.gate.lock().unwrap().serves = true;
    let bytes: Vec<u8> = (0..400_000_u32).map(|at| (at % 251) as u8).collect();
    for copied in [false, true] {
        let (near, mut far) = UnixStream::pair().unwrap();
        rustix::net::sockopt::set_socket_send_buffer_size(&near, 4096).unwrap();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let mut from = Ring::new_on_driver(file(&bytes), driver.inner.clone());
        let expected = bytes.clone();
        let reader = std::thread::spawn(move || {
            let mut got = Vec::new();
            far.read_to_end(&mut got).unwrap();
            assert_eq!(got.len(), expected.len());
            assert!(got == expected);
        });
        driver.set_shut(true);
        if copied {
            // Once it reads, once it writes what it has read.
            for _ in 0..4 {
                let mut copy = Box::pin(ringbahn::io::copy(&mut from, &mut near));
                // Nothing to wait for, where the reader has kept up with all that was served.
                if poll_once(&mut copy).is_ready() {
                    break;
                }
            }
            driver.set_shut(false);
            block_on(ringbahn::io::copy(&mut from, &mut near)).unwrap();
        } else {
            let accepted = match poll_once(&mut near.write(&bytes)) {
                Poll::Ready(count) => count.unwrap(),
                Poll::Pending => 0,
            };
            driver.set_shut(false);
            block_on(near.write_all(&bytes[accepted..])).unwrap();
        }
        block_on(near.close()).unwrap();
        reader.join().unwrap();
    }
}

#[test]
fn what_was_read_before_there_was_room_for_the_rest_is_kept_where_the_read_is_dropped() {
    let test = "what_was_read_before_there_was_room_for_the_rest_is_kept";
    let Some(driver) = Gated::new(test) else { return };
    driver.gate.lock().unwrap().serves = true;
    driver.set_shut(true);
    let (from, mut to) = io::pipe().unwrap();
    to.write_all(b"half").unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let from = SharedFd::from(OwnedFd::from(from));
    let read = ReadExact::new(from, Vec::with_capacity(8), Position::Current);
    let read = Rescued::new(read, move |output| drop(sender.send(output)));
    let mut read = Box::pin(driver.clone().submit(read));
    assert!(poll_once(&mut read).is_pending());
    assert!(!read.is_in_flight());
    drop(read);
    let (result, buffer) = receiver.recv().unwrap();
    let error = result.unwrap_err();
    let incomplete = error.get_ref().and_then(|inner| inner.downcast_ref::<Incomplete>());
    assert_eq!(incomplete.map(Incomplete::done), Some(4));
    assert_eq!(buffer, b"half");
}
