//! What becomes of a local driver's operations when `io_uring_enter` fails, for a while or for
//! ever, and when signals interrupt it.
#![allow(unsafe_code)]

use std::io::{self, Write as _};
use std::os::unix::thread::JoinHandleExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::future::join3;
use ringbahn_core::event::{Nop, Position, Read, ReadExact, Timeout, Write};
use ringbahn_core::{Drive, Event, Outcome, Sqe, Sqes};
use ringbahn_drivers::{LocalDriver, Report};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/filter.rs"]
mod filter;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use local::{end, in_time};
use scene::{in_child, in_child_with_enters, pipe, shared, start};
use watched::Watched;

/// Many operations of several kinds, of which each must end once and with the right result.
fn at_work(test: &str) -> LocalDriver {
    let driver = local::driver(test, 1, 2).unwrap();
    let ends = Arc::new(AtomicUsize::new(0));
    for round in 0..50_u8 {
        let (reader, mut writer) = pipe();
        let read = |reader| Read::new(reader, Watched::new(&ends), Position::Current);
        let mut pending = driver.clone().submit(read(reader));
        driver.block_on(async {
            let _ = local::poll_once(Pin::new(&mut pending)).await;
            driver.clone().submit(Nop).await.unwrap();
            writer.write_all(&[round]).unwrap();
            driver.clone().submit(Timeout::new(Duration::from_micros(10))).await.unwrap();
            let (count, buffer) = pending.await;
            assert_eq!((count.unwrap(), buffer.filled()), (1, &[round][..]));
        });
        assert_eq!(ends.load(Ordering::SeqCst), usize::from(round) + 1);

        let (reader, _writer) = pipe();
        let mut pending = driver.clone().submit(read(reader));
        start(&mut pending);
        assert!(driver.block_on(pending.cancel()).is_cancelled());
        ends.fetch_sub(1, Ordering::SeqCst);
    }
    end(&driver);
    canary::inspect();
    driver
}

fn with_failures(test: &'static str, tampering: &str) {
    in_child_with_enters(tampering, test, move || {
        in_time(move || {
            let counters = at_work(test).counters();
            assert!(counters.failed_enters > 0, "{counters:#?}");
        });
    });
}

#[test]
fn no_local_operation_is_lost_when_the_kernel_is_short_of_resources() {
    let test = "no_local_operation_is_lost_when_the_kernel_is_short_of_resources";
    with_failures(test, "error=EAGAIN:when=2+3");
}

#[test]
fn no_local_operation_is_lost_when_the_kernel_wants_completions_reaped_first() {
    let test = "no_local_operation_is_lost_when_the_kernel_wants_completions_reaped_first";
    with_failures(test, "error=EBUSY:when=2+3");
}

#[test]
fn no_local_operation_is_lost_when_memory_is_short() {
    let test = "no_local_operation_is_lost_when_memory_is_short";
    with_failures(test, "error=ENOMEM:when=2+2");
}

#[test]
fn no_local_operation_is_lost_when_signals_interrupt() {
    let test = "no_local_operation_is_lost_when_signals_interrupt";
    with_failures(test, "error=EINTR:when=2+2");
}

#[test]
fn no_local_operation_is_lost_when_the_kernel_takes_nothing_though_it_could() {
    let test = "no_local_operation_is_lost_when_the_kernel_takes_nothing_though_it_could";
    in_child_with_enters("retval=0:when=2+2", test, move || {
        in_time(move || drop(at_work(test)));
    });
}

/// One of the calls that fail is the one by which the second operation would have got its place in
/// the queue, and nothing else will ever happen.
#[test]
fn an_operation_that_found_no_room_does_not_wait_for_others_to_complete() {
    let test = "an_operation_that_found_no_room_does_not_wait_for_others_to_complete";
    for failing in 3..=8 {
        in_child_with_enters(&format!("error=EBUSY:when={failing}"), test, move || {
            in_time(move || {
                let driver = local::driver(test, 1, 2).unwrap();
                // The bell is hung up, which would have made room.
                let timer = Timeout::new(Duration::from_millis(1));
                driver.block_on(driver.clone().submit(timer)).unwrap();
                let (reader, writer) = io::pipe().unwrap();
                let read = Read::new(shared(reader), [0; 1], Position::Current);
                let write = Write::new(shared(writer), [7; 1], Position::Current);
                let both = driver.block_on(futures::future::join(
                    driver.clone().submit(read),
                    driver.clone().submit(write),
                ));
                assert_eq!(both.0.1, [7]);
                end(&driver);
            });
        });
    }
}

