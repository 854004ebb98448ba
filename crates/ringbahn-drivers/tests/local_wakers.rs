//! Wakers and events that panic, or use the driver, while its completions are processed.

use std::cell::RefCell;
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use ringbahn_core::event::{Interest, Nop, PollAdd, Position, Read, Timeout};
use ringbahn_core::{Drive, Event, Outcome, SharedFd, Sqe, Sqes, Submission};
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

use local::{end, in_time, until, until_idle};
use scene::{Wakes, on_wake, pipe, start};
use watched::Watched;

fn read(driver: &LocalDriver, reader: &SharedFd) -> Submission<Read<[u8; 1]>, LocalDriver> {
    driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current))
}

fn start_with<F: Future + Unpin>(future: &mut F, waker: &Waker) {
    assert!(Pin::new(future).poll(&mut Context::from_waker(waker)).is_pending());
}

thread_local! {
    /// What the wakers of a scenario do. A waker is `Send`, and what they use is not.
    static ACTION: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// A waker that runs `action`, on this thread.
fn does(action: impl Fn() + 'static) -> Waker {
    ACTION.set(Some(Rc::new(action)));
    on_wake(|| {
        let action = ACTION.with_borrow(Clone::clone);
        action.expect("woken on the thread of the driver")();
    })
}

#[test]
fn a_waker_may_submit_and_wait_for_another_operation() {
    let test = "a_waker_may_submit_and_wait_for_another_operation";
    for inside in [true, false] {
        in_time(move || {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            let (reader, mut writer) = pipe();
            let done = Rc::new(AtomicUsize::new(0));
            let mut reads: Vec<_> = (0..8).map(|_| read(&driver, &reader)).collect();
            let waker = {
                let (driver, done) = (driver.clone(), done.clone());
                does(move || {
                    driver.block_on(driver.clone().submit(Nop)).unwrap();
                    let timer = Timeout::new(Duration::from_micros(100));
                    driver.block_on(driver.clone().submit(timer)).unwrap();
                    done.fetch_add(1, Ordering::SeqCst);
                })
            };
            reads.iter_mut().for_each(|read| start_with(read, &waker));
            writer.write_all(&[0; 8]).unwrap();
            if inside {
                until(&driver, "all wakers have run", || done.load(Ordering::SeqCst) == 8);
            } else {
                // Whoever uses the driver outside of `block_on` finds what has completed.
                while done.load(Ordering::SeqCst) < 8 {
                    let mut nop = driver.clone().submit(Nop);
                    let _ = scene::poll_once(Pin::new(&mut nop));
                }
            }
            for read in reads {
                assert_eq!(driver.block_on(read).0.unwrap(), 1);
            }
            ACTION.set(None);
            end(&driver);
        });
    }
}

/// Both end in one call. What the second one has come to must not be on the way still.
#[test]
fn a_waker_may_wait_for_what_has_ended_along_with_its_own() {
    let test = "a_waker_may_wait_for_what_has_ended_along_with_its_own";
    in_time(move || {
        let Some(driver) = local::driver(test, 4, 8) else { return };
        let (reader, mut writer) = pipe();
        let (mut first, mut second) = (read(&driver, &reader), read(&driver, &reader));
        let (wakes, counting) = Wakes::new();
        start_with(&mut second, &counting);
        let waiting = Rc::new(RefCell::new(None));
        let waker = {
            let (driver, waiting) = (driver.clone(), waiting.clone());
            does(move || {
                let second: Option<Submission<Read<[u8; 1]>, LocalDriver>> = waiting.take();
                if let Some(second) = second {
                    assert_eq!(driver.block_on(second).0.unwrap(), 1);
                }
            })
        };
        start_with(&mut first, &waker);
        waiting.replace(Some(second));
        let event = ringbahn_core::event::Write::new(
            scene::shared(writer.try_clone().unwrap()),
            [7; 2],
            Position::Current,
        );
        // Whichever is first, its waker waits for the other one or has nothing to do.
        driver.block_on(driver.clone().submit(event)).0.unwrap();
        until(&driver, "the second one has been waited for", || waiting.borrow().is_none());
        assert_eq!(driver.block_on(first).0.unwrap(), 1);
        let _ = (wakes, writer.flush());
        ACTION.set(None);
        end(&driver);
    });
}

#[test]
fn a_waker_may_drop_other_submissions_and_handles() {
    let test = "a_waker_may_drop_other_submissions_and_handles";
    for inside in [true, false] {
        in_time(move || {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            let ends = Arc::new(AtomicUsize::new(0));
            let (reader, mut writer) = pipe();
            let (other_reader, _other_writer) = pipe();
            let others: Vec<_> = (0..8)
                .map(|_| {
                    let buffer = Watched::new(&ends);
                    let event = Read::new(other_reader.clone(), buffer, Position::Current);
                    let mut other = driver.clone().submit(event);
                    start(&mut other);
                    other
                })
                .collect();
            let mut first = read(&driver, &reader);
            let bag = RefCell::new(Some((others, driver.clone())));
            let waker = does(move || drop(bag.take()));
            start_with(&mut first, &waker);
            writer.write_all(&[0; 1]).unwrap();
            if inside {
                until(&driver, "the others have ended", || ends.load(Ordering::SeqCst) == 8);
                driver.block_on(first).0.unwrap();
                ACTION.set(None);
                end(&driver);
            } else {
                // The end of the driver finds it completed.
                ACTION.with_borrow(|_| {});
                drop((first, driver));
                ACTION.set(None);
                assert_eq!(ends.load(Ordering::SeqCst), 8);
            }
            canary::inspect();
        });
    }
}

#[test]
fn a_waker_may_shut_the_driver_down() {
    let test = "a_waker_may_shut_the_driver_down";
    for inside in [true, false] {
        in_time(move || {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            // The bell is in flight.
            let timer = Timeout::new(Duration::from_millis(1));
            driver.block_on(driver.clone().submit(timer)).unwrap();
            let (reader, mut writer) = pipe();
            let (other_reader, _other_writer) = pipe();
            let mut pending: Vec<_> = (0..4).map(|_| read(&driver, &other_reader)).collect();
            pending.iter_mut().for_each(start);
            let mut first = read(&driver, &reader);
            let report = Rc::new(RefCell::new(None));
            let waker = {
                let (driver, report) = (driver.clone(), report.clone());
                does(move || {
                    let own = driver.shutdown(Duration::from_secs(30));
                    report.replace(Some((own, driver.counters())));
                })
            };
            start_with(&mut first, &waker);
            let begin = Instant::now();
            writer.write_all(&[0; 1]).unwrap();
            if inside {
                until(&driver, "it is shut down", || report.borrow().is_some());
            } else {
                assert_eq!(driver.shutdown(Duration::from_secs(30)).leaked, 0);
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
            let (report, counters) = report.take().unwrap();
            assert_eq!((report.completed, report.leaked), (0, 0), "{report:?}");
            if inside {
                assert_eq!(report.cancelled, 4);
            }
            assert_eq!(counters.in_flight, 0);
            ACTION.set(None);
            for read in pending {
                assert!(driver.block_on(read).0.is_err());
            }
            driver.block_on(first).0.unwrap();
            assert_eq!(driver.shutdown(Duration::from_secs(30)), Report::default());
            assert_eq!(driver.counters().submitted, driver.counters().completed);
        });
    }
}

#[test]
fn a_waker_may_count_and_poll_its_own_future() {
    let test = "a_waker_may_count_and_poll_its_own_future";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let (reader, mut writer) = pipe();
        let slot = Rc::new(RefCell::new(Some(Box::pin(read(&driver, &reader)))));
        let results = Rc::new(RefCell::new(Vec::new()));
        let waker = {
            let (driver, slot) = (driver.clone(), slot.clone());
            let results = results.clone();
            does(move || {
                assert_eq!(driver.counters().in_flight, 0);
                let mut read = slot.take().unwrap();
                results.borrow_mut().push(driver.block_on(read.as_mut()).0.unwrap());
            })
        };
        {
            let mut slot = slot.borrow_mut();
            let polled = slot.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
        }
        writer.write_all(&[0; 1]).unwrap();
        until(&driver, "the waker has polled", || results.borrow()[..] == [1]);
        ACTION.set(None);
        end(&driver);
    });
}

