//! The end of a local driver: in bounded time, with a true report, and with nothing left behind.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use ringbahn_core::event::{Accept, Fsync, Nop, Position, Read, ReadExact, SendZc, Timeout};
use ringbahn_core::event::{Write, WriteAll};
use ringbahn_core::{Drive, Submission};
use ringbahn_drivers::{LocalDriver, Report};

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
use scene::{pipe, poll_once, shared, start};
use watched::Watched;

const SECONDS_10: Duration = Duration::from_secs(10);
/// What is short of every deadline here.
const SECONDS_5: Duration = Duration::from_secs(5);

/// More than the far end takes, and less than an ordinary user may lock.
const SENT_LENGTH: usize = 1 << 20;

/// A zero-copy send of more than the peer takes, whose buffer the kernel keeps, cancelled or not,
/// until the `TcpStream` is read or closed.
fn stuck_send(driver: &LocalDriver) -> (Submission<SendZc<Vec<u8>>, LocalDriver>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A socket inherits the size from its listener, and keeps to a size that was set.
    socket2::SockRef::from(&listener).set_recv_buffer_size(16 << 10).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let far = listener.accept().unwrap().0;
    let mut send = driver.clone().submit(SendZc::new(shared(near), vec![7; SENT_LENGTH]));
    let first = std::future::poll_fn(|cx| Pin::new(&mut send).poll_cqe(cx, 0));
    let first = driver.block_on(first).unwrap();
    assert!(first.result().unwrap() > 0 && first.has_more(), "{first:?}");
    start(&mut send);
    (send, far)
}

fn read(driver: &LocalDriver) -> (Submission<Read<Canary>, LocalDriver>, io::PipeWriter) {
    let (reader, writer) = pipe();
    let mut read = driver.clone().submit(Read::new(reader, Canary::new(), Position::Current));
    start(&mut read);
    (read, writer)
}

/// A write of more than a pipe takes, which nobody waits for.
fn detached_write(driver: &LocalDriver, ends: &Arc<AtomicUsize>) -> io::PipeReader {
    let (reader, writer) = io::pipe().unwrap();
    let writer = shared(writer);
    for _ in 0..32 {
        let event = WriteAll::new(writer.clone(), Watched::new(ends), Position::Current);
        let mut write = pin!(driver.clone().submit(event));
        let _ = poll_once(write.as_mut());
        write.as_mut().detach();
    }
    reader
}

#[test]
fn a_shutdown_ends_whatever_is_pending_and_its_report_adds_up() {
    let test = "a_shutdown_ends_whatever_is_pending_and_its_report_adds_up";
    in_time(move || {
        for slept in [false, true] {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            if slept {
                // The bell is in flight from now on.
                driver
                    .block_on(driver.clone().submit(Timeout::new(Duration::from_millis(1))))
                    .unwrap();
            }
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut accept = driver.clone().submit(Accept::new(shared(listener)));
            start(&mut accept);
            let (read, _writer) = read(&driver);
            let mut timer = driver.clone().submit(Timeout::new(Duration::from_secs(3600)));
            start(&mut timer);
            assert_eq!(driver.counters().in_flight, 3);
            let begin = Instant::now();
            let report = driver.shutdown(SECONDS_10);
            assert!(begin.elapsed() < SECONDS_5);
            assert_eq!(report, Report { completed: 0, cancelled: 3, leaked: 0 });
            let counters = driver.counters();
            assert_eq!(counters.submitted, counters.completed, "{counters:#?}");
            assert_eq!((counters.in_flight, counters.cancelled), (0, 3), "{counters:#?}");
            assert_eq!(counters.failed_enters, 0, "{counters:#?}");
            let error = driver.block_on(accept).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ECANCELED));
            assert!(driver.block_on(read).0.is_err() && driver.block_on(timer).is_err());
        }
        canary::inspect();
    });
}

#[test]
fn what_completes_by_itself_is_reported_as_completed() {
    let test = "what_completes_by_itself_is_reported_as_completed";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let (reader, writer) = io::pipe().unwrap();
        let mut writes: Vec<_> = (0..10)
            .map(|_| {
                let event =
                    Write::new(shared(writer.try_clone().unwrap()), [0; 1], Position::Current);
                Box::pin(driver.clone().submit(event))
            })
            .collect();
        // Submitted by the shutdown at the earliest, the last of them.
        driver.block_on(async {
            for write in &mut writes {
                let _ = local::poll_once(write.as_mut()).await;
            }
        });
        let mut timer = driver.clone().submit(Timeout::new(Duration::from_millis(20)));
        start(&mut timer);
        pin!(timer).detach();
        let before = driver.counters();
        let report = driver.shutdown(SECONDS_10);
        let expected = before.submitted - before.completed;
        assert_eq!(report, Report { completed: expected, cancelled: 0, leaked: 0 });
        drop(reader);
    });
}