#[test]
fn enters_that_fail_while_a_local_driver_winds_up_only_delay_it() {
    let test = "enters_that_fail_while_a_local_driver_winds_up_only_delay_it";
    in_child_with_enters("error=EAGAIN:when=2+2", test, move || {
        in_time(move || {
            let driver = local::driver(test, 1, 2).unwrap();
            let ends = Arc::new(AtomicUsize::new(0));
            let (reader, _writer) = pipe();
            for _ in 0..8 {
                let event = Read::new(reader.clone(), Watched::new(&ends), Position::Current);
                let mut read = driver.clone().submit(event);
                driver.block_on(async { drop(local::poll_once(Pin::new(&mut read)).await) });
            }
            end(&driver);
            assert!(driver.counters().failed_enters > 0);
            assert_eq!(ends.load(Ordering::SeqCst), 8);
        });
    });
}

fn is_dead<T: std::fmt::Debug>(result: io::Result<T>) {
    let message = result.unwrap_err().to_string();
    assert!(message.contains("dead") && message.contains("io_uring_enter"), "{message}");
}

/// How much time this thread has run.
fn processor_time() -> Duration {
    // SAFETY: all-zero bytes are a valid `timespec`.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: `time` is a place to write to.
    let got = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(got, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn a_dead_local_ring_refuses_new_events_and_frees_nothing_that_it_was_given() {
    let test = "a_dead_local_ring_refuses_new_events_and_frees_nothing_that_it_was_given";
    in_child(test, move || {
        in_time(move || {
            let driver = local::driver(test, 2, 4).unwrap();
            let ends = Arc::new(AtomicUsize::new(0));
            let (reader, mut writer) = pipe();
            let read = || {
                let event = Read::new(reader.clone(), Watched::new(&ends), Position::Current);
                driver.clone().submit(event)
            };
            let mut taken = read();
            start(&mut taken);
            filter::forbid(filter::ENTER, libc::EBADF);
            let mut published = read();
            start(&mut published);
            let mut refused = read();
            let event = Read::new(reader.clone(), b"as it was".to_vec(), Position::Current);
            let (result, buffer) = driver.block_on(driver.clone().submit(event));
            is_dead(result);
            assert_eq!(buffer, b"as it was");
            is_dead(driver.block_on(Pin::new(&mut refused)).0);
            assert_eq!(ends.load(Ordering::SeqCst), 1);

            // Futures run all the same, and sleep, though cancels have no place to go.
            drop((taken, published));
            let before = processor_time();
            for round in 0..20 {
                let (sender, receiver) = oneshot::channel();
                let other = thread::spawn(move || {
                    // sleep: it is the time of idleness that is measured.
                    thread::sleep(Duration::from_millis(50));
                    sender.send(round).unwrap();
                });
                assert_eq!(driver.block_on(receiver), Ok(round));
                other.join().unwrap();
            }
            let used = processor_time() - before;
            assert!(used < Duration::from_millis(100), "it spun for {used:?}");

            let begin = Instant::now();
            let report = driver.shutdown(Duration::from_secs(10));
            assert_eq!(report, Report { completed: 0, cancelled: 0, leaked: 2 });
            assert!(begin.elapsed() < Duration::from_secs(5));
            drop(driver);
            assert!(begin.elapsed() < Duration::from_secs(5));
            writer.write_all(&[7; canary::SIZE]).unwrap();
            assert_eq!(ends.load(Ordering::SeqCst), 1, "freed though the kernel may take it yet");
            canary::inspect();
        });
    });
}

/// The driver learns of it in the midst of its end.
#[test]
fn a_ring_that_is_found_dead_at_its_end_is_not_waited_for() {
    let test = "a_ring_that_is_found_dead_at_its_end_is_not_waited_for";
    in_child(test, move || {
        in_time(move || {
            let driver = local::driver(test, 2, 4).unwrap();
            let ends = Arc::new(AtomicUsize::new(0));
            let (reader, _writer) = pipe();
            let event = Read::new(reader, Watched::new(&ends), Position::Current);
            let mut read = driver.clone().submit(event);
            start(&mut read);
            filter::forbid(filter::ENTER, libc::EBADF);
            let begin = Instant::now();
            let report = driver.shutdown(Duration::from_secs(10));
            assert_eq!(report, Report { completed: 0, cancelled: 0, leaked: 1 });
            assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
            drop((read, driver));
            assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
            assert_eq!(ends.load(Ordering::SeqCst), 0);
        });
    });
}

#[test]
fn what_a_dead_local_ring_cannot_repeat_ends_and_tells_how_far_it_came() {
    let test = "what_a_dead_local_ring_cannot_repeat_ends_and_tells_how_far_it_came";
    in_child(test, move || {
        in_time(move || {
            let driver = local::driver(test, 1, 2).unwrap();
            let (reader, mut writer) = pipe();
            let event = ReadExact::new(reader, Vec::with_capacity(8), Position::Current);
            let mut read = driver.clone().submit(event);
            start(&mut read);
            writer.write_all(b"abc").unwrap();
            let (result, buffer) = driver.block_on(async {
                // It is reaped, and waits to be submitted once more.
                while driver.counters().repeated == 0 {
                    local::yields().await;
                }
                filter::forbid(filter::ENTER, libc::EBADF);
                // There is room for the first one only, and the driver finds out.
                let mut published = driver.clone().submit(Nop);
                assert!(local::poll_once(Pin::new(&mut published)).await.is_pending());
                is_dead(driver.clone().submit(Nop).await);
                read.await
            });
            assert!(result.is_err());
            assert_eq!(driver.shutdown(Duration::from_secs(10)).leaked, 1);
            assert_eq!(buffer, b"abc");
        });
    });
}

/// An entry that no kernel knows.
struct Unheard;

impl Event for Unheard {
    type Output = io::Result<u32>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: the kernel refuses the entry before it looks at anything in it.
        sqes.push(unsafe { Sqe::new(251) });
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<u32> {
        outcome.result()
    }
}

#[test]
fn an_entry_that_the_kernel_refuses_takes_no_other_of_its_call_with_it() {
    let test = "an_entry_that_the_kernel_refuses_takes_no_other_of_its_call_with_it";
    in_time(move || {
        let Some(driver) = local::driver(test, 8, 16) else { return };
        for _ in 0..100 {
            let good = || driver.clone().submit(Nop);
            let all = join3(good(), driver.clone().submit(Unheard), good());
            let (before, refused, after) = driver.block_on(all);
            assert!(before.is_ok() && after.is_ok());
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        end(&driver);
    });
}

extern "C" fn ignore(_signal: libc::c_int) {}

#[test]
fn a_storm_of_signals_on_the_thread_of_a_driver_reaches_no_operation() {
    let test = "a_storm_of_signals_on_the_thread_of_a_driver_reaches_no_operation";
    if local::driver(test, 1, 2).is_none() {
        return;
    }
    // SAFETY: all-zero bytes are a `sigaction` without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = ignore as *const () as usize;
    // SAFETY: `action` is initialised, and the handler does nothing.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) }, 0);

    let done = Arc::new(AtomicBool::new(false));
    let worker = thread::spawn({
        let done = done.clone();
        move || {
            let driver = at_work(test);
            let timed = local::driver(test, 1, 2).unwrap();
            for _ in 0..50 {
                let before = Instant::now();
                let timer = Timeout::new(Duration::from_millis(3));
                timed.block_on(timed.clone().submit(timer)).unwrap();
                assert!(before.elapsed() >= Duration::from_millis(3));
            }
            end(&timed);
            done.store(true, Ordering::SeqCst);
            driver.counters().failed_enters + timed.counters().failed_enters
        }
    });
    let handle = worker.as_pthread_t();
    let begin = Instant::now();
    while !done.load(Ordering::SeqCst) && !worker.is_finished() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not get on");
        // SAFETY: the thread has not been joined, so its handle is good.
        unsafe { libc::pthread_kill(handle, libc::SIGUSR1) };
        // sleep: spares the processor between signals; any number of them will do.
        thread::sleep(Duration::from_micros(100));
    }
    assert!(worker.join().unwrap() > 0, "no signal hit");
}