#[test]
fn every_panic_of_a_waker_is_counted_and_stops_no_other_task() {
    let test = "every_panic_of_a_waker_is_counted_and_stops_no_other_task";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let (reader, mut writer) = pipe();
        let reads =
            |count: usize| -> Vec<_> { (0..count).map(|_| read(&driver, &reader)).collect() };
        let (mut panicking, mut others) = (reads(10), reads(10));
        let panics = on_wake(|| panic!("on purpose"));
        let (wakes, waker) = Wakes::new();
        for (panicking, other) in panicking.iter_mut().zip(&mut others) {
            start_with(panicking, &panics);
            start_with(other, &waker);
        }
        writer.write_all(&[7; 20]).unwrap();
        until(&driver, "all were woken", || wakes.count() == 10 && driver.counters().panics == 10);
        for read in panicking.into_iter().chain(others) {
            assert_eq!(driver.block_on(read).1, [7]);
        }
        end(&driver);
    });
}

/// Panics wherever it is told to.
struct Panics(&'static str, Arc<AtomicUsize>);

impl Event for Panics {
    type Output = ();

    #[allow(unsafe_code, reason = "the trait's method is unsafe to call")]
    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        assert_ne!(self.0, "prepare", "on purpose");
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
fn a_future_that_panics_leaves_the_driver_as_good_as_before() {
    let test = "a_future_that_panics_leaves_the_driver_as_good_as_before";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let completed = Arc::new(AtomicUsize::new(0));
        for place in ["prepare", "complete", "resubmit", "nowhere"] {
            for wait in [true, false] {
                let event = Panics(place, completed.clone());
                let mut submission = Box::pin(driver.clone().submit(event));
                let task = std::panic::AssertUnwindSafe(|| {
                    if wait {
                        driver.block_on(submission.as_mut());
                    } else {
                        let _ = scene::poll_once(submission.as_mut());
                        submission.as_mut().detach();
                    }
                });
                let panicked = std::panic::catch_unwind(task).is_err();
                assert_eq!(panicked, ["prepare", "complete"].contains(&place));
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(submission)));
            }
        }
        // A panic in the midst of several things, of which none is lost.
        let (reader, mut writer) = pipe();
        let mut pending = read(&driver, &reader);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            driver.block_on(async {
                let _ = local::poll_once(Pin::new(&mut pending)).await;
                driver.block_on(async {
                    let _ = local::poll_once(Pin::new(&mut read(&driver, &reader))).await;
                    panic!("on purpose");
                });
            });
        }));
        assert!(panicked.is_err());
        writer.write_all(&[7; 2]).unwrap();
        assert_eq!(driver.block_on(pending).0.unwrap(), 1);
        until_idle(&driver);
        end(&driver);
    });
}