/// The bell has rung, and there has been no room to hang it up once more, when the driver is shut
/// down.
#[test]
fn a_task_woken_from_elsewhere_may_shut_the_driver_down() {
    let test = "a_task_woken_from_elsewhere_may_shut_the_driver_down";
    in_time(move || {
        for _ in 0..20 {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            let (sender, receiver) = oneshot::channel();
            let (mut pending, _writer) = read(&driver);
            let waker_thread = thread::spawn(move || {
                // sleep: lets the other thread fall asleep, most times; any order is right.
                thread::sleep(Duration::from_millis(2));
                sender.send(()).unwrap();
            });
            let begin = Instant::now();
            let report = driver.block_on(async {
                let _ = local::poll_once(Pin::new(&mut pending)).await;
                receiver.await.unwrap();
                driver.shutdown(SECONDS_10)
            });
            assert!(begin.elapsed() < SECONDS_5, "it waited for its own bell");
            assert_eq!(report, Report { completed: 0, cancelled: 1, leaked: 0 });
            waker_thread.join().unwrap();
            assert_eq!(driver.counters().submitted, driver.counters().completed);
        }
        canary::inspect();
    });
}

#[test]
fn what_the_kernel_keeps_past_the_deadline_is_reported_and_comes_back_later() {
    let test = "what_the_kernel_keeps_past_the_deadline_is_reported_and_comes_back_later";
    in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let (send, far) = stuck_send(&driver);
        let (read, _writer) = read(&driver);
        let begin = Instant::now();
        let report = driver.shutdown(Duration::from_millis(50));
        assert!(begin.elapsed() < SECONDS_5);
        assert_eq!(report, Report { completed: 0, cancelled: 1, leaked: 1 });
        assert!(driver.block_on(read).0.is_err());

        let (sender, receiver) = oneshot::channel();
        let peer = thread::spawn(move || {
            futures::executor::block_on(receiver).unwrap();
            drop(far);
        });
        let (count, buffer) = driver.block_on(async {
            sender.send(()).unwrap();
            send.await
        });
        assert!(count.unwrap() > 0);
        assert_eq!(buffer.len(), SENT_LENGTH);
        peer.join().unwrap();
        assert_eq!(driver.counters().in_flight, 0);
        canary::inspect();
    });
}

#[test]
fn a_driver_that_has_leaked_is_dropped_without_waiting_once_more() {
    let test = "a_driver_that_has_leaked_is_dropped_without_waiting_once_more";
    in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let (send, far) = stuck_send(&driver);
        let first = driver.shutdown(Duration::ZERO);
        assert_eq!(first, Report { completed: 0, cancelled: 0, leaked: 1 });
        let begin = Instant::now();
        assert_eq!(driver.shutdown(Duration::ZERO).leaked, 1);
        assert!(begin.elapsed() < SECONDS_5);
        drop((send, driver));
        assert!(begin.elapsed() < SECONDS_5, "it took {:?}", begin.elapsed());
        drop(far);
    });
}

#[test]
fn a_second_shutdown_finds_nothing_left_to_do() {
    let test = "a_second_shutdown_finds_nothing_left_to_do";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let (_read, _writer) = read(&driver);
        assert_eq!(driver.shutdown(SECONDS_10), Report { completed: 0, cancelled: 1, leaked: 0 });
        let enters = driver.counters().enters;
        assert_eq!(driver.shutdown(SECONDS_10), Report::default());
        assert_eq!(driver.clone().shutdown(Duration::MAX), Report::default());
        assert_eq!(driver.counters().enters, enters);
    });
}

#[test]
fn a_driver_that_was_shut_down_refuses_events_and_still_runs_futures() {
    let test = "a_driver_that_was_shut_down_refuses_events_and_still_runs_futures";
    in_time(move || {
        for slept in [false, true] {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            if slept {
                driver
                    .block_on(driver.clone().submit(Timeout::new(Duration::from_millis(1))))
                    .unwrap();
            }
            end(&driver);
            let (reader, _writer) = pipe();
            let event = Read::new(reader, b"as it was".to_vec(), Position::Current);
            let (result, buffer) = driver.block_on(driver.clone().submit(event));
            let error = result.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotConnected);
            assert!(error.to_string().contains("shut down"), "{error}");
            assert_eq!(buffer, b"as it was");
            // Wakes from elsewhere arrive.
            for round in 0..100 {
                let (sender, receiver) = oneshot::channel();
                let other = thread::spawn(move || sender.send(round).unwrap());
                assert_eq!(driver.block_on(receiver), Ok(round));
                other.join().unwrap();
            }
            assert_eq!(driver.shutdown(SECONDS_10), Report::default());
        }
    });
}

#[test]
fn a_detached_write_ends_before_the_driver_does() {
    let test = "a_detached_write_ends_before_the_driver_does";
    in_time(move || {
        for explicitly in [true, false] {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            let ends = Arc::new(AtomicUsize::new(0));
            let mut reader = detached_write(&driver, &ends);
            let peer = thread::spawn(move || {
                let mut received = Vec::new();
                io::Read::read_to_end(&mut reader, &mut received).unwrap();
                received.len()
            });
            if explicitly {
                let report = driver.shutdown(SECONDS_10);
                assert_eq!((report.cancelled, report.leaked), (0, 0), "{report:?}");
            }
            drop(driver);
            assert_eq!(ends.load(Ordering::SeqCst), 32);
            assert_eq!(peer.join().unwrap(), 32 * canary::SIZE);
        }
        canary::inspect();
    });
}

