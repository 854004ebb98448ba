//! Cancels on a local driver: what they answer, what comes back, and what must not be lost.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use ringbahn_core::event::{
    Accept, EventExt, Nop, OpenAt, OpenOptions, Position, Read, Recv, Timeout, WriteAll,
};
use ringbahn_core::{Cancelled, Drive};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use canary::Canary;
use local::{end, in_time, until_idle};
use scene::{descriptors, pipe, poll_once, shared, start};
use watched::Watched;

const MOMENT: Duration = Duration::from_millis(5);

#[test]
fn a_cancelled_local_operation_gives_everything_back_whichever_was_faster() {
    let test = "a_cancelled_local_operation_gives_everything_back_whichever_was_faster";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        for round in 0..200_u8 {
            let (reader, mut writer) = pipe();
            let event = Read::new(reader.clone(), Canary::new(), Position::Current);
            let mut read = driver.clone().submit(event);
            if round % 3 != 0 {
                start(&mut read);
            }
            if round % 2 == 0 {
                writer.write_all(&[round]).unwrap();
            }
            match driver.block_on(read.cancel()) {
                Cancelled::Completed((count, buffer)) => {
                    assert_eq!((count.unwrap(), buffer.filled()), (1, &[round][..]));
                }
                Cancelled::Cancelled((result, buffer)) => {
                    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
                    assert!(buffer.filled().is_empty());
                    if round % 2 == 0 {
                        // The byte was not lost.
                        let event = Read::new(reader, [0; 1], Position::Current);
                        assert_eq!(driver.block_on(driver.clone().submit(event)).1, [round]);
                    }
                }
            }
        }
        end(&driver);
        canary::inspect();
    });
}

#[test]
fn a_local_operation_that_times_out_gives_its_buffer_back_and_loses_no_byte() {
    let test = "a_local_operation_that_times_out_gives_its_buffer_back_and_loses_no_byte";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let (reader, mut writer) = pipe();
        let read =
            |buffer| driver.clone().submit(Read::new(reader.clone(), buffer, Position::Current));
        let (result, buffer) = driver.block_on(read(b"before".to_vec()).timeout(MOMENT));
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(buffer, b"before");
        writer.write_all(b"next").unwrap();
        let (count, buffer) = driver.block_on(read(buffer).timeout(Duration::from_secs(60)));
        assert_eq!((count.unwrap(), &buffer[..]), (4, &b"next"[..]));
        let mut endless = Box::pin(read(Vec::with_capacity(1)).timeout(Duration::MAX));
        assert!(driver.block_on(local::poll_once(endless.as_mut())).is_pending());
        drop(endless);

        let listener = shared(TcpListener::bind("127.0.0.1:0").unwrap());
        let accept = driver.clone().submit(Accept::new(listener)).timeout(MOMENT);
        assert_eq!(driver.block_on(accept).unwrap_err().kind(), io::ErrorKind::TimedOut);
        // The timer of the second one has gone with it.
        until_idle(&driver);
        end(&driver);
    });
}

/// The second part of a chain has not started, so that a cancel of it misses: it is tried again.
#[test]
fn a_chain_that_is_dropped_or_cancelled_ends_whichever_part_runs() {
    let test = "a_chain_that_is_dropped_or_cancelled_ends_whichever_part_runs";
    in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        for round in 0..60 {
            let (first_reader, mut first_writer) = pipe();
            let (second_reader, _second_writer) = pipe();
            let read = |reader| Read::new(reader, Watched::new(&ends), Position::Current);
            let mut chain =
                Box::pin(driver.clone().submit(read(first_reader).link(read(second_reader))));
            assert!(driver.block_on(local::poll_once(chain.as_mut())).is_pending());
            if round % 2 == 0 {
                // A short read would break the chain.
                first_writer.write_all(&[7; canary::SIZE]).unwrap();
            }
            match round % 3 {
                0 => drop(chain),
                1 => {
                    let cancelled = std::future::poll_fn(|cx| chain.as_mut().poll_cancel(cx));
                    let ((first, _), (second, _)) = driver.block_on(cancelled).into_inner();
                    assert!(second.is_err());
                    assert!(first.is_err() || round % 2 == 0);
                }
                _ => {
                    let target = chain.cancel_target().unwrap();
                    // The drop asks a second time.
                    Pin::new(&mut driver.clone()).cancel(target);
                    drop(chain);
                }
            }
            until_idle(&driver);
            assert_eq!(ends.load(Ordering::SeqCst), 2 * (round + 1));
        }
        end(&driver);
        canary::inspect();
    });
}