type Dominoes = Vec<Pin<Box<Submission<Domino, LocalDriver>>>>;

thread_local! {
    static DOMINOES: RefCell<Dominoes> = const { RefCell::new(Vec::new()) };
}

/// A poll whose end drops another one.
struct Domino(PollAdd);

impl Event for Domino {
    type Output = Domino;

    #[allow(unsafe_code, reason = "the trait's method is unsafe to call")]
    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: our caller promises of this event what the poll asks.
        unsafe { self.0.prepare(sqes) };
    }

    fn complete(self, _outcome: Outcome<'_, Self>) -> Domino {
        self
    }
}

impl Drop for Domino {
    fn drop(&mut self) {
        let next = DOMINOES.with_borrow_mut(Vec::pop);
        drop(next);
    }
}

#[test]
fn the_end_of_an_operation_may_be_the_end_of_the_next_one() {
    let test = "the_end_of_an_operation_may_be_the_end_of_the_next_one";
    const DOMINOES_MAX: usize = 20_000;
    for inside in [true, false] {
        in_time(move || {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            let (reader, _writer) = pipe();
            let new = || {
                let poll = PollAdd::new(reader.clone(), Interest::READABLE);
                let mut domino = Box::pin(driver.clone().submit(Domino(poll)));
                start(&mut domino);
                domino
            };
            let dominoes: Vec<_> = (0..DOMINOES_MAX).map(|_| new()).collect();
            DOMINOES.set(dominoes);
            let first = new();
            if inside {
                driver.block_on(async { drop(first) });
            } else {
                drop(first);
            }
            until_idle(&driver);
            assert!(DOMINOES.with_borrow(Vec::is_empty));
            end(&driver);
        });
    }
}