#[test]
fn a_detached_write_to_a_pipe_that_nobody_reads_is_stopped_at_the_deadline() {
    let test = "a_detached_write_to_a_pipe_that_nobody_reads_is_stopped_at_the_deadline";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        let _reader = detached_write(&driver, &ends);
        let pending = driver.counters().in_flight;
        assert!(pending > 0);
        let begin = Instant::now();
        let deadline = Duration::from_millis(200);
        let report = driver.shutdown(deadline);
        assert!((deadline..SECONDS_5).contains(&begin.elapsed()));
        assert_eq!(report.completed + report.cancelled, pending, "{report:?}");
        assert_eq!(report.leaked, 0);
        assert_eq!(ends.load(Ordering::SeqCst), 32);
        canary::inspect();
    });
}

#[test]
fn a_read_that_goes_on_is_stopped_by_the_shutdown_and_gives_its_buffer_back() {
    let test = "a_read_that_goes_on_is_stopped_by_the_shutdown_and_gives_its_buffer_back";
    in_time(move || {
        for turns in 0..4 {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            let (reader, mut writer) = pipe();
            let event = ReadExact::new(reader, Vec::with_capacity(64), Position::Current);
            let mut read = driver.clone().submit(event);
            start(&mut read);
            writer.write_all(b"abc").unwrap();
            driver.block_on(async {
                for _ in 0..turns {
                    local::yields().await;
                }
                // Between two rounds it is in no queue.
                let report = driver.shutdown(SECONDS_10);
                assert_eq!((report.completed + report.cancelled, report.leaked), (1, 0));
            });
            let (result, buffer) = driver.block_on(read);
            assert!(result.is_err());
            assert!(buffer.is_empty() || buffer == b"abc", "{buffer:?}");
            assert_eq!(driver.counters().submitted, driver.counters().completed);
        }
    });
}

#[test]
fn a_disk_write_in_flight_is_waited_for() {
    let test = "a_disk_write_in_flight_is_waited_for";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        file.write_all(&[1; 65536]).unwrap();
        let file = shared(file);
        let mut fsync = Box::pin(driver.clone().submit(Fsync::new(file)));
        let _ = poll_once(fsync.as_mut());
        let report = driver.shutdown(SECONDS_10);
        assert_eq!(report.leaked, 0);
        assert!(poll_once(fsync.as_mut()).is_ready());
    });
}

#[test]
fn a_driver_dropped_with_reads_in_flight_and_forgotten_futures_ends() {
    let test = "a_driver_dropped_with_reads_in_flight_and_forgotten_futures_ends";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        let (reader, mut writer) = pipe();
        for forget in [false, true, true] {
            let event = Read::new(reader.clone(), Watched::new(&ends), Position::Current);
            let mut read = driver.clone().submit(event);
            start(&mut read);
            if forget {
                std::mem::forget(read);
            }
        }
        // A forgotten future has a handle of its driver, which is never dropped.
        let report = driver.shutdown(SECONDS_10);
        assert_eq!((report.completed + report.cancelled, report.leaked), (2, 0));
        drop(driver);
        // Nothing reads what comes now.
        writer.write_all(&[7; canary::SIZE]).unwrap();
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        canary::inspect();
    });
}

#[test]
fn the_last_handle_may_be_that_of_a_submission() {
    let test = "the_last_handle_may_be_that_of_a_submission";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        let (reader, _writer) = pipe();
        let event = Read::new(reader, Watched::new(&ends), Position::Current);
        let mut read = driver.clone().submit(event);
        start(&mut read);
        drop(driver);
        assert_eq!(ends.load(Ordering::SeqCst), 0);
        drop(read);
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        canary::inspect();
    });
}

#[test]
fn a_driver_never_used_is_shut_down_at_once() {
    let test = "a_driver_never_used_is_shut_down_at_once";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        assert_eq!(driver.shutdown(SECONDS_10), Report::default());
        assert_eq!(driver.counters().enters, 0);
        assert!(driver.block_on(driver.clone().submit(Nop)).is_err());
    });
}

#[test]
fn those_who_wait_when_the_driver_ends_are_woken() {
    let test = "those_who_wait_when_the_driver_ends_are_woken";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let (reader, _writer) = pipe();
        let (wakes, waker) = scene::Wakes::new();
        let mut reads: Vec<_> = (0..100)
            .map(|_| driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current)))
            .collect();
        for read in &mut reads {
            let mut cx = Context::from_waker(&waker);
            assert!(std::future::Future::poll(Pin::new(read), &mut cx).is_pending());
        }
        assert_eq!(driver.shutdown(Duration::ZERO), Report { cancelled: 100, ..Report::default() });
        assert_eq!(wakes.count(), 100);
        let mut cx = Context::from_waker(Waker::noop());
        for read in &mut reads {
            let polled = std::future::Future::poll(Pin::new(read), &mut cx);
            assert!(matches!(polled, Poll::Ready((Err(_), _))));
        }
        until_idle(&driver);
    });
}
