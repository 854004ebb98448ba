//! [`Alarm`]: what the wakers of a local driver ring.
//!
//! A thread that is awake is woken by a [word](SleepWord) in memory. Only one that has said that it
//! sleeps costs a system call, a write to an eventfd. The thread itself leaves word in a place of
//! its own, for the price of a store.
//!
//! Every operation that waits keeps a copy of a waker. Alarms are never freed, so a copy costs
//! nothing: there is nothing to count. The alarm of a driver that is gone serves a later one. A
//! waker that has outlived its driver then causes a needless poll there, as wakers may at any time.
//!
//! # Safety
//!
//! A1. An alarm is made by `Box::into_raw` and never freed. The words of the list and the data of a
//!     waker point to alarms, so they may be followed at any time, on any thread: it is `Sync`.
#![allow(unsafe_code)]

use std::os::fd::OwnedFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, compiler_fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::ready::{Ready, Seats};
use super::sleep_word::SleepWord;
use crate::sys::fork::ForkGuard;

/// The alarms of the process, each of which names the next one.
static ALARMS: AtomicPtr<Alarm> = AtomicPtr::new(ptr::null_mut());

static WAKER: RawWakerVTable =
    RawWakerVTable::new(|data| RawWaker::new(data, &WAKER), wake, wake, |_| ());

/// What the wakers of a local driver ring.
#[derive(Debug)]
pub(super) struct Alarm {
    /// What others wake the thread by.
    pub(super) word: SleepWord,
    /// Whether the thread that sleeps here has woken itself. Read and written by it alone.
    own: AtomicBool,
    /// Whether it sleeps, or is about to: what its own handlers of signals go by.
    asleep: AtomicBool,
    /// The thread that sleeps here.
    owner: AtomicUsize,
    /// The tasks that have been woken.
    pub(super) ready: Ready,
    /// The seats of tasks, while no driver has them.
    seats: Mutex<Seats>,
    /// An eventfd, by which a thread that sleeps is called.
    call: Mutex<Option<Arc<OwnedFd>>>,
    /// Whether a driver has it.
    taken: AtomicBool,
    guard: ForkGuard,
    next: *const Alarm,
}

// SAFETY: A1; `next` does not change once the alarm is in the list.
unsafe impl Sync for Alarm {}

/// A number of the calling thread, never 0; one that has ended may have had the same.
#[inline]
fn here() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| ptr::from_ref(here).addr())
}

