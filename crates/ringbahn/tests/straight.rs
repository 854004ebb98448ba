//! Sockets that are received from straight into the caller's memory, and sent to straight from it.
//!
//! Goal: whatever comes straight, by way of a buffer of the handle, or half and half, every byte is
//! seen once and in order, and nobody notices which way it was. Method: messages around the length
//! at which the ways change, on drivers that serve at once and on such that leave all to the ring.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use futures::future::{Either, join, select};
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use ringbahn::{BufResultExt, Drive, LocalDriver, Ring, SharedDriver, event};
use socket2::SockRef;

#[path = "support/subject.rs"]
mod subject;
#[path = "support/support.rs"]
mod support;
use subject::{Subject, on_both_kinds, race};
use support::{connection, poll_once};

/// Longer than what waits has room for.
const LARGE: usize = 16 * 1024;

/// What is sent: a sequence that no shift or gap leaves the same.
fn bytes(from: usize, count: usize) -> Vec<u8> {
    (from..from + count).map(|at| (at.wrapping_mul(31) >> 3) as u8 ^ (at >> 11) as u8).collect()
}

/// A connection whose next read of much waits without a buffer.
async fn used_to_much<D: Subject>(driver: &D) -> (Ring<TcpStream, D>, TcpStream) {
    let (near, mut far) = connection();
    let mut near = Ring::new_on_driver(near, driver.clone());
    let mut message = vec![0; LARGE];
    far.write_all(&bytes(0, LARGE)).unwrap();
    near.read_exact(&mut message).await.unwrap();
    assert!(message == bytes(0, LARGE));
    (near, far)
}

fn messages_of_all_lengths<D: Subject>(test: &str) {
    const LENGTHS: [usize; 18] =
        [64, 2047, 2048, 2049, 4096, LARGE, LARGE, 1, LARGE, 9, 9, 9, 9, 9, 9, 2048, 40_000, 3];
    on_both_kinds::<D>(test, |driver| {
        let (near, mut far) = connection();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let mut answer = vec![0; 40_000];
        driver.run(async {
            let (mut sent, mut room) = (0, vec![0; 64 * 1024]);
            for (turn, length) in LENGTHS.into_iter().cycle().take(180).enumerate() {
                let message = bytes(sent, length);
                // In every other turn it comes while somebody has begun to wait.
                if turn % 2 == 0 {
                    assert!(poll_once(&mut near.read(&mut room)).is_pending());
                }
                far.write_all(&message).unwrap();
                let mut got = Vec::new();
                while got.len() < length {
                    let count = near.read(&mut room).await.unwrap();
                    assert!(count > 0);
                    got.extend_from_slice(&room[..count]);
                }
                assert!(got == message, "turn {turn}");
                near.write_all(&got).await.unwrap();
                near.flush().await.unwrap();
                far.read_exact(&mut answer[..length]).unwrap();
                assert!(answer[..length] == message, "turn {turn}");
                sent += length;
            }
            far.shutdown(Shutdown::Write).unwrap();
            assert_eq!(near.read(&mut room).await.unwrap(), 0);
            assert_eq!(near.read(&mut room).await.unwrap(), 0);
        });
    });
}

#[test]
fn messages_of_all_lengths_are_read_and_answered_on_a_shared_driver() {
    messages_of_all_lengths::<SharedDriver>("messages_of_all_lengths_shared");
}

#[test]
fn messages_of_all_lengths_are_read_and_answered_on_a_local_driver() {
    messages_of_all_lengths::<LocalDriver>("messages_of_all_lengths_local");
}

