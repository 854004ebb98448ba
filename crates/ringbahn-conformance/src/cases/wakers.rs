//! Wakers that panic, that use the driver, that are replaced, and events that use it as they end:
//! none is called where it could do harm.

use std::cell::RefCell;
use std::io::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use ringbahn_core::event::{Nop, Position, Read, Rescued};
use ringbahn_core::{BufResult, Shared, SharedFd};

use crate::bench::{Bench, Subjected, poll_once};
use crate::case::list_cases;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::operating::Operating;
use crate::props::pipe;
use crate::verdict::{Verdict, ensure, ensure_eq};
use crate::wakers::{Grudge, Signal, acting};

list_cases! {
    wakers_that_panic_stop_nobody_else,
    every_one_of_many_is_woken,
    only_the_last_waker_has_to_be_woken,
    polls_that_nobody_asked_for_change_nothing,
    a_waker_may_use_the_driver_of_its_thread,
    an_abandoned_event_may_use_the_driver_of_its_thread;
    threads:
    an_abandoned_event_may_submit_another_operation,
    a_waker_may_submit_another_operation,
    a_waker_may_poll_its_own_future,
    a_waker_may_drop_other_futures,
    a_waker_may_drop_the_last_handle,
    a_waker_that_waits_for_room_may_submit_another_operation,
}

type Reading<S> = Operating<BufResult<usize, [u8; 1]>, S>;

fn read<S: Kind>(driver: &Subjected<'_, S>, reader: &SharedFd) -> Reading<S> {
    driver.submit(Read::new(reader.clone(), [0; 1], Position::Current))
}

/// Brings a read of an empty pipe in flight, and leaves it with `waker`.
fn start_with<S: Kind>(driver: &Subjected<'_, S>, read: &mut Reading<S>, waker: &Waker) -> Verdict {
    driver.start(read)?;
    poll_with(read, waker)
}

fn poll_with<S: Kind>(read: &mut Reading<S>, waker: &Waker) -> Verdict {
    let polled = Pin::new(read).poll(&mut Context::from_waker(waker));
    ensure!(polled.is_pending(), "a read of an empty pipe was ready");
    Ok(())
}

fn wakers_that_panic_stop_nobody_else<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let (grudge, signal) = (Grudge::new(), Signal::new());
    let mut reads: Vec<_> = (0..16).map(|_| read(&driver, &reader)).collect();
    for (index, read) in reads.iter_mut().enumerate() {
        let waker = if index % 2 == 0 { grudge.waker() } else { signal.waker() };
        start_with(&driver, read, &waker)?;
    }
    writer.write_all(&[1; 16])?;
    driver.until("those are woken that do not panic", || signal.wakes() >= 8)?;
    driver.until("those are woken that panic", || grudge.wakes() >= 8)?;
    for read in reads {
        ensure_eq!(driver.run(read)?.0?, 1, "bytes of a read whose waker has panicked");
    }
    driver.complete(Nop)??;
    driver.end()
}

fn every_one_of_many_is_woken<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let signals: Vec<_> = (0..100).map(|_| Signal::new()).collect();
    let mut reads: Vec<_> = (0..100).map(|_| read(&driver, &reader)).collect();
    for (read, signal) in reads.iter_mut().zip(&signals) {
        start_with(&driver, read, &signal.waker())?;
    }
    writer.write_all(&[1; 100])?;
    driver.until("all are woken", || signals.iter().all(|signal| signal.wakes() > 0))?;
    for mut read in reads {
        ensure!(poll_once(&mut read).is_ready(), "a future was woken for nothing");
    }
    driver.end()
}

fn only_the_last_waker_has_to_be_woken<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    let mut read = read(&driver, &reader);
    let signals: Vec<_> = (0..10).map(|_| Signal::new()).collect();
    for signal in &signals {
        start_with(&driver, &mut read, &signal.waker())?;
    }
    writer.write_all(&[1])?;
    driver.until("the last waker is woken", || signals[9].wakes() > 0)?;
    driver.run(read)?.0?;
    driver.end()
}

fn polls_that_nobody_asked_for_change_nothing<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let mut reads: Vec<_> = (0..4).map(|_| read(&driver, &reader)).collect();
    reads.iter_mut().try_for_each(|read| driver.start(read))?;
    for _ in 0..100 {
        for read in &mut reads {
            poll_with(read, Waker::noop())?;
        }
    }
    if let Some(count) = driver.in_flight() {
        ensure_eq!(count, 4, "operations in flight after many polls");
    }
    writer.write_all(&[1; 4])?;
    for read in reads {
        ensure_eq!(driver.run(read)?.0?, 1, "bytes of a read that was polled often");
    }
    driver.end()
}

