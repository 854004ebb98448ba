//! Cancels against the kernel: what they answer, what comes back, and what must not be lost.
#![allow(unsafe_code)]

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ringbahn_core::event::{
    Accept, AsyncCancel, Connect, Nop, OpenAt, OpenOptions, Position, Read, Statx, Timeout,
    WriteAll,
};
use ringbahn_core::{Cancelled, Drive};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use canary::Canary;
use scene::{descriptors, end, pipe, poll_once, run, shared, start, until, until_idle};
use watched::Watched;

const MOMENT: Duration = Duration::from_millis(10);

#[test]
fn an_open_that_nobody_waits_for_any_more_leaves_no_descriptor() {
    let test = "an_open_that_nobody_waits_for_any_more_leaves_no_descriptor";
    scene::in_child(test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        run(driver.clone().submit(Nop)).unwrap();
        let before = descriptors();
        let mut options = OpenOptions::new();
        options.read(true);
        let open = || driver.clone().submit(OpenAt::new("/dev/null", &options).unwrap());
        for _ in 0..100 {
            // Dropped while pending, or completed inline; both are fine.
            let mut pending = open();
            let _ = poll_once(Pin::new(&mut pending));
            drop(pending);
            // Completed, seen by nobody: one CQE was seen, the output not taken.
            let mut completed = open();
            let cqe = std::future::poll_fn(|cx| Pin::new(&mut completed).poll_cqe(cx, 0));
            assert!(run(cqe).unwrap().result().is_ok());
            // Who has read the last CQE of one disposes of it a moment after it was counted.
            until("the other one is closed", || descriptors() == before + 1);
            drop(completed);
            until("it is closed", || descriptors() == before);
        }
        until_idle(&driver);
        let file = run(open()).unwrap();
        assert_eq!(descriptors(), before + 1);
        drop(file);
        end(&driver);
    });
}

#[test]
fn an_accept_that_completes_after_its_drop_closes_the_connection() {
    let test = "an_accept_that_completes_after_its_drop_closes_the_connection";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for _ in 0..50 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = shared(listener);
        let mut accept = driver.clone().submit(Accept::new(listener.clone()));
        start(&mut accept);
        let mut client = std::net::TcpStream::connect(address).unwrap();
        drop(accept);
        until_idle(&driver);
        drop(listener);
        // Whether it was accepted and disposed of, or never accepted: it is over.
        let mut byte = [0];
        assert!(!matches!(client.read(&mut byte), Ok(1..)));
    }
    end(&driver);
}

#[test]
fn a_file_dropped_during_a_stat_of_it_is_still_the_one_that_is_looked_at() {
    let test = "a_file_dropped_during_a_stat_of_it_is_still_the_one_that_is_looked_at";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for length in 1..100 {
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.set_len(length).unwrap();
        let number = file.as_raw_fd();
        let mut stat =
            Box::pin(driver.clone().submit(Statx::of(ringbahn_core::SharedFd::new(file.clone()))));
        let polled = poll_once(stat.as_mut());
        drop(file);
        // It would get the number, were that free while the stat runs.
        let stranger = tempfile::tempfile().unwrap();
        assert!(
            polled.is_ready() || stranger.as_raw_fd() != number || driver.counters().in_flight == 0
        );
        let metadata = match polled {
            std::task::Poll::Ready(result) => result,
            std::task::Poll::Pending => run(stat),
        };
        assert_eq!(metadata.unwrap().len(), length);
    }
    end(&driver);
}

#[test]
fn a_cancel_tells_whether_there_was_something_to_cancel() {
    let test = "a_cancel_tells_whether_there_was_something_to_cancel";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let read = || driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));

    let mut first = read();
    start(&mut first);
    let target = first.cancel_target().unwrap();
    run(driver.clone().submit(AsyncCancel::new(target.clone()))).unwrap();
    assert_eq!(run(first).0.unwrap_err().raw_os_error(), Some(libc::ECANCELED));

    // It has ended, and its place in the ring's table is another's by now.
    let mut second = read();
    start(&mut second);
    let error = run(driver.clone().submit(AsyncCancel::new(target))).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    start(&mut second);
    writer.write_all(&[7]).unwrap();
    assert_eq!(run(second).1, [7]);
    assert_eq!(driver.counters().repeated, 0);
    end(&driver);
}

#[test]
fn a_cancel_never_hits_an_operation_of_another_ring() {
    let test = "a_cancel_never_hits_an_operation_of_another_ring";
    let Some(one) = skip::driver(test, 1, 2) else { return };
    let Some(other) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let read = |driver: &ringbahn_drivers::SharedDriver| {
        driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current))
    };
    // The first operations of their rings: nothing but the ring tells them apart.
    let (mut mine, mut theirs) = (read(&one), read(&other));
    start(&mut mine);
    start(&mut theirs);
    let target = theirs.cancel_target().unwrap();
    let error = run(one.clone().submit(AsyncCancel::new(target))).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    start(&mut mine);
    start(&mut theirs);
    writer.write_all(&[1, 2]).unwrap();
    assert_eq!(run(mine).1[0] + run(theirs).1[0], 3);
    assert_eq!((one.counters().repeated, other.counters().repeated), (0, 0));
    end(&one);
    end(&other);
}