#[test]
fn a_submission_is_restarted_after_its_end_a_cancel_or_in_flight() {
    let test = "a_submission_is_restarted_after_its_end_a_cancel_or_in_flight";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        let (reader, mut writer) = pipe();
        let event = || Read::new(reader.clone(), Watched::new(&ends), Position::Current);
        let mut read = Box::pin(driver.clone().submit(event()));
        let mut made = 1;
        let mut targets = Vec::new();
        for round in 0..100 {
            assert!(driver.block_on(local::poll_once(read.as_mut())).is_pending());
            if round % 3 == 0 {
                // Somebody still holds the operation before.
                targets.extend(read.cancel_target());
            }
            match round % 4 {
                0 => {
                    writer.write_all(&[7]).unwrap();
                    assert_eq!(driver.block_on(read.as_mut()).0.unwrap(), 1);
                }
                1 => {
                    let cancelled = std::future::poll_fn(|cx| read.as_mut().poll_cancel(cx));
                    assert!(driver.block_on(cancelled).is_cancelled());
                }
                2 => {}
                _ => {
                    // Asked for and not waited for.
                    let cancel = std::future::poll_fn(|cx| {
                        Poll::Ready(read.as_mut().poll_cancel(cx).is_pending())
                    });
                    driver.block_on(cancel);
                }
            }
            read.as_mut().restart(event());
            made += 1;
        }
        // No old target hits the operation that has come after.
        start(&mut read);
        for target in targets {
            Pin::new(&mut driver.clone()).cancel(target);
        }
        driver.block_on(driver.clone().submit(Nop)).unwrap();
        start(&mut read);
        writer.write_all(&[7]).unwrap();
        assert_eq!(driver.block_on(read.as_mut()).0.unwrap(), 1);
        drop(read);
        until_idle(&driver);
        assert_eq!(ends.load(Ordering::SeqCst), made);
        end(&driver);
        canary::inspect();
    });
}

#[test]
fn what_a_dropped_local_open_or_accept_yields_is_closed() {
    let test = "what_a_dropped_local_open_or_accept_yields_is_closed";
    scene::in_child(test, || {
        let driver = local::driver(test, 1, 2).unwrap();
        driver.block_on(driver.clone().submit(Nop)).unwrap();
        let before = descriptors();
        let mut options = OpenOptions::new();
        options.read(true);
        for _ in 0..100 {
            let mut open =
                Box::pin(driver.clone().submit(OpenAt::new("/dev/null", &options).unwrap()));
            let _ = driver.block_on(local::poll_once(open.as_mut()));
            drop(open);
            until_idle(&driver);
            assert_eq!(descriptors(), before);

            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let listener = shared(listener);
            let mut accept = driver.clone().submit(Accept::new(listener.clone()));
            assert!(driver.block_on(local::poll_once(Pin::new(&mut accept))).is_pending());
            let mut client = TcpStream::connect(address).unwrap();
            drop(accept);
            until_idle(&driver);
            drop(listener);
            assert!(!matches!(client.read(&mut [0]), Ok(1..)));
            drop(client);
            assert_eq!(descriptors(), before);
        }
        end(&driver);
    });
}

#[test]
fn a_stream_dropped_during_a_receive_is_closed_for_its_peer() {
    let test = "a_stream_dropped_during_a_receive_is_closed_for_its_peer";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for inside in [true, false] {
            let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let stream = shared(listener.accept().unwrap().0);
            let mut receive = driver.clone().submit(Recv::new(stream, vec![0; 8]));
            start(&mut receive);
            if inside {
                driver.block_on(async { drop(receive) });
            } else {
                drop(receive);
            }
            // Nobody calls the driver again.
            assert_eq!(peer.read(&mut [0]).unwrap(), 0);
        }
        end(&driver);
    });
}

#[test]
fn a_detached_local_write_runs_to_its_end_with_nobody_waiting() {
    let test = "a_detached_local_write_runs_to_its_end_with_nobody_waiting";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        let (mut reader, writer) = io::pipe().unwrap();
        let writer = shared(writer);
        for _ in 0..32 {
            let event = WriteAll::new(writer.clone(), Watched::new(&ends), Position::Current);
            let mut write = pin!(driver.clone().submit(event));
            let _ = poll_once(write.as_mut());
            write.as_mut().detach();
        }
        drop(writer);
        let received = Arc::new(AtomicUsize::new(0));
        let peer = std::thread::spawn({
            let received = received.clone();
            move || {
                let mut all = Vec::new();
                reader.read_to_end(&mut all).unwrap();
                received.store(all.len(), Ordering::SeqCst);
            }
        });
        let timer = || driver.clone().submit(Timeout::new(MOMENT));
        driver.block_on(async {
            while received.load(Ordering::SeqCst) == 0 {
                timer().await.unwrap();
            }
        });
        peer.join().unwrap();
        assert_eq!(received.load(Ordering::SeqCst), 32 * canary::SIZE);
        assert_eq!(ends.load(Ordering::SeqCst), 32);
        end(&driver);
        canary::inspect();
    });
}
