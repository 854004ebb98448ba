//! Futexes, waited for and woken.

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use ringbahn_core::event::{FutexEnd, FutexWait, FutexWaitv, FutexWake, FutexWord};
use ringbahn_core::{Cancelled, Drive};
use ringbahn_drivers::SharedDriver;
use rustix::thread::futex;

use crate::scene::{poll_once, run, start, until};
use crate::{is_fallback, on_both, on_kernel};

fn word(value: u32) -> (Arc<AtomicU32>, FutexWord) {
    let word = Arc::new(AtomicU32::new(value));
    (word.clone(), FutexWord::new(word))
}

/// Wakes whoever waits for the word until there was somebody: a thread may be on its way to wait.
#[track_caller]
fn wake_one(driver: &SharedDriver, word: &FutexWord) {
    until("somebody was woken", || {
        run(driver.clone().submit(FutexWake::new(word.clone(), 1))).unwrap() == 1
    });
}

#[test]
fn a_wait_ends_when_it_is_woken_and_is_none_where_the_word_has_changed() {
    let test = "a_wait_ends_when_it_is_woken_and_is_none_where_the_word_has_changed";
    on_both(test, (6, 7), |driver| {
        let (value, word) = word(3);
        for word in [word.clone(), word.between_processes()] {
            value.store(3, Ordering::Relaxed);
            let wait = |expected| driver.clone().submit(FutexWait::new(word.clone(), expected));
            assert_eq!(run(wait(4)).unwrap(), FutexEnd::Changed);
            let mut waiting = wait(3);
            start(&mut waiting);
            wake_one(driver, &word);
            assert_eq!(run(waiting).unwrap(), FutexEnd::Woken(0));
            // Whoever changes the word first is never missed.
            let mut waiting = wait(3);
            start(&mut waiting);
            value.store(4, Ordering::SeqCst);
            run(driver.clone().submit(FutexWake::all(word.clone()))).unwrap();
            run(waiting).unwrap();
        }
        assert_eq!(run(driver.clone().submit(FutexWake::all(word_of(&value)))).unwrap(), 0);
    });
}

fn word_of(value: &Arc<AtomicU32>) -> FutexWord {
    FutexWord::new(value.clone())
}

#[test]
fn a_wait_for_several_says_which_was_woken() {
    on_both("a_wait_for_several_says_which_was_woken", (6, 7), |driver| {
        let words = [5, 6, 7].map(word);
        let wait = || {
            let words =
                words.iter().map(|(value, word)| (word.clone(), value.load(Ordering::Relaxed)));
            driver.clone().submit(FutexWaitv::new(words.collect::<Vec<_>>()).unwrap())
        };
        for (index, (_, word)) in words.iter().enumerate() {
            let mut waiting = wait();
            start(&mut waiting);
            wake_one(driver, word);
            assert_eq!(run(waiting).unwrap(), FutexEnd::Woken(index));
        }
        let changed = FutexWaitv::new([(words[0].1.clone(), 5), (words[1].1.clone(), 0)]).unwrap();
        assert_eq!(run(driver.clone().submit(changed)).unwrap(), FutexEnd::Changed);
        let mut cancelled = wait();
        start(&mut cancelled);
        assert!(run(cancelled.cancel()).is_cancelled());
    });
}

#[test]
fn a_wait_that_is_cancelled_or_dropped_ends() {
    on_both("a_wait_that_is_cancelled_or_dropped_ends", (6, 7), |driver| {
        let (value, word) = word(0);
        for _ in 0..20 {
            let mut cancelled = driver.clone().submit(FutexWait::new(word.clone(), 0));
            start(&mut cancelled);
            let Cancelled::Cancelled(Err(error)) = run(cancelled.cancel()) else {
                panic!("nobody has woken it");
            };
            assert_eq!(error.raw_os_error(), Some(libc::ECANCELED));
            let mut dropped = driver.clone().submit(FutexWait::new(word.clone(), 0));
            start(&mut dropped);
        }
        drop(word);
        until("the word is let go", || Arc::strong_count(&value) == 1);
    });
}

#[test]
fn a_thread_that_waits_by_itself_is_woken_by_an_event() {
    on_both("a_thread_that_waits_by_itself_is_woken_by_an_event", (6, 7), |driver| {
        let (value, word) = word(0);
        let thread = thread::spawn(move || {
            while value.load(Ordering::Acquire) == 0 {
                match futex::wait(&value, futex::Flags::PRIVATE, 0, None) {
                    Ok(()) => return true,
                    Err(_) => continue,
                }
            }
            false
        });
        wake_one(driver, &word);
        assert!(thread.join().unwrap(), "the thread was woken");
    });
}

#[test]
fn a_mask_tells_who_is_woken() {
    on_both("a_mask_tells_who_is_woken", (6, 7), |driver| {
        let (_value, word) = word(0);
        let [one, two] = [1, 2].map(|mask| NonZeroU32::new(mask).unwrap());
        let mut wait = driver.clone().submit(FutexWait::new(word.clone(), 0).mask(one));
        if is_fallback(driver) {
            assert_eq!(run(wait).unwrap_err().kind(), ErrorKind::Unsupported);
            return;
        }
        start(&mut wait);
        let wake = |mask| run(driver.clone().submit(FutexWake::all(word.clone()).mask(mask)));
        assert_eq!(wake(two).unwrap(), 0);
        start(&mut wait);
        assert_eq!(wake(one).unwrap(), 1);
        assert_eq!(run(wait).unwrap(), FutexEnd::Woken(0));
    });
}

#[test]
fn what_waits_ends_with_the_driver() {
    let test = "what_waits_ends_with_the_driver";
    for driver in
        on_kernel(test, (6, 7)).into_iter().chain(crate::driver(ringbahn_drivers::Policy::Never))
    {
        let (_value, word) = word(0);
        let mut waits: Vec<_> =
            (0..3).map(|_| driver.clone().submit(FutexWait::new(word.clone(), 0))).collect();
        for wait in &mut waits {
            until("it is in flight", || {
                assert!(poll_once(Pin::new(&mut *wait)).is_pending());
                wait.is_in_flight()
            });
        }
        let report = crate::scene::end(&driver);
        assert_eq!((report.cancelled, report.completed), (3, 0));
        for wait in waits {
            assert_eq!(run(wait).unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        }
    }
}