fn ways_of_reading<D: Subject>(test: &str) {
    on_both_kinds::<D>(test, |driver| {
        driver.run(async {
            for way in 0..4 {
                let (mut near, mut far) = used_to_much(driver).await;
                let mut room = vec![0; LARGE];
                assert!(poll_once(&mut near.read(&mut room)).is_pending());
                far.write_all(&bytes(0, 5000)).unwrap();
                let mut got = match way {
                    // The read that was dropped holds none of it back from any other.
                    0 => near.fill_buf().await.unwrap()[..1000].to_vec(),
                    1 => near.recv(vec![0; 1000]).await.both().unwrap().1,
                    2 => near.peek(vec![0; 1000]).await.both().unwrap().1,
                    _ => {
                        let (one, two) = room.split_at_mut(300);
                        let parts = &mut [one, &mut two[..700]].map(std::io::IoSliceMut::new);
                        assert_eq!(near.read_vectored(parts).await.unwrap(), 1000);
                        room[..1000].to_vec()
                    }
                };
                match way {
                    0 => near.consume_unpin(1000),
                    2 => got.clear(),
                    _ => {}
                }
                while got.len() < 5000 {
                    let count = near.read(&mut room).await.unwrap();
                    got.extend_from_slice(&room[..count]);
                }
                assert!(got == bytes(0, 5000), "way {way}");
            }
        });
    });
}

#[test]
fn a_read_that_was_dropped_leaves_all_to_every_other_way_of_reading_on_a_shared_driver() {
    ways_of_reading::<SharedDriver>("ways_of_reading_shared");
}

#[test]
fn a_read_that_was_dropped_leaves_all_to_every_other_way_of_reading_on_a_local_driver() {
    ways_of_reading::<LocalDriver>("ways_of_reading_local");
}

fn handles_that_go<D: Subject>(test: &str) {
    on_both_kinds::<D>(test, |driver| {
        driver.run(async {
            let mut room = vec![0; LARGE];
            // Dropped while it waits; the driver's counts and descriptors are looked at afterwards.
            let (mut near, _far) = used_to_much(driver).await;
            assert!(poll_once(&mut near.read(&mut room)).is_pending());
            drop(near);
            // Taken apart while it waits, with something to read and without.
            for arrives in [false, true] {
                let (mut near, mut far) = used_to_much(driver).await;
                assert!(poll_once(&mut near.read(&mut room)).is_pending());
                if arrives {
                    far.write_all(b"hello").unwrap();
                }
                // Where a receive has waited, and not for something to receive, it has it.
                let (mut near, mut text) = match near.into_inner().await {
                    Ok(near) => (near, Vec::new()),
                    Err(error) => (error.object, error.unread),
                };
                far.write_all(b" there").unwrap();
                drop(far);
                near.read_to_end(&mut text).unwrap();
                assert_eq!(text, if arrives { &b"hello there"[..] } else { b" there" });
            }
        });
    });
}

#[test]
fn a_handle_that_goes_while_it_waits_loses_nothing_on_a_shared_driver() {
    handles_that_go::<SharedDriver>("handles_that_go_shared");
}

#[test]
fn a_handle_that_goes_while_it_waits_loses_nothing_on_a_local_driver() {
    handles_that_go::<LocalDriver>("handles_that_go_local");
}

fn errors<D: Subject>(test: &str) {
    on_both_kinds::<D>(test, |driver| {
        driver.run(async {
            let mut room = vec![0; LARGE];
            let (mut near, far) = used_to_much(driver).await;
            assert!(poll_once(&mut near.read(&mut room)).is_pending());
            // What is unsent and unread is thrown away, and the peer is told.
            SockRef::from(&far).set_linger(Some(std::time::Duration::ZERO)).unwrap();
            drop(far);
            let error = near.read(&mut room).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            assert_eq!(near.read(&mut room).await.unwrap(), 0, "it is told once");
            let written = near.write(b"hello").await.map(drop);
            let error = written.and(near.flush().await).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
            near.flush().await.unwrap();
        });
    });
}

#[test]
fn an_error_of_the_socket_is_told_once_on_a_shared_driver() {
    errors::<SharedDriver>("errors_shared");
}

#[test]
fn an_error_of_the_socket_is_told_once_on_a_local_driver() {
    errors::<LocalDriver>("errors_local");
}

