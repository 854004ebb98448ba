//! `select!` loops of accepts on every driver, while clients connect again and again.
//!
//! Goal: however often the accept is dropped, each client is accepted once and served, none hangs,
//! no descriptor is left, and nothing stays in flight. Method: queues of two entries; clients that
//! connect again when another accept has been dropped, so that accepts mostly find nothing.
//!
//! `RINGBAHN_SELECT_TURNS` says how many turns a loop makes; 10 000 unless told.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use ringbahn::socket2::SockRef;
use ringbahn::{BufResultExt, LocalDriver, Ring, SharedDriver};

#[path = "support/subject.rs"]
mod subject;
#[path = "support/support.rs"]
mod support;
use subject::{Subject, on_both_kinds, race, turns};

const CLIENTS: usize = 2;

/// What server and clients know of each other.
#[derive(Default)]
struct Progress {
    /// How often an accept has been dropped.
    dropped: AtomicU32,
    /// Whether it is enough.
    stop: AtomicBool,
}

/// Connects again and again until it is enough, and yields the numbers that it was served with.
fn client(address: SocketAddr, progress: &Progress) -> Vec<u32> {
    let mut numbers = Vec::new();
    let has_ended = || progress.stop.load(Ordering::Relaxed);
    while !has_ended() {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // Closed by a reset, it does not keep its port.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        let mut number = [0; 4];
        stream.read_exact(&mut number).expect("a client is served");
        numbers.push(u32::from_be_bytes(number));
        let dropped = progress.dropped.load(Ordering::Relaxed);
        while progress.dropped.load(Ordering::Relaxed) == dropped && !has_ended() {
            thread::yield_now();
        }
    }
    numbers
}

/// What a loop has seen.
#[derive(Debug, Default)]
struct Seen {
    accepted: u32,
    /// How often the accept was dropped.
    dropped: u32,
}

/// Accepts in a `select!` for so many turns, and then until all clients have gone. Each client
/// gets the number of its accept.
async fn accept_in_select<D: Subject>(
    driver: &D,
    listener: &Ring<TcpListener, D>,
    turns: u32,
    progress: &Progress,
    have_gone: impl Fn() -> bool,
) -> Seen {
    let mut seen = Seen::default();
    for turn in 0.. {
        if turn == turns {
            progress.stop.store(true, Ordering::Relaxed);
        }
        if turn >= turns && have_gone() {
            break;
        }
        match race(driver, turn, listener.accept()).await {
            Some(accepted) => {
                let (stream, _) = accepted.unwrap();
                stream.send_all(seen.accepted.to_be_bytes()).await.both().unwrap();
                seen.accepted += 1;
            }
            None => {
                seen.dropped += 1;
                progress.dropped.store(seen.dropped, Ordering::Relaxed);
            }
        }
    }
    seen
}

fn every_client_is_accepted_once<D: Subject>(test: &str) {
    let turns = turns();
    on_both_kinds(test, |driver: &D| {
        let listener =
            Ring::<TcpListener, D>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver.clone());
        let listener = listener.unwrap();
        let address = listener.get_ref().local_addr().unwrap();
        let progress = Arc::new(Progress::default());
        let threads: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let progress = progress.clone();
                thread::spawn(move || client(address, &progress))
            })
            .collect();
        let have_gone = || threads.iter().all(thread::JoinHandle::is_finished);
        let seen = driver.run(accept_in_select(driver, &listener, turns, &progress, have_gone));
        let served = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        let mut numbers: Vec<u32> = served.collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..seen.accepted), "{seen:?}");
        assert!(seen.dropped > turns / 10, "{seen:?}");
        assert!(seen.accepted > turns / 100, "{seen:?}");
    });
}

#[test]
fn accepts_on_the_shared_driver() {
    every_client_is_accepted_once::<SharedDriver>("accepts_on_the_shared_driver");
}

#[test]
fn accepts_on_the_local_driver() {
    every_client_is_accepted_once::<LocalDriver>("accepts_on_the_local_driver");
}
