//! What becomes of operations when `io_uring_enter` fails after they have been published, or
//! takes fewer of them than it was given.
#![allow(unsafe_code)]

use std::future::Future;
use std::io::{self, Write as _};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use ringbahn_core::event::{Nop, Position, Read, ReadExact, Timeout};
use ringbahn_core::{Drive, Event, Outcome, Sqe, Sqes};
use ringbahn_drivers::SharedDriver;

#[path = "support/canary.rs"]
mod canary;
#[path = "support/filter.rs"]
mod filter;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use scene::{end, in_child, in_child_with_enters, pipe, run, start, until};
use watched::Watched;

/// Many operations of several kinds, of which each must end once and with the right result.
fn at_work(test: &str) -> SharedDriver {
    let driver = skip::driver(test, 2, 4).unwrap();
    let ends = Arc::new(AtomicUsize::new(0));
    for round in 0..50_u8 {
        let (reader, mut writer) = pipe();
        let event = Read::new(reader, Watched::new(&ends), Position::Current);
        let mut read = driver.clone().submit(event);
        start(&mut read);
        run(driver.clone().submit(Nop)).unwrap();
        writer.write_all(&[round]).unwrap();
        run(driver.clone().submit(Timeout::new(Duration::from_micros(10)))).unwrap();
        let (count, buffer) = run(read);
        assert_eq!((count.unwrap(), buffer.filled()), (1, &[round][..]));
        drop(buffer);
        assert_eq!(ends.load(Ordering::SeqCst), usize::from(round) + 1);

        let (reader, _writer) = pipe();
        let event = Read::new(reader, Watched::new(&ends), Position::Current);
        let mut read = driver.clone().submit(event);
        start(&mut read);
        assert!(run(read.cancel()).is_cancelled());
        ends.fetch_sub(1, Ordering::SeqCst);
    }
    end(&driver);
    canary::inspect();
    driver
}

/// The work of [`at_work`] while calls fail, from the second of each thread on: the first one is
/// that of the setup.
fn with_failures(test: &str, tampering: &str) {
    in_child_with_enters(tampering, test, || {
        let driver = at_work(test);
        assert!(driver.counters().failed_enters > 0, "{:#?}", driver.counters());
    });
}

#[test]
fn no_operation_is_lost_or_done_twice_when_the_kernel_is_short_of_resources() {
    let test = "no_operation_is_lost_or_done_twice_when_the_kernel_is_short_of_resources";
    with_failures(test, "error=EAGAIN:when=2+3");
}

#[test]
fn no_operation_is_lost_or_done_twice_when_the_kernel_wants_completions_reaped_first() {
    let test = "no_operation_is_lost_or_done_twice_when_the_kernel_wants_completions_reaped_first";
    with_failures(test, "error=EBUSY:when=2+3");
}

#[test]
fn no_operation_is_lost_or_done_twice_when_memory_is_short() {
    let test = "no_operation_is_lost_or_done_twice_when_memory_is_short";
    with_failures(test, "error=ENOMEM:when=2+2");
}

#[test]
fn no_operation_is_lost_or_done_twice_when_signals_interrupt() {
    let test = "no_operation_is_lost_or_done_twice_when_signals_interrupt";
    with_failures(test, "error=EINTR:when=2+2");
}

#[test]
fn calls_that_fail_many_times_in_a_row_are_made_again_by_the_helper() {
    let test = "calls_that_fail_many_times_in_a_row_are_made_again_by_the_helper";
    in_child_with_enters("error=EBUSY:when=2..21", test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        for _ in 0..5 {
            run(driver.clone().submit(Nop)).unwrap();
        }
        assert!(driver.counters().failed_enters >= 4);
        end(&driver);
    });
}

#[test]
fn a_call_that_takes_nothing_though_something_is_there_is_made_again() {
    let test = "a_call_that_takes_nothing_though_something_is_there_is_made_again";
    in_child_with_enters("retval=0:when=2+2", test, || {
        at_work(test);
    });
}

#[test]
fn a_dead_ring_refuses_new_events_and_frees_nothing_that_it_was_given() {
    let test = "a_dead_ring_refuses_new_events_and_frees_nothing_that_it_was_given";
    in_child(test, || {
        let driver = skip::driver(test, 4, 8).unwrap();
        let ends = Arc::new(AtomicUsize::new(0));
        let (reader, mut writer) = pipe();
        let (other_reader, _other_writer) = pipe();
        let event = Read::new(reader, Watched::new(&ends), Position::Current);
        let mut taken = driver.clone().submit(event);
        start(&mut taken);
        filter::forbid(filter::ENTER, libc::EBADF);
        let event = Read::new(other_reader.clone(), Watched::new(&ends), Position::Current);
        let mut published = driver.clone().submit(event);
        start(&mut published);

        let event = Read::new(other_reader, b"as it was".to_vec(), Position::Current);
        let (result, buffer) = run(driver.clone().submit(event));
        let message = result.unwrap_err().to_string();
        assert!(message.contains("dead") && message.contains("io_uring_enter"), "{message}");
        assert_eq!(buffer, b"as it was");

        // What was taken before still completes.
        writer.write_all(b"x").unwrap();
        let (count, buffer) = run(taken);
        assert_eq!((count.unwrap(), buffer.filled()), (1, &b"x"[..]));
        drop(buffer);

        drop(published);
        let report = run(driver.shutdown(Duration::ZERO));
        assert_eq!(report.leaked, 1);
        assert_eq!(ends.load(Ordering::SeqCst), 1, "freed though the kernel may take it yet");
        assert!(driver.counters().failed_enters > 0);
    });
}