fn stopped_reads<D: Subject>(test: &str) {
    on_both_kinds::<D>(test, |driver| {
        driver.run(async {
            let mut room = vec![0; LARGE];
            let (mut near, mut far) = used_to_much(driver).await;
            assert!(poll_once(&mut near.read(&mut room)).is_pending());
            let report = near.cancel_all().unwrap().await;
            assert_eq!((report.asked, report.cancelled), (1, 1));
            let error = near.read(&mut room).await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ECANCELED));
            far.write_all(b"next").unwrap();
            assert_eq!(near.read(&mut room).await.unwrap(), 4);
        });
    });
}

#[test]
fn a_read_of_much_that_is_stopped_is_told_of_it_on_a_shared_driver() {
    stopped_reads::<SharedDriver>("stopped_reads_shared");
}

#[test]
fn a_read_of_much_that_is_stopped_is_told_of_it_on_a_local_driver() {
    stopped_reads::<LocalDriver>("stopped_reads_local");
}

fn narrow_sockets<D: Subject>(test: &str) {
    const LENGTH: usize = 1_000_000;
    on_both_kinds::<D>(test, |driver| {
        let (near, mut far) = UnixStream::pair().unwrap();
        SockRef::from(&near).set_send_buffer_size(1).unwrap();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let reader = thread::spawn(move || {
            let mut all = Vec::new();
            far.read_to_end(&mut all).unwrap();
            all
        });
        driver.run(async {
            let (all, mut at) = (bytes(0, LENGTH), 0);
            for turn in 0.. {
                let length = (1 + turn * 7919 % 60_000).min(LENGTH - at);
                if length == 0 {
                    break;
                }
                let piece = &all[at..at + length];
                // Dropped while the one before is under way, it has accepted nothing.
                let write = near.write(piece);
                let Some(count) = race(driver, turn as u32, write).await else { continue };
                // What there was no room for has been copied.
                assert_eq!(count.unwrap(), length);
                at += length;
            }
            near.close().await.unwrap();
            assert!(reader.join().unwrap() == all);
        });
    });
}

#[test]
fn what_a_socket_has_no_room_for_is_written_behind_on_a_shared_driver() {
    narrow_sockets::<SharedDriver>("narrow_sockets_shared");
}

#[test]
fn what_a_socket_has_no_room_for_is_written_behind_on_a_local_driver() {
    narrow_sockets::<LocalDriver>("narrow_sockets_local");
}

fn selects<D: Subject>(test: &str) {
    const LENGTH: usize = 1 << 20;
    on_both_kinds::<D>(test, |driver| {
        let (near, mut far) = connection();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let dropped = AtomicU32::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let all = bytes(0, LENGTH);
                let mut rest = &all[..];
                let mut turn = 0;
                while !rest.is_empty() {
                    // Behind a read that was dropped, so that what waits has often lost its future.
                    let before = dropped.load(Ordering::Relaxed);
                    turn += 1;
                    let (piece, tail) = rest.split_at(rest.len().min(1 + turn * 1237 % 9000));
                    far.write_all(piece).unwrap();
                    rest = tail;
                    for _ in 0..1000 {
                        if turn % 3 > 0 || dropped.load(Ordering::Relaxed) > before {
                            break;
                        }
                        thread::yield_now();
                    }
                }
                far.shutdown(Shutdown::Write).unwrap();
            });
            driver.run(async {
                let (mut got, mut room) = (Vec::new(), vec![0; 20_000]);
                for turn in 0_u32.. {
                    let length = 1 + turn as usize * 7717 % room.len();
                    let count = match turn % 7 {
                        5 => {
                            let receive = near.recv(vec![0; length]);
                            race(driver, turn, receive).await.map(|received| {
                                let (count, piece) = received.both().unwrap();
                                room[..count].copy_from_slice(&piece[..count]);
                                count
                            })
                        }
                        6 => {
                            let piece = race(driver, turn, near.fill_buf()).await;
                            let piece = piece.map(|piece| piece.unwrap().to_vec());
                            piece.map(|piece| {
                                let count = piece.len().min(length);
                                room[..count].copy_from_slice(&piece[..count]);
                                near.consume_unpin(count);
                                count
                            })
                        }
                        _ => {
                            let read = near.read(&mut room[..length]);
                            race(driver, turn, read).await.map(Result::unwrap)
                        }
                    };
                    match count {
                        None => drop(dropped.fetch_add(1, Ordering::Relaxed)),
                        Some(0) => break,
                        Some(count) => got.extend_from_slice(&room[..count]),
                    }
                }
                assert!(got == bytes(0, LENGTH), "{} bytes", got.len());
            });
        });
    });
}

