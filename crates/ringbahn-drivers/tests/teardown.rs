//! The end of a driver: in bounded time, with a true report, and with nothing left behind.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use ringbahn_core::event::{Accept, Fsync, Nop, Position, Read, SendZc, Timeout};
use ringbahn_core::{Drive, Submission};
use ringbahn_drivers::{Report, SharedDriver};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use canary::Canary;
use scene::{Wakes, descriptors, end, pipe, poll_once, run, shared, start, threads, until};
use watched::Watched;

const SECONDS_10: Duration = Duration::from_secs(10);

/// A connection over the loopback device: near end, far end.
/// More than the far end takes, and less than an ordinary user may lock.
const SENT_LENGTH: usize = 1 << 20;

/// Two ends, of which the far one takes little before it is read.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A socket inherits the size from its listener, and keeps to a size that was set.
    socket2::SockRef::from(&listener).set_recv_buffer_size(16 << 10).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// A zero-copy send of more than the peer takes, whose buffer the kernel keeps until `TcpStream`
/// is read or closed.
fn stuck_send(driver: &SharedDriver) -> (Submission<SendZc<Vec<u8>>, SharedDriver>, TcpStream) {
    let (near, far) = connection();
    let mut send = driver.clone().submit(SendZc::new(shared(near), vec![7; SENT_LENGTH]));
    let first = run(std::future::poll_fn(|cx| Pin::new(&mut send).poll_cqe(cx, 0))).unwrap();
    assert!(first.result().unwrap() > 0 && first.has_more(), "{first:?}");
    start(&mut send);
    (send, far)
}

fn read(driver: &SharedDriver) -> (Submission<Read<Canary>, SharedDriver>, io::PipeWriter) {
    let (reader, writer) = pipe();
    let mut read = driver.clone().submit(Read::new(reader, Canary::new(), Position::Current));
    start(&mut read);
    (read, writer)
}