impl Alarm {
    /// An alarm that calls the calling thread by a write to `call`. It is to be given back.
    pub(super) fn claim(call: Arc<OwnedFd>, guard: ForkGuard) -> &'static Alarm {
        let alarm = Alarm::unused().unwrap_or_else(|| Alarm::add(guard));
        alarm.owner.store(here(), Ordering::Relaxed);
        *alarm.call.lock().unwrap_or_else(PoisonError::into_inner) = Some(call);
        alarm
    }

    /// One of a driver that is gone. A lock of the parent's is never taken in a forked child, since
    /// a thread that is not there may hold it; so the parent's alarms are left alone.
    fn unused() -> Option<&'static Alarm> {
        // Acquire: pairs with the Release in `add`.
        let mut next = ALARMS.load(Ordering::Acquire).cast_const();
        // SAFETY: A1.
        while let Some(alarm) = unsafe { next.as_ref() } {
            // Acquire: pairs with the Release in `give_back`.
            if !alarm.guard.forked() && !alarm.taken.swap(true, Ordering::Acquire) {
                return Some(alarm);
            }
            next = alarm.next;
        }
        None
    }

    fn add(guard: ForkGuard) -> &'static Alarm {
        let mut next = ALARMS.load(Ordering::Acquire);
        let new = Box::into_raw(Box::new(Alarm::new(guard, next)));
        loop {
            // Release: publishes the alarm. Acquire: the one that it names then is published, too.
            match ALARMS.compare_exchange(next, new, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: A1.
                Ok(_) => return unsafe { &*new },
                Err(other) => next = other,
            }
            // SAFETY: A1; nobody else knows of it yet.
            unsafe { (*new).next = next };
        }
    }

    /// One that is taken, and calls nobody yet.
    pub(super) fn new(guard: ForkGuard, next: *const Alarm) -> Alarm {
        Alarm {
            word: SleepWord::new(),
            own: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            owner: AtomicUsize::new(0),
            ready: Ready::default(),
            seats: Mutex::default(),
            call: Mutex::new(None),
            taken: AtomicBool::new(true),
            guard,
            next,
        }
    }

    /// The driver goes, and with it the eventfd.
    pub(super) fn give_back(&self) {
        // A waker that is used on this thread later must not take it for the owner still.
        self.owner.store(0, Ordering::Relaxed);
        self.ready.collect();
        while self.ready.pop().is_some() {}
        let call = match self.guard.forked() {
            true => self.call.try_lock().ok(),
            false => Some(self.call.lock().unwrap_or_else(PoisonError::into_inner)),
        };
        drop(call.map(|mut call| call.take()));
        self.own.store(false, Ordering::Relaxed);
        self.asleep.store(false, Ordering::Relaxed);
        self.word.reset();
        self.taken.store(false, Ordering::Release);
    }

    /// The seats that earlier drivers have had; they are to be given back.
    pub(super) fn take_seats(&self) -> Seats {
        std::mem::take(&mut *self.seats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the seats for a later driver: all that the alarm has.
    pub(super) fn keep_seats(&self, seats: Seats) {
        *self.seats.lock().unwrap_or_else(PoisonError::into_inner) = seats;
    }

    /// Whether the calling thread is the one that sleeps here.
    #[inline]
    pub(super) fn is_here(&self) -> bool {
        self.owner.load(Ordering::Relaxed) == here()
    }

    pub(super) fn waker(&'static self) -> Waker {
        // SAFETY: A1: the functions of the table follow the data, share it and free nothing.
        unsafe { Waker::new(ptr::from_ref(self).cast(), &WAKER) }
    }

    /// The alarm that `waker` rings, if it is one of these.
    #[inline]
    pub(super) fn of(waker: &Waker) -> Option<&'static Alarm> {
        // SAFETY: A1; the data of a waker with this table is an alarm.
        ptr::eq(waker.vtable(), &WAKER).then(|| unsafe { &*waker.data().cast() })
    }

    /// Notes that there is something to poll: for the thread itself.
    pub(super) fn notify(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    /// Whether there is something to poll.
    pub(super) fn is_notified(&self) -> bool {
        // Relaxed: a hint; `take_notified` is what counts.
        self.own.load(Ordering::Relaxed) || self.ready.length() > 0 || self.word.is_notified()
    }

    /// Whether there is something to poll besides tasks; it is then taken to be polled. The tasks
    /// that others have woken are from then on among those that are ready.
    #[inline]
    pub(super) fn take_notified(&self) -> bool {
        let own = self.own.load(Ordering::Relaxed);
        if own {
            // Only then, or what a signal's handler has just noted would be lost.
            self.own.store(false, Ordering::Relaxed);
        }
        let by_others = self.word.take_notified();
        if by_others {
            self.ready.collect();
        }
        own || by_others
    }

    /// The thread is about to sleep. `false` where there is something to poll instead.
    pub(super) fn park(&self) -> bool {
        let parked = self.word.park();
        if parked {
            self.asleep.store(true, Ordering::Relaxed);
            // After that a signal's handler calls as others do; before, it has left word here.
            compiler_fence(Ordering::SeqCst);
            if self.own.load(Ordering::Relaxed) || self.ready.length() > 0 {
                self.unpark();
                return false;
            }
        }
        parked
    }

    /// The thread sleeps no more, for whatever reason.
    #[inline]
    pub(super) fn unpark(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn wake(&self) {
        if self.is_here() {
            // It sees what it has done itself, and is awake; unless it is in a signal's handler.
            self.own.store(true, Ordering::Relaxed);
            if !self.asleep.load(Ordering::Relaxed) {
                return;
            }
        }
        self.ring();
    }

    /// Has the thread look for what there is to poll, and calls it where it sleeps.
    #[cold]
    pub(super) fn ring(&self) {
        // In a child the eventfd is the parent's, who is not to be woken.
        if self.word.notify() && !self.guard.forked() {
            let call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(call) = &*call {
                // It fails only when the count is full, and then the thread has been called.
                let _ = rustix::io::write(call, &1_u64.to_ne_bytes());
            }
        }
    }
}

fn wake(data: *const ()) {
    // SAFETY: A1; the data of a waker with this table is an alarm.
    let alarm = unsafe { &*data.cast::<Alarm>() };
    alarm.wake();
}