#[test]
fn reads_of_much_in_selects_lose_and_double_nothing_on_a_shared_driver() {
    selects::<SharedDriver>("selects_shared");
}

#[test]
fn reads_of_much_in_selects_lose_and_double_nothing_on_a_local_driver() {
    selects::<LocalDriver>("selects_local");
}

fn halves<D: Subject>(test: &str) {
    const LENGTH: usize = 1 << 20;
    on_both_kinds::<D>(test, |driver| {
        let (near, mut far) = connection();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let echo = thread::spawn(move || {
            let mut room = vec![0; 10_000];
            loop {
                match far.read(&mut room).unwrap() {
                    0 => return,
                    count => far.write_all(&room[..count]).unwrap(),
                }
            }
        });
        driver.run(async {
            let (mut reader, mut writer) = Ring::split(&mut near);
            let write = async {
                for piece in bytes(0, LENGTH).chunks(50_000) {
                    writer.write_all(piece).await.unwrap();
                }
                writer.close().await.unwrap();
            };
            let read = async {
                let (mut got, mut room) = (Vec::new(), vec![0; 30_000]);
                loop {
                    match reader.read(&mut room).await.unwrap() {
                        0 => return got,
                        count => got.extend_from_slice(&room[..count]),
                    }
                }
            };
            let ((), got) = join(write, read).await;
            assert!(got == bytes(0, LENGTH));
        });
        echo.join().unwrap();
    });
}

#[test]
fn both_directions_go_straight_at_the_same_time_on_a_shared_driver() {
    halves::<SharedDriver>("halves_shared");
}

#[test]
fn both_directions_go_straight_at_the_same_time_on_a_local_driver() {
    halves::<LocalDriver>("halves_local");
}

#[test]
fn what_goes_straight_is_counted_as_served_at_once() {
    let test = "what_goes_straight_is_counted_as_served_at_once";
    on_both_kinds::<SharedDriver>(test, |driver| {
        driver.run(async {
            let (mut near, mut far) = used_to_much(driver).await;
            let before = driver.counters();
            near.write_all(b"hello").await.unwrap();
            let after = driver.counters();
            let served = after.served_at_once - before.served_at_once;
            assert_eq!(after.submitted - before.submitted, 1);
            assert!(served == 1 || after.served_at_once == 0, "{after:?}");
            let mut text = [0; 5];
            far.read_exact(&mut text).unwrap();
            near.flush().await.unwrap();
        });
    });
}

#[test]
fn a_task_that_never_has_to_wait_lets_others_have_their_turn() {
    let test = "a_task_that_never_has_to_wait_lets_others_have_their_turn";
    on_both_kinds::<LocalDriver>(test, |driver| {
        let (near, far) = UnixStream::pair().unwrap();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let mut far = Ring::new_on_driver(far, driver.clone());
        driver.run(async {
            let busy = pin!(async {
                let mut text = [0; 5];
                loop {
                    near.write_all(b"hello").await.unwrap();
                    far.read_exact(&mut text).await.unwrap();
                }
            });
            let timeout = event::Timeout::new(std::time::Duration::from_millis(1));
            let timeout = driver.clone().submit(timeout);
            assert!(matches!(select(busy, timeout).await, Either::Right(_)));
        });
    });
}