#[test]
fn a_shutdown_ends_whatever_is_pending_and_its_report_adds_up() {
    let test = "a_shutdown_ends_whatever_is_pending_and_its_report_adds_up";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut accept = driver.clone().submit(Accept::new(shared(listener)));
    start(&mut accept);
    let (read, _writer) = read(&driver);
    let mut timer = driver.clone().submit(Timeout::new(Duration::from_secs(3600)));
    start(&mut timer);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[1; 65536]).unwrap();
    let mut fsync = Box::pin(driver.clone().submit(Fsync::new(shared(file))));
    let fsync_pending = poll_once(fsync.as_mut()).is_pending();

    let begin = Instant::now();
    let report = run(driver.shutdown(SECONDS_10));
    assert!(begin.elapsed() < SECONDS_10);
    assert_eq!(report.leaked, 0);
    assert!(report.completed + report.cancelled <= 3 + u64::from(fsync_pending), "{report:?}");
    assert!(report.cancelled >= 3, "{report:?}");
    assert_eq!(run(accept).unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    assert_eq!(run(read).0.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    assert_eq!(run(timer).unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    assert_eq!(driver.counters().submitted, driver.counters().completed);
    canary::inspect();
}

#[test]
fn what_the_kernel_keeps_past_the_deadline_is_reported_and_comes_back_later() {
    let test = "what_the_kernel_keeps_past_the_deadline_is_reported_and_comes_back_later";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (send, far) = stuck_send(&driver);
    let (read, _writer) = read(&driver);

    let begin = Instant::now();
    let report = run(driver.shutdown(Duration::from_millis(50)));
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(report, Report { completed: 0, cancelled: 1, leaked: 1 });
    assert!(run(read).0.is_err());

    drop(far);
    let (count, buffer) = run(send);
    assert!(count.unwrap() > 0);
    assert_eq!(buffer.len(), SENT_LENGTH);
    until("the helper has seen the end", || driver.counters().in_flight == 0);
    canary::inspect();
}

#[test]
fn a_shutdown_that_has_to_leak_survives_a_closed_standard_error() {
    let test = "a_shutdown_that_has_to_leak_survives_a_closed_standard_error";
    scene::in_child(test, || {
        let driver = skip::driver(test, 2, 4).unwrap();
        let (_send, _far) = stuck_send(&driver);
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        // SAFETY: the call names no memory.
        let saved = unsafe { libc::dup(2) };
        // SAFETY: as above; what is written to the standard error output now fails.
        assert_eq!(unsafe { libc::dup2(writer.as_raw_fd(), 2) }, 2);
        let report = run(driver.shutdown(Duration::ZERO));
        // SAFETY: as above.
        unsafe { libc::dup2(saved, 2) };
        assert_eq!(report.leaked, 1);
    });
}

#[test]
fn a_second_shutdown_has_the_report_of_the_first() {
    let test = "a_second_shutdown_has_the_report_of_the_first";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (_read, _writer) = read(&driver);
    let first = driver.shutdown(SECONDS_10);
    let second = driver.shutdown(Duration::ZERO);
    let report = run(first);
    assert_eq!(report, Report { completed: 0, cancelled: 1, leaked: 0 });
    assert_eq!(run(second), report);
    assert_eq!(run(driver.clone().shutdown(Duration::ZERO)), report);
}

#[test]
fn a_driver_never_used_is_shut_down_at_once() {
    let test = "a_driver_never_used_is_shut_down_at_once";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let mut shutdown = driver.shutdown(SECONDS_10);
    assert_eq!(poll_once(Pin::new(&mut shutdown)), Poll::Ready(Report::default()));
    assert!(run(driver.clone().submit(Nop)).is_err());
}

#[test]
fn an_operation_after_the_shutdown_says_so_and_gives_its_buffer_back() {
    let test = "an_operation_after_the_shutdown_says_so_and_gives_its_buffer_back";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    run(driver.clone().submit(Nop)).unwrap();
    end(&driver);
    let (reader, _writer) = pipe();
    let event = Read::new(reader, b"as it was".to_vec(), Position::Current);
    let (result, buffer) = run(driver.clone().submit(event));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    assert!(error.to_string().contains("shut down"), "{error}");
    assert_eq!(buffer, b"as it was");
}

#[test]
fn those_who_wait_for_room_are_told_of_the_shutdown() {
    let test = "those_who_wait_for_room_are_told_of_the_shutdown";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let shutters: Vec<_> = (0..4)
        .map(|_| {
            let driver = driver.clone();
            thread::spawn(move || {
                let mut refused = 0;
                while refused < 10 {
                    refused += usize::from(run(driver.clone().submit(Nop)).is_err());
                }
            })
        })
        .collect();
    until("they are at it", || driver.counters().completed > 100);
    run(driver.shutdown(SECONDS_10));
    shutters.into_iter().for_each(|shutter| shutter.join().unwrap());
    assert_eq!(driver.counters().submitted, driver.counters().completed);
}

#[test]
fn a_future_outlives_every_handle_of_its_driver() {
    let test = "a_future_outlives_every_handle_of_its_driver";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (read, mut writer) = read(&driver);
    drop(driver);
    let thread = thread::spawn(move || run(read));
    writer.write_all(b"late").unwrap();
    let (count, buffer) = thread.join().unwrap();
    assert_eq!((count.unwrap(), buffer.filled()), (4, &b"late"[..]));
    canary::inspect();
}

#[test]
fn a_shutdown_whose_report_nobody_reads_goes_on() {
    let test = "a_shutdown_whose_report_nobody_reads_goes_on";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    let (reader, _writer) = pipe();
    let event = Read::new(reader, Watched::new(&ends), Position::Current);
    let mut read = driver.clone().submit(event);
    start(&mut read);
    let mut shutdown = driver.shutdown(SECONDS_10);
    let (_, waker) = Wakes::new();
    let _ = Pin::new(&mut shutdown).poll(&mut Context::from_waker(&waker));
    drop(shutdown);
    assert!(run(read).0.is_err());
    assert_eq!(ends.load(Ordering::SeqCst), 1);
}

#[test]
fn one_panicking_waker_does_not_keep_the_report_from_the_others() {
    let test = "one_panicking_waker_does_not_keep_the_report_from_the_others";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (send, far) = stuck_send(&driver);
    let mut shutdown = driver.shutdown(Duration::from_millis(50));
    let waker = scene::on_wake(|| panic!("on purpose"));
    assert!(Pin::new(&mut shutdown).poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(run(driver.shutdown(Duration::ZERO)).leaked, 1);
    // The helper goes on waiting for what was leaked.
    drop(far);
    run(send).0.unwrap();
}

use std::future::Future as _;

thread_local! {
    static KEPT: RefCell<Option<(SharedDriver, Box<dyn std::any::Any>)>> =
        const { RefCell::new(None) };
}

#[test]
fn a_handle_dropped_by_the_end_of_a_thread_winds_the_driver_up() {
    let test = "a_handle_dropped_by_the_end_of_a_thread_winds_the_driver_up";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    let (reader, writer) = pipe();
    let event = Read::new(reader, Watched::new(&ends), Position::Current);
    thread::spawn(move || {
        let mut read = driver.clone().submit(event);
        start(&mut read);
        KEPT.with_borrow_mut(|kept| *kept = Some((driver, Box::new(read))));
    })
    .join()
    .unwrap();
    until("the read has ended", || ends.load(Ordering::SeqCst) == 1);
    drop(writer);
    canary::inspect();
}

#[test]
fn handles_are_dropped_on_any_thread_and_after_the_shutdown() {
    let test = "handles_are_dropped_on_any_thread_and_after_the_shutdown";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (read, _writer) = read(&driver);
    let other = driver.clone();
    thread::spawn(move || drop(other)).join().unwrap();
    end(&driver);
    thread::spawn(move || drop((driver, read))).join().unwrap();
    canary::inspect();
}

#[test]
fn a_driver_leaves_no_descriptor_and_no_thread_behind() {
    let test = "a_driver_leaves_no_descriptor_and_no_thread_behind";
    scene::in_child(test, || {
        let before = (descriptors(), threads());
        for round in 0..20 {
            let driver = skip::driver(test, 1, 2).unwrap();
            let (pending, writer) = read(&driver);
            match round % 4 {
                0 => drop(run(driver.shutdown(SECONDS_10))),
                1 => drop(driver),
                2 => drop(driver.shutdown(SECONDS_10)),
                _ => {
                    drop(pending);
                    drop((driver, writer));
                    continue;
                }
            }
            drop((pending, writer));
        }
        until("all is closed", || (descriptors(), threads()) == before);
    });
}

#[test]
fn a_ring_is_closed_when_the_report_of_its_only_handles_shutdown_is_read() {
    let test = "a_ring_is_closed_when_the_report_of_its_only_handles_shutdown_is_read";
    scene::in_child(test, || {
        let before = descriptors();
        for _ in 0..20 {
            let driver = skip::driver(test, 1, 2).unwrap();
            run(driver.clone().submit(Nop)).unwrap();
            let shutdown = driver.shutdown(SECONDS_10);
            drop(driver);
            run(shutdown);
            assert_eq!(descriptors(), before);
        }
    });
}

#[test]
fn enters_that_fail_while_a_driver_winds_up_only_delay_it() {
    let test = "enters_that_fail_while_a_driver_winds_up_only_delay_it";
    // Every second call of each thread fails.
    scene::in_child_with_enters("error=EAGAIN:when=2+2", test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        let (first, _writer) = read(&driver);
        let (second, _writer) = read(&driver);
        end(&driver);
        assert!(run(first).0.is_err() && run(second).0.is_err());
        assert!(driver.counters().failed_enters > 0);
    });
}
