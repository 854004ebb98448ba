//! Handles that are dropped: anywhere, with operations in flight, beside others that take their
//! number.
//!
//! Goal: what is dropped is closed, once, and nobody else's file is touched. Numbers of
//! descriptors belong to the process, so the tests take turns.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::{AsyncReadExt, AsyncWriteExt};
use ringbahn::{Ring, SharedDriver};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, is_held, poll_once, referent, stream, wait_until};

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that the peer sees the end of the stream.
fn sees_the_end(mut peer: impl Read) {
    let ended = peer.read(&mut [0; 8]);
    assert!(matches!(ended, Ok(0)), "the peer got {ended:?}");
}

#[test]
fn a_handle_with_nothing_in_flight_is_closed_at_once() {
    let _turn = turn();
    let Some(driver) = driver("a_handle_with_nothing_in_flight_is_closed_at_once") else { return };
    let (near, far) = stream(&driver);
    let socket = referent(near.get_ref()).unwrap();
    block_on(async {
        let mut near = near;
        near.write_all(b"hello").await.unwrap();
        near.flush().await.unwrap();
    });
    assert!(!is_held(&socket));
    far.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut greeting = [0; 5];
    (&far).read_exact(&mut greeting).unwrap();
    sees_the_end(far);
}

#[test]
fn a_peer_sees_the_end_though_a_read_was_pending() {
    let _turn = turn();
    let Some(driver) = driver("a_peer_sees_the_end_though_a_read_was_pending") else { return };
    let ways: [fn(&mut Ring<TcpStream, SharedDriver>); 3] = [
        |near| assert!(poll_once(&mut near.read(&mut [0; 8])).is_pending()),
        |near| assert!(poll_once(&mut near.recv(Vec::with_capacity(8))).is_pending()),
        |near| {
            // A receive that outlives its turn in the executor.
            let mut receive = near.recv([0; 8]);
            assert!(poll_once(&mut receive).is_pending());
        },
    ];
    for pend in ways {
        let (mut near, far) = stream(&driver);
        let socket = referent(near.get_ref()).unwrap();
        far.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        pend(&mut near);
        drop(near);
        sees_the_end(far);
        wait_until("the socket is closed", || !is_held(&socket));
    }
}

#[test]
fn a_read_never_sees_the_data_of_another_socket_with_its_number() {
    let _turn = turn();
    let Some(driver) = driver("a_read_never_sees_the_data_of_another_socket") else { return };
    for _ in 0..50 {
        let (near, far) = UnixStream::pair().unwrap();
        let number = near.as_raw_fd();
        let near = Ring::new_on_driver(near, driver.clone());
        let read = ringbahn::event::Recv::new(
            // The operation's own share of the file: it outlives the handle.
            ringbahn::SharedFd::new(Arc::new(near.get_ref().try_clone().unwrap())),
            Vec::with_capacity(64),
        );
        let mut read = ringbahn::Drive::submit(driver.clone(), read);
        assert!(poll_once(&mut read).is_pending());
        drop(near);
        let others: Vec<_> = (0..4).map(|_| UnixStream::pair().unwrap()).collect();
        let taken = others.iter().any(|(a, b)| a.as_raw_fd() == number || b.as_raw_fd() == number);
        assert!(taken, "the number {number} was not given out again");
        for (a, b) in &others {
            let (mut a, mut b) = (a, b);
            a.write_all(b"not yours").unwrap();
            b.write_all(b"not yours").unwrap();
        }
        drop(far);
        let (count, bytes) = block_on(read);
        assert_eq!((count.unwrap(), bytes), (0, Vec::new()));
    }
}