thread_local! {
    /// What wakers and events do that are called on this thread. They may be called on any, where
    /// the handle of a driver of one thread may not be.
    static HERE: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Takes back what is to be done on this thread.
struct NoMore;

impl Drop for NoMore {
    fn drop(&mut self) {
        drop(HERE.take());
    }
}

/// From now on wakers and events on this thread submit an operation, and drop it.
fn use_here<S: Kind>(driver: &Subjected<'_, S>) -> NoMore {
    let handle = driver.handle();
    let act = move || drop(poll_once(&mut handle.clone().submit(Nop)));
    HERE.replace(Some(Rc::new(act)));
    NoMore
}

fn act_here() {
    let act = HERE.with_borrow(Option::clone);
    if let Some(act) = act {
        act();
    }
}

fn a_waker_may_use_the_driver_of_its_thread<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let done = Arc::new(AtomicUsize::new(0));
    let waker = {
        let done = done.clone();
        acting(move || {
            act_here();
            done.fetch_add(1, Ordering::SeqCst);
        })
    };
    let mut reads: Vec<_> = (0..8).map(|_| read(&driver, &reader)).collect();
    for read in &mut reads {
        start_with(&driver, read, &waker)?;
    }
    let no_more = use_here(&driver);
    writer.write_all(&[1; 8])?;
    driver.until("all wakers have done so", || done.load(Ordering::SeqCst) >= 8)?;
    drop(no_more);
    for read in reads {
        ensure_eq!(driver.run(read)?.0?, 1, "bytes of the read");
    }
    driver.end()
}

fn an_abandoned_event_may_use_the_driver_of_its_thread<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, _writer) = pipe()?;
    let done = Arc::new(AtomicUsize::new(0));
    let no_more = use_here(&driver);
    for _ in 0..8 {
        let done = done.clone();
        let event = Read::new(reader.clone(), [0; 1], Position::Current);
        let mut read = driver.submit(Rescued::new(event, move |_output| {
            act_here();
            done.fetch_add(1, Ordering::SeqCst);
        }));
        driver.start(&mut read)?;
    }
    driver.until("all abandoned events have done so", || done.load(Ordering::SeqCst) == 8)?;
    drop(no_more);
    driver.end()
}

/// What wakers and events have submitted. They do not wait for it, for who has called them may be
/// the one who would have to end it.
type Begun = Arc<Mutex<Vec<Operating<std::io::Result<()>, Shared>>>>;

fn begin(handle: Handle<Shared>, begun: &Begun) {
    let mut nop = handle.submit(Nop);
    if poll_once(&mut nop).is_pending() {
        begun.lock().unwrap_or_else(PoisonError::into_inner).push(nop);
    }
}

fn finish(driver: &Subjected<'_, Shared>, begun: &Begun) -> Verdict {
    let begun = std::mem::take(&mut *begun.lock().unwrap_or_else(PoisonError::into_inner));
    for nop in begun {
        driver.run(nop)??;
    }
    Ok(())
}

fn an_abandoned_event_may_submit_another_operation(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, _writer) = pipe()?;
    let begun = Begun::default();
    let done = Arc::new(AtomicUsize::new(0));
    for _ in 0..8 {
        let (handle, done, begun) = (driver.handle(), done.clone(), begun.clone());
        let event = Read::new(reader.clone(), [0; 1], Position::Current);
        let mut read = driver.submit(Rescued::new(event, move |_output| {
            begin(handle, &begun);
            done.fetch_add(1, Ordering::SeqCst);
        }));
        driver.start(&mut read)?;
    }
    bench.stage("waiting for abandoned events that submit an operation themselves");
    driver.until("all of them have done so", || done.load(Ordering::SeqCst) == 8)?;
    finish(&driver, &begun)?;
    driver.end()
}

fn a_waker_may_submit_another_operation(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let begun = Begun::default();
    let done = Arc::new(AtomicUsize::new(0));
    let waker = {
        let (handle, done, begun) = (Mutex::new(driver.handle()), done.clone(), begun.clone());
        acting(move || {
            let handle = handle.lock().unwrap_or_else(PoisonError::into_inner).clone();
            begin(handle, &begun);
            done.fetch_add(1, Ordering::SeqCst);
        })
    };
    let mut reads: Vec<_> = (0..8).map(|_| read(&driver, &reader)).collect();
    for read in &mut reads {
        start_with(&driver, read, &waker)?;
    }
    writer.write_all(&[1; 8])?;
    bench.stage("waiting for wakers that submit an operation themselves");
    driver.until("all wakers have done so", || done.load(Ordering::SeqCst) >= 8)?;
    finish(&driver, &begun)?;
    for read in reads {
        ensure_eq!(driver.run(read)?.0?, 1, "bytes of the read");
    }
    driver.end()
}