#[test]
fn a_cancelled_operation_gives_everything_back_whichever_was_faster() {
    let test = "a_cancelled_operation_gives_everything_back_whichever_was_faster";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for round in 0..200_u8 {
        let (reader, mut writer) = pipe();
        let mut read =
            driver.clone().submit(Read::new(reader.clone(), Canary::new(), Position::Current));
        start(&mut read);
        if round % 2 == 0 {
            writer.write_all(&[round]).unwrap();
        }
        match run(read.cancel()) {
            Cancelled::Completed((count, buffer)) => {
                assert_eq!((count.unwrap(), buffer.filled()), (1, &[round][..]));
            }
            Cancelled::Cancelled((result, buffer)) => {
                assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
                assert!(buffer.filled().is_empty());
                if round % 2 == 0 {
                    // The byte was not lost.
                    let event = Read::new(reader, [0; 1], Position::Current);
                    assert_eq!(run(driver.clone().submit(event)).1, [round]);
                }
            }
        }
    }
    end(&driver);
    canary::inspect();
}

#[test]
fn an_abandoned_read_past_the_page_cache_ends_before_its_buffer_does() {
    let test = "an_abandoned_read_past_the_page_cache_ends_before_its_buffer_does";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("blocks");
    std::fs::write(&path, vec![7; 64 * canary::SIZE]).unwrap();
    let options = || std::fs::OpenOptions::new().read(true).clone();
    let file = match options().custom_flags(libc::O_DIRECT).open(&path) {
        Ok(file) => shared(file),
        Err(error) => return skip::skip(test, &format!("no O_DIRECT: {error}")),
    };
    let ends = Arc::new(AtomicUsize::new(0));
    for round in 0..500 {
        let position = Position::At(round % 64 * canary::SIZE as u64);
        let event = Read::new(file.clone(), Watched::new(&ends), position);
        let mut read = Box::pin(driver.clone().submit(event));
        let _ = poll_once(read.as_mut());
    }
    until_idle(&driver);
    until("all are freed", || ends.load(Ordering::SeqCst) == 500);
    end(&driver);
    canary::inspect();
}

#[test]
fn a_read_that_times_out_gives_its_buffer_back_and_loses_no_byte() {
    let test = "a_read_that_times_out_gives_its_buffer_back_and_loses_no_byte";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let read = |buffer| driver.clone().submit(Read::new(reader.clone(), buffer, Position::Current));
    let (result, buffer) = run(read(b"before".to_vec()).timeout(MOMENT));
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(buffer, b"before");
    writer.write_all(b"next").unwrap();
    let (count, buffer) = run(read(buffer).timeout(Duration::from_secs(60)));
    assert_eq!((count.unwrap(), &buffer[..]), (4, &b"next"[..]));
    // The timer of the second one has gone with it.
    until_idle(&driver);
    end(&driver);
}

#[test]
fn a_timeout_of_zero_and_one_that_never_comes_are_fine() {
    let test = "a_timeout_of_zero_and_one_that_never_comes_are_fine";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let read = || driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));
    assert_eq!(run(read().timeout(Duration::ZERO)).0.unwrap_err().kind(), io::ErrorKind::TimedOut);
    let mut endless = Box::pin(read().timeout(Duration::MAX));
    assert!(poll_once(endless.as_mut()).is_pending());
    writer.write_all(&[7]).unwrap();
    assert_eq!(run(endless).1, [7]);
    end(&driver);
}

#[test]
fn an_accept_that_times_out_leaves_the_next_connection_to_the_next_accept() {
    let test = "an_accept_that_times_out_leaves_the_next_connection_to_the_next_accept";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = shared(listener);
    let accept = || driver.clone().submit(Accept::new(listener.clone()));
    let error = run(accept().timeout(MOMENT)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let client = std::net::TcpStream::connect(address).unwrap();
    let (_, peer) = run(accept().timeout(Duration::from_secs(60))).unwrap();
    assert_eq!(peer.as_inet(), client.local_addr().ok());
    end(&driver);
}

#[test]
fn a_connect_that_times_out_says_so() {
    let test = "a_connect_that_times_out_says_so";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // SAFETY: the call names no memory.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let connect = || {
        // SAFETY: the call names no memory.
        let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
        // SAFETY: the descriptor is new and nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        driver.clone().submit(Connect::new(shared(socket), address)).timeout(MOMENT * 5)
    };
    // The first ones find room in the queue of connections.
    let failed = (0..8).find_map(|_| run(connect()).err());
    assert_eq!(failed.unwrap().kind(), io::ErrorKind::TimedOut);
    end(&driver);
}

#[test]
fn a_detached_write_runs_to_its_end_with_nobody_waiting() {
    let test = "a_detached_write_runs_to_its_end_with_nobody_waiting";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    let (mut reader, writer) = io::pipe().unwrap();
    let writer = shared(writer);
    for _ in 0..32 {
        let event = WriteAll::new(writer.clone(), Watched::new(&ends), Position::Current);
        let mut write = pin!(driver.clone().submit(event));
        let _ = poll_once(write.as_mut());
        write.as_mut().detach();
    }
    drop((writer, driver));
    let mut received = Vec::new();
    reader.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), 32 * canary::SIZE);
    until("the buffers are freed", || ends.load(Ordering::SeqCst) == 32);
    canary::inspect();
}

#[test]
fn a_timer_that_is_dropped_does_not_hold_up_the_shutdown() {
    let test = "a_timer_that_is_dropped_does_not_hold_up_the_shutdown";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let mut timer = driver.clone().submit(Timeout::new(Duration::from_secs(3600)));
    start(&mut timer);
    drop(timer);
    let begin = Instant::now();
    end(&driver);
    assert!(begin.elapsed() < Duration::from_secs(5));
}
