//! `select!` loops of reads and receives on every driver, while the peer sends a sequence.
//!
//! Goal: however often what waits for bytes is dropped, and in whatever state the operation is
//! then, every byte is seen once and in order, no descriptor is left, and nothing stays in flight.
//! Method: queues of two entries; a peer that sends a piece when the one before has been read and
//! another read has been dropped, so that reads mostly find nothing and are in flight.
//!
//! `RINGBAHN_SELECT_TURNS` says how many turns a loop makes; 10 000 unless told.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;

use futures::{AsyncBufReadExt, AsyncReadExt};
use ringbahn::{BufResultExt, LocalDriver, Ring, SharedDriver};

#[path = "support/subject.rs"]
mod subject;
#[path = "support/support.rs"]
mod support;
use subject::{Subject, on_both_kinds, race, turns};
use support::connection;

/// The ways of reading.
#[derive(Clone, Copy)]
enum Way {
    Read,
    FillBuf,
    Recv,
    /// Another one in each turn.
    Mixed,
}

/// The bytes from `position` on of what is sent: numbers of four bytes.
fn sequence(position: u64) -> impl Iterator<Item = u8> {
    (position..).map(|at| ((at / 4) as u32).to_be_bytes()[(at % 4) as usize])
}

/// What reader and peer know of each other.
#[derive(Default)]
struct Progress {
    /// How many bytes have been read.
    read: AtomicU64,
    /// How often what waits for bytes has been dropped.
    dropped: AtomicU32,
    /// Whether it is enough.
    stop: AtomicBool,
}

/// Sends the sequence in pieces, each when the reader has all or most of what came before, and
/// every other one when the reader has waited in vain. Yields how many bytes it has sent.
fn send(mut peer: TcpStream, progress: &Progress) -> u64 {
    let has_ended = || progress.stop.load(Ordering::Relaxed);
    let dropped = || progress.dropped.load(Ordering::Relaxed);
    let (mut sent, mut turn) = (0, 0);
    while !has_ended() {
        turn += 1;
        let piece: Vec<u8> = sequence(sent).take(1 + (turn * 37 % 700) as usize).collect();
        peer.write_all(&piece).unwrap();
        sent += piece.len() as u64;
        let backlog = if turn % 4 == 0 { 1000 } else { 0 };
        let before = dropped();
        while !has_ended()
            && (progress.read.load(Ordering::Relaxed) + backlog < sent
                || (turn % 2 == 1 && dropped() == before))
        {
            thread::yield_now();
        }
    }
    sent
}

/// What a loop has seen.
#[derive(Debug, Default)]
struct Seen {
    bytes: u64,
    /// How often it got some.
    reads: u32,
    /// How often what waited for bytes was dropped.
    dropped: u32,
}

/// Reads in a `select!` until the end of the stream, which comes some time after so many turns.
async fn read_in_select<D: Subject>(
    driver: &D,
    near: TcpStream,
    progress: &Progress,
    (way, turns): (Way, u32),
) -> Seen {
    let mut near = Ring::new_on_driver(near, driver.clone());
    let mut seen = Seen::default();
    for turn in 0.. {
        if turn == turns {
            progress.stop.store(true, Ordering::Relaxed);
        }
        let size = 1 + turn as usize * 31 % 900;
        let way = match (way, turn % 3) {
            (Way::Mixed, 0) => Way::Read,
            (Way::Mixed, 1) => Way::FillBuf,
            (Way::Mixed, _) => Way::Recv,
            (way, _) => way,
        };
        let bytes = match way {
            Way::Read => {
                let mut buf = vec![0; size];
                let count = race(driver, turn, near.read(&mut buf)).await;
                count.map(|count| buf[..count.unwrap()].to_vec())
            }
            Way::FillBuf => {
                let buf = race(driver, turn, near.fill_buf()).await.map(Result::unwrap);
                let taken = buf.map(|buf| buf[..size.min(buf.len())].to_vec());
                near.consume_unpin(taken.as_ref().map_or(0, Vec::len));
                taken
            }
            Way::Recv | Way::Mixed => {
                let received = race(driver, turn, near.recv(Vec::with_capacity(size))).await;
                received.map(|received| received.both().unwrap().1)
            }
        };
        match bytes {
            None => {
                seen.dropped += 1;
                progress.dropped.store(seen.dropped, Ordering::Relaxed);
            }
            Some(bytes) if bytes.is_empty() => break,
            Some(bytes) => {
                assert!(sequence(seen.bytes).zip(&bytes).all(|(sent, got)| sent == *got));
                seen.bytes += bytes.len() as u64;
                seen.reads += 1;
                progress.read.store(seen.bytes, Ordering::Relaxed);
            }
        }
    }
    near.close().await.unwrap();
    seen
}

fn nothing_is_lost<D: Subject>(test: &str, way: Way) {
    let turns = turns();
    on_both_kinds(test, |driver: &D| {
        let (near, far) = connection();
        let progress = Arc::new(Progress::default());
        let peer = thread::spawn({
            let progress = progress.clone();
            move || send(far, &progress)
        });
        let seen = driver.run(read_in_select(driver, near, &progress, (way, turns)));
        assert_eq!(seen.bytes, peer.join().unwrap());
        assert!(seen.dropped > turns / 10, "{seen:?}");
        assert!(seen.reads > turns / 100, "{seen:?}");
    });
}

#[test]
fn reads_on_the_shared_driver() {
    nothing_is_lost::<SharedDriver>("reads_on_the_shared_driver", Way::Read);
}

#[test]
fn reads_on_the_local_driver() {
    nothing_is_lost::<LocalDriver>("reads_on_the_local_driver", Way::Read);
}

#[test]
fn looks_into_the_buffer_on_the_shared_driver() {
    nothing_is_lost::<SharedDriver>("looks_into_the_buffer_on_the_shared_driver", Way::FillBuf);
}

#[test]
fn looks_into_the_buffer_on_the_local_driver() {
    nothing_is_lost::<LocalDriver>("looks_into_the_buffer_on_the_local_driver", Way::FillBuf);
}

#[test]
fn receives_on_the_shared_driver() {
    nothing_is_lost::<SharedDriver>("receives_on_the_shared_driver", Way::Recv);
}

#[test]
fn receives_on_the_local_driver() {
    nothing_is_lost::<LocalDriver>("receives_on_the_local_driver", Way::Recv);
}

#[test]
fn all_ways_in_turn_on_the_shared_driver() {
    nothing_is_lost::<SharedDriver>("all_ways_in_turn_on_the_shared_driver", Way::Mixed);
}

#[test]
fn all_ways_in_turn_on_the_local_driver() {
    nothing_is_lost::<LocalDriver>("all_ways_in_turn_on_the_local_driver", Way::Mixed);
}