#[test]
fn a_pending_read_of_the_handle_keeps_its_number_from_others() {
    let _turn = turn();
    let Some(driver) = driver("a_pending_read_keeps_its_number") else { return };
    for _ in 0..200 {
        let (near, _far) = UnixStream::pair().unwrap();
        let mut near = Ring::new_on_driver(near, driver.clone());
        assert!(poll_once(&mut near.read(&mut [0; 64])).is_pending());
        drop(near);
        let (a, mut b) = UnixStream::pair().unwrap();
        b.write_all(b"mine").unwrap();
        let mut a = Ring::new_on_driver(a, driver.clone());
        let mut buf = [0; 4];
        block_on(a.read_exact(&mut buf)).unwrap();
        assert_eq!(&buf, b"mine");
    }
}

#[test]
fn a_file_is_closed_exactly_once() {
    let _turn = turn();
    let Some(driver) = driver("a_file_is_closed_exactly_once") else { return };
    for _ in 0..100 {
        let ring = Ring::new_on_driver(file(b"hello"), driver.clone());
        let number = ring.get_ref().as_raw_fd();
        let read = ring.read_at(Vec::with_capacity(8), 0);
        block_on(async { futures::join!(read, ring.close()).1 }).unwrap();
        // Whoever has the number now keeps it.
        let others: Vec<_> = (0..64).map(|_| File::open("/dev/null").unwrap()).collect();
        let other = others.iter().find(|other| other.as_raw_fd() == number);
        let other = other.expect("the number was given out again");
        let halves = Ring::new_on_driver(file(b"hello"), driver.clone()).split();
        drop(halves);
        assert_eq!(referent(other).unwrap(), "/dev/null");
    }
}

type StreamRing = Ring<TcpStream, SharedDriver>;
type ListenerRing = Ring<TcpListener, SharedDriver>;

thread_local! {
    /// Dropped by the destructors of the thread.
    static LEFT_BEHIND: RefCell<Option<(StreamRing, ListenerRing)>> = RefCell::default();
}

#[test]
fn handles_are_dropped_by_the_destructors_of_a_thread() {
    let _turn = turn();
    let Some(driver) = driver("handles_are_dropped_by_the_destructors_of_a_thread") else {
        return;
    };
    let (near, far) = stream(&driver);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let held = [referent(near.get_ref()).unwrap(), referent(&listener).unwrap()];
    let on_thread = driver.clone();
    thread::spawn(move || {
        let mut near = near;
        let listener = Ring::new_on_driver(listener, on_thread);
        assert!(poll_once(&mut near.read(&mut [0; 8])).is_pending());
        assert!(poll_once(&mut Box::pin(listener.accept())).is_pending());
        LEFT_BEHIND.set(Some((near, listener)));
    })
    .join()
    .unwrap();
    sees_the_end(far);
    wait_until("both are closed", || !held.iter().any(|referent| is_held(referent)));
}

#[test]
fn handles_outlive_their_driver() {
    let _turn = turn();
    let Some(driver) = driver("handles_outlive_their_driver") else { return };
    let (mut near, far) = stream(&driver);
    let (mut idle, idle_peer) = stream(&driver);
    let mut on_disk = Ring::new_on_driver(file(b"hello"), driver.clone());
    let held = [near.get_ref(), idle.get_ref()].map(|socket| referent(socket).unwrap());
    let disk = referent(on_disk.get_ref()).unwrap();
    assert!(poll_once(&mut near.read(&mut [0; 8])).is_pending());
    let report = block_on(driver.shutdown(Duration::from_secs(1)));
    assert_eq!(report.leaked, 0);
    block_on(async {
        // The read that was in flight has been stopped, and says so; new ones are refused.
        for _ in 0..2 {
            assert!(near.read(&mut [0; 8]).await.is_err());
            assert!(on_disk.read(&mut [0; 8]).await.is_err());
            assert!(idle.write(b"hello").await.is_err());
            idle.flush().await.unwrap();
        }
        let object = idle.into_inner().await.unwrap();
        drop(object);
    });
    drop((near, on_disk));
    sees_the_end(far);
    sees_the_end(idle_peer);
    assert!(!held.iter().any(|referent| is_held(referent)) && !is_held(&disk));
}