#[test]
fn what_a_dead_ring_cannot_repeat_ends_and_tells_how_far_it_came() {
    let test = "what_a_dead_ring_cannot_repeat_ends_and_tells_how_far_it_came";
    in_child(test, || {
        let driver = skip::driver(test, 4, 8).unwrap();
        let (reader, mut writer) = pipe();
        let event = ReadExact::new(reader, Vec::with_capacity(8), Position::Current);
        let mut read = driver.clone().submit(event);
        start(&mut read);
        let (other_reader, mut other_writer) = pipe();
        let event = ReadExact::new(other_reader, Vec::with_capacity(8), Position::Current);
        let mut panicking = driver.clone().submit(event);
        let panics = Arc::new(AtomicUsize::new(0));
        let waker = {
            let panics = panics.clone();
            scene::on_wake(move || {
                panics.fetch_add(1, Ordering::SeqCst);
                panic!("on purpose");
            })
        };
        assert!(Pin::new(&mut panicking).poll(&mut Context::from_waker(&waker)).is_pending());

        filter::forbid(filter::ENTER, libc::EBADF);
        let mut published = driver.clone().submit(Nop);
        start(&mut published);
        // The other one first: its waker panics in the helper, which must survive that.
        other_writer.write_all(b"def").unwrap();
        until("the other one has ended", || panics.load(Ordering::SeqCst) == 1);
        writer.write_all(b"abc").unwrap();
        let (result, buffer) = run(read);
        assert!(result.is_err());
        assert_eq!(buffer, b"abc");
        assert_eq!(run(panicking).1, b"def");
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
fn an_entry_that_the_kernel_refuses_takes_no_other_with_it() {
    let test = "an_entry_that_the_kernel_refuses_takes_no_other_with_it";
    let Some(driver) = skip::driver(test, 8, 16) else { return };
    for _ in 0..100 {
        let good = || driver.clone().submit(Nop);
        let all = futures::future::join3(good(), driver.clone().submit(Unheard), good());
        let (before, refused, after) = run(all);
        assert!(before.is_ok() && after.is_ok());
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    end(&driver);
}

/// Good entries and a bad one in one call, which is what happens while calls fail.
#[test]
fn a_bad_entry_among_good_ones_of_the_same_call_harms_none_of_them() {
    let test = "a_bad_entry_among_good_ones_of_the_same_call_harms_none_of_them";
    in_child_with_enters("error=EBUSY:when=2..16", test, || {
        let driver = skip::driver(test, 8, 16).unwrap();
        let nop = || Box::pin(driver.clone().submit(Nop));
        let [mut first, mut second, mut third] = [nop(), nop(), nop()];
        let mut bad = Box::pin(driver.clone().submit(Unheard));
        let both = futures::future::join3(
            futures::future::join(first.as_mut(), second.as_mut()),
            bad.as_mut(),
            third.as_mut(),
        );
        let ((first, second), refused, third) = run(both);
        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(driver.counters().failed_enters >= 4);
        end(&driver);
    });
}

#[test]
fn an_event_never_polled_reaches_no_queue() {
    let test = "an_event_never_polled_reaches_no_queue";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    let (reader, _writer) = pipe();
    let new = || {
        let event = Read::new(reader.clone(), Watched::new(&ends), Position::Current);
        driver.clone().submit(event)
    };
    drop(new());
    assert_eq!(ends.load(Ordering::SeqCst), 1);

    let ringbahn_core::Cancelled::Cancelled((result, buffer)) = run(new().cancel()) else {
        panic!("it has not started");
    };
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    drop(buffer);
    pin!(new()).detach();
    assert_eq!(ends.load(Ordering::SeqCst), 3);
    assert_eq!(driver.counters().submitted, 0);

    // Not even a thread was started for it.
    let waker = scene::on_wake(|| {});
    let mut late = new();
    assert!(Pin::new(&mut late).poll_cqe(&mut Context::from_waker(&waker), 0).is_pending());
    until("it is in flight", || driver.counters().in_flight == 1);
    drop(late);
    end(&driver);
}
