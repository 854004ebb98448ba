//! What happens while CQEs are processed: overflows, panics, and signals by the thousand.
#![allow(unsafe_code)]

use std::future::Future;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::thread;
use std::time::{Duration, Instant};

use ringbahn_core::event::{Accept, Interest, Nop, PollAdd, Position, Read, Statx, Timeout};
use ringbahn_core::{Drive, Event, Outcome, Sqe, Sqes};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use canary::Canary;
use scene::{Wakes, end, on_wake, pipe, run, shared, start, until, until_idle};

#[test]
fn ten_thousand_completions_at_once_come_through_a_queue_of_two() {
    let test = "ten_thousand_completions_at_once_come_through_a_queue_of_two";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let (wakes, waker) = Wakes::new();
    let mut polls: Vec<_> = (0..10_000)
        .map(|_| driver.clone().submit(PollAdd::new(reader.clone(), Interest::READABLE)))
        .collect();
    for poll in &mut polls {
        assert!(Pin::new(poll).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    // One byte makes all of them ready, from within one call.
    writer.write_all(&[0]).unwrap();
    polls.into_iter().for_each(|poll| assert!(run(poll).unwrap().is_readable()));
    assert!(wakes.count() <= 10_000);
    let counters = driver.counters();
    assert!(counters.overflows > 0, "{counters:#?}");
    assert_eq!(counters.completed, 10_000);
    end(&driver);
}

#[test]
fn every_panic_of_a_waker_is_counted_and_stops_nobody_else() {
    let test = "every_panic_of_a_waker_is_counted_and_stops_nobody_else";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let reads = |count: usize| -> Vec<_> {
        let new = || Read::new(reader.clone(), [0; 1], Position::Current);
        (0..count).map(|_| driver.clone().submit(new())).collect()
    };
    let (mut panicking, mut others) = (reads(10), reads(10));
    let panics = on_wake(|| panic!("on purpose"));
    let (wakes, waker) = Wakes::new();
    for (panicking, other) in panicking.iter_mut().zip(&mut others) {
        assert!(Pin::new(panicking).poll(&mut Context::from_waker(&panics)).is_pending());
        assert!(Pin::new(other).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    writer.write_all(&[7; 20]).unwrap();
    until("all were woken", || wakes.count() == 10 && driver.counters().panics == 10);
    for read in panicking.into_iter().chain(others) {
        assert_eq!(run(read).1, [7]);
    }
    // The helper is alive: nobody else is there to see this one end.
    let mut read = reads(1).remove(0);
    assert!(Pin::new(&mut read).poll(&mut Context::from_waker(&waker)).is_pending());
    writer.write_all(&[8]).unwrap();
    until("it was woken", || wakes.count() == 11);
    assert_eq!(run(read).1, [8]);
    assert_eq!(driver.counters().panics, 10);
    end(&driver);
}

/// Panics wherever it is told to.
struct Panics(&'static str, Arc<AtomicUsize>);

impl Event for Panics {
    type Output = ();

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.push(Sqe::nop());
    }

    fn complete(self, _outcome: Outcome<'_, Self>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        assert_ne!(self.0, "complete", "on purpose");
    }

    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        assert_ne!(self.0, "resubmit", "on purpose");
        false
    }
}

#[test]
fn an_event_that_panics_ends_and_leaves_the_ring_in_order() {
    let test = "an_event_that_panics_ends_and_leaves_the_ring_in_order";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let completed = Arc::new(AtomicUsize::new(0));
    for place in ["complete", "resubmit", "nowhere"] {
        for wait in [true, false] {
            let driver = driver.clone();
            let event = Panics(place, completed.clone());
            let task = thread::spawn(move || {
                let mut submission = Box::pin(driver.submit(event));
                if wait {
                    run(submission);
                } else {
                    submission.as_mut().detach();
                    let _ = scene::poll_once(submission.as_mut());
                }
            });
            let _ = task.join();
        }
    }
    until_idle(&driver);
    run(driver.clone().submit(Nop)).unwrap();
    end(&driver);
}

extern "C" fn ignore(_signal: libc::c_int) {}

/// SIGALRM a thousand times a second, to whichever thread the kernel picks, and calls that it
/// interrupts are not restarted.
fn storm() {
    // SAFETY: all zeroes are a valid value: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = ignore as *const () as usize;
    // SAFETY: the handler does nothing; the places are valid.
    let set = unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
    assert_eq!(set, 0);
    let millisecond = libc::timeval { tv_sec: 0, tv_usec: 1000 };
    let timer = libc::itimerval { it_interval: millisecond, it_value: millisecond };
    // SAFETY: the place is valid.
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    assert_eq!(set, 0);
}

#[test]
fn a_storm_of_signals_reaches_no_operation() {
    let test = "a_storm_of_signals_reaches_no_operation";
    scene::in_child(test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        storm();
        let end_of_storm = Instant::now() + Duration::from_secs(1);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = shared(listener);
        let file = shared(tempfile::tempfile().unwrap());
        while Instant::now() < end_of_storm {
            let (reader, mut writer) = pipe();
            let event = Read::new(reader, Canary::new(), Position::Current);
            let mut read = driver.clone().submit(event);
            start(&mut read);
            let mut accept = driver.clone().submit(Accept::new(listener.clone()));
            start(&mut accept);
            let before = Instant::now();
            run(driver.clone().submit(Timeout::new(Duration::from_millis(3)))).unwrap();
            let waited = before.elapsed();
            assert!(waited >= Duration::from_millis(3), "{waited:?}");
            assert!(waited < Duration::from_millis(500), "a restart begins from zero: {waited:?}");
            run(driver.clone().submit(Statx::of(file.clone()))).unwrap();
            writer.write_all(&[7]).unwrap();
            assert_eq!(run(read).0.unwrap(), 1);
            let client = loop {
                match TcpStream::connect(address) {
                    Ok(client) => break client,
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::Interrupted),
                }
            };
            run(accept).unwrap();
            drop(client);
        }
        end(&driver);
        canary::inspect();
    });
}

/// The time that the thread of this name has run so far, in ticks of the clock.
fn ticks(name: &str) -> u64 {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let Ok(stat) = std::fs::read_to_string(task.unwrap().path().join("stat")) else { continue };
        let (front, fields) = stat.rsplit_once(") ").unwrap();
        if front.split_once('(').unwrap().1 != name {
            continue;
        }
        // User and system time are the 14th and 15th field, of which two are cut off.
        let times = fields.split(' ').skip(11).take(2);
        ticks += times.map(|time| time.parse::<u64>().unwrap()).sum::<u64>();
    }
    ticks
}

#[test]
fn a_driver_with_nothing_to_do_uses_no_time() {
    let test = "a_driver_with_nothing_to_do_uses_no_time";
    scene::in_child(test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        for _ in 0..100 {
            let (reader, mut writer) = pipe();
            let event = Read::new(reader, [0; 1], Position::Current);
            let mut read = driver.clone().submit(event);
            start(&mut read);
            writer.write_all(&[7]).unwrap();
            run(read).0.unwrap();
        }
        let (reader, _writer) = pipe();
        for something_pends in [false, true] {
            let read = something_pends.then(|| {
                let event = Read::new(reader.clone(), [0; 1], Position::Current);
                let mut read = driver.clone().submit(event);
                start(&mut read);
                read
            });
            let before = ticks("ringbahn-helper");
            // sleep: it is the time of idleness that is measured.
            thread::sleep(Duration::from_secs(1));
            let used = ticks("ringbahn-helper") - before;
            assert!(used <= 1, "{used} ticks in a second of nothing");
            drop(read);
        }
        end(&driver);
    });
}