fn a_waker_may_poll_its_own_future(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (reader, mut writer) = pipe()?;
    let slot = Arc::new(Mutex::new(Some(read(&driver, &reader))));
    let received = Arc::new(AtomicUsize::new(0));
    let waker = {
        let (slot, received) = (slot.clone(), received.clone());
        acting(move || {
            let taken = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(mut read) = taken
                && let Poll::Ready((Ok(count), _)) = poll_once(&mut read)
            {
                received.fetch_add(count, Ordering::SeqCst);
            }
        })
    };
    if let Some(read) = slot.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        start_with(&driver, read, &waker)?;
    }
    writer.write_all(&[1])?;
    bench.stage("waiting for a waker that polls its own future");
    driver.until("it was ready", || received.load(Ordering::SeqCst) == 1)?;
    driver.end()
}

fn a_waker_may_drop_other_futures(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let ledger = Ledger::default();
    let (reader, mut writer) = pipe()?;
    let (other_reader, _other_writer) = pipe()?;
    let event = || ledger.enter(Read::new(other_reader.clone(), [0; 1], Position::Current));
    let mut others: Vec<_> = (0..8).map(|_| driver.submit(event())).collect();
    for other in &mut others {
        driver.start(other)?;
    }
    let others = Mutex::new(Some(others));
    let waker = acting(move || drop(others.lock().unwrap_or_else(PoisonError::into_inner).take()));
    let mut read = read(&driver, &reader);
    start_with(&driver, &mut read, &waker)?;
    writer.write_all(&[1])?;
    bench.stage("waiting for a waker that drops other futures");
    driver.until("the others have ended", || ledger.open() == 0)?;
    driver.run(read)?.0?;
    driver.end()
}

fn a_waker_may_drop_the_last_handle(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver()?;
    let ledger = Ledger::default();
    let (reader, mut writer) = pipe()?;
    let handle = driver.handle();
    let event = ledger.enter(Read::new(reader, [0; 1], Position::Current));
    let mut read = handle.clone().submit(event);
    driver.start(&mut read)?;
    let bag = Arc::new(Mutex::new(None));
    let waker = {
        let bag = bag.clone();
        acting(move || drop(bag.lock().unwrap_or_else(PoisonError::into_inner).take()))
    };
    let polled = Pin::new(&mut read).poll(&mut Context::from_waker(&waker));
    ensure!(polled.is_pending(), "a read of an empty pipe was ready");
    *bag.lock().unwrap_or_else(PoisonError::into_inner) = Some((read, handle));
    drop(driver);
    writer.write_all(&[1])?;
    bench.stage("waiting for a waker that drops its future and the last handle");
    bench.await_without_driver("the read has ended", || ledger.open() == 0)?;
    ledger.balance()
}

/// A waker of one who finds no room is as foreign as any other.
fn a_waker_that_waits_for_room_may_submit_another_operation(bench: &Bench<Shared>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let handle = driver.handle();
            std::thread::spawn(move || {
                // Few, for each may take as many turns of a processor that all threads share.
                for _ in 0..20 {
                    let woken = Arc::new(AtomicUsize::new(0));
                    let this = std::thread::current();
                    let waker = {
                        let (handle, woken) = (Mutex::new(handle.clone()), woken.clone());
                        acting(move || {
                            let handle = handle.lock().unwrap_or_else(PoisonError::into_inner);
                            let _ = poll_once(&mut handle.clone().submit(Nop));
                            drop(handle);
                            woken.fetch_add(1, Ordering::SeqCst);
                            this.unpark();
                        })
                    };
                    let mut nop = handle.clone().submit(Nop);
                    while Pin::new(&mut nop).poll(&mut Context::from_waker(&waker)).is_pending() {
                        while woken.swap(0, Ordering::SeqCst) == 0 {
                            std::thread::park();
                        }
                    }
                }
                Ok(())
            })
        })
        .collect();
    bench.stage("waiting for threads whose wakers submit as they are told of room");
    threads.into_iter().try_for_each(|thread| driver.join(thread))?;
    driver.end()
}
