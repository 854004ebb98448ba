//! [`Ready`]: which tasks of a local driver have been woken; and [`Seat`], what wakes one.
//!
//! A task that is woken by its own thread, as by the end of its operation, is put on a list, for
//! the price of a few stores. Other threads put it on a list of theirs, which takes an exchange,
//! and ring the [`Alarm`]; the thread moves that list to its own one when it finds that it was
//! rung. A task that is on a list already is not put there again.
//!
//! A waker is the address of a seat. As alarms are, seats are never freed, so a copy of a waker
//! costs nothing. A seat stays with its alarm, and serves one task after the other: a waker that
//! has outlived its task causes a needless poll of another one, as wakers may at any time. Seats
//! are made by the row, which spares each of them what an allocator adds to a block.
//!
//! Nothing here is for handlers of signals.
//!
//! # Safety
//!
//! RE1. A row of seats is made by `Box::leak` and never freed. The words of the lists and the data
//!      of a waker are null or point to seats, so they may be followed at any time, on any thread.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::alarm::Alarm;
use crate::sync::{self, Ordering};

static WAKER: RawWakerVTable =
    RawWakerVTable::new(|data| RawWaker::new(data, &WAKER), wake, wake, |_| ());

/// The tasks of a local driver that have been woken.
///
/// The words that threads share are those of [`sync`], which a model checker replaces.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// The list of the thread itself, first to last, and its length. Read and written by it alone.
    head: AtomicPtr<Seat>,
    tail: AtomicPtr<Seat>,
    length: AtomicU32,
    /// The list of the others, last to first.
    by_others: sync::AtomicPtr<Seat>,
}

/// How many seats there are in a row.
const ROW: u32 = 32;

/// Seats that are made together. Their numbers follow each other, from a multiple of their count.
pub(super) type Row = &'static [Seat; ROW as usize];

/// The seats of an alarm, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Seats {
    rows: Vec<Row>,
}

/// What wakes one task at a time.
#[derive(Debug)]
pub(super) struct Seat {
    alarm: &'static Alarm,
    /// Its number among those of the alarm.
    index: u32,
    /// Whether it is on the list of its own thread, and what comes after it there.
    is_ready: AtomicBool,
    next: AtomicPtr<Seat>,
    /// The same for the list of the others. AcqRel: what was done before a wake is seen by the
    /// poll that it leads to, also where an earlier wake has put it there.
    is_ready_by_others: sync::AtomicBool,
    next_by_others: sync::AtomicPtr<Seat>,
}

impl Ready {
    /// How many tasks the thread is to poll.
    #[inline]
    pub(super) fn length(&self) -> u32 {
        self.length.load(Ordering::Relaxed)
    }

    /// Takes one to be polled. Called by the thread itself, as are all but the wakes of others.
    #[inline]
    pub(super) fn pop(&self) -> Option<&'static Seat> {
        // SAFETY: RE1.
        let seat = unsafe { self.head.load(Ordering::Relaxed).as_ref() }?;
        self.head.store(seat.next.load(Ordering::Relaxed), Ordering::Relaxed);
        self.length.store(self.length() - 1, Ordering::Relaxed);
        seat.is_ready.store(false, Ordering::Relaxed);
        Some(seat)
    }

    #[inline]
    fn push(&self, seat: &'static Seat) {
        if seat.is_ready.load(Ordering::Relaxed) {
            return;
        }
        seat.is_ready.store(true, Ordering::Relaxed);
        seat.next.store(ptr::null_mut(), Ordering::Relaxed);
        let link = match self.length() {
            0 => &self.head,
            // SAFETY: RE1; the list is not empty, so it has a last one.
            _ => unsafe { &(*self.tail.load(Ordering::Relaxed)).next },
        };
        let word = ptr::from_ref(seat).cast_mut();
        link.store(word, Ordering::Relaxed);
        self.tail.store(word, Ordering::Relaxed);
        self.length.store(self.length() + 1, Ordering::Relaxed);
    }

    /// Moves those that others have woken to the list of the thread.
    #[cold]
    pub(super) fn collect(&self) {
        // Acquire: pairs with the Release in `push_by_others`.
        let mut next = self.by_others.swap(ptr::null_mut(), Ordering::Acquire);
        let mut seats = Vec::new();
        // SAFETY: RE1.
        while let Some(seat) = unsafe { next.as_ref() } {
            next = seat.next_by_others.load(Ordering::Relaxed);
            // From here on it may be put there again, so the link has been read before.
            seat.is_ready_by_others.swap(false, Ordering::AcqRel);
            seats.push(seat);
        }
        seats.into_iter().rev().for_each(|seat| self.push(seat));
    }

    fn push_by_others(&self, seat: &'static Seat) {
        let mut first = self.by_others.load(Ordering::Relaxed);
        loop {
            seat.next_by_others.store(first, Ordering::Relaxed);
            let word = ptr::from_ref(seat).cast_mut();
            // Release: publishes the link, and what was done before the wake.
            let exchanged = self.by_others.compare_exchange_weak(
                first,
                word,
                Ordering::Release,
                Ordering::Relaxed,
            );
            match exchanged {
                Ok(_) => return,
                Err(other) => first = other,
            }
        }
    }
}

impl Seats {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.rows.len() * ROW as usize
    }

    /// Makes another row of seats of `alarm`, to which all of these belong.
    pub(super) fn add_row(&mut self, alarm: &'static Alarm) {
        let first = u32::try_from(self.count()).expect("2³² tasks are more than fit in memory");
        let seat = |number: usize| Seat::new(alarm, first + number as u32);
        self.rows.push(Box::leak(Box::new(std::array::from_fn(seat))));
    }

    /// The seat of this number.
    ///
    /// # Panics
    ///
    /// Panics where there are fewer.
    pub(super) fn of(&self, index: usize) -> &'static Seat {
        &self.rows[index / ROW as usize][index % ROW as usize]
    }
}

impl Seat {
    /// A seat of `alarm`, by the number under which that will find it.
    pub(super) fn new(alarm: &'static Alarm, index: u32) -> Seat {
        Seat {
            alarm,
            index,
            is_ready: AtomicBool::new(false),
            next: AtomicPtr::default(),
            is_ready_by_others: sync::AtomicBool::new(false),
            next_by_others: sync::AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Its number among those of its alarm.
    #[inline]
    pub(super) fn number(&self) -> u32 {
        self.index
    }

    #[inline]
    pub(super) fn index(&self) -> usize {
        self.index as usize
    }

    pub(super) fn waker(&'static self) -> Waker {
        // SAFETY: RE1: the functions of the table follow the data, share it and free nothing.
        unsafe { Waker::new(ptr::from_ref(self).cast(), &WAKER) }
    }

    /// The seat that `waker` wakes, if it is the waker of one.
    #[inline]
    pub(super) fn of(waker: &Waker) -> Option<&'static Seat> {
        // SAFETY: RE1; the data of a waker with this table is a seat.
        ptr::eq(waker.vtable(), &WAKER).then(|| unsafe { &*waker.data().cast() })
    }

    /// Has the task polled.
    #[inline]
    pub(super) fn wake(&'static self) {
        if self.alarm.is_here() {
            self.alarm.ready.push(self);
        } else {
            self.wake_from_elsewhere();
        }
    }

    #[cold]
    fn wake_from_elsewhere(&'static self) {
        self.get_ready_from_elsewhere();
        // Also where it was there already: whoever has put it there may not have rung yet.
        self.alarm.ring();
    }

    /// Sees to it that the seat is on the list of the others.
    #[inline]
    pub(super) fn get_ready_from_elsewhere(&'static self) {
        if !self.is_ready_by_others.swap(true, Ordering::AcqRel) {
            self.alarm.ready.push_by_others(self);
        }
    }
}

fn wake(data: *const ()) {
    // SAFETY: RE1; the data of a waker with this table is a seat.
    let seat: &'static Seat = unsafe { &*data.cast::<Seat>() };
    seat.wake();
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::os::fd::AsFd;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;
    use crate::local::parker::Parker;

    fn indices(ready: &Ready) -> Vec<usize> {
        std::iter::from_fn(|| ready.pop()).map(Seat::index).collect()
    }

    /// A row of seats, or what earlier tests have left to the alarm.
    fn seats(alarm: &'static Alarm) -> Seats {
        let mut seats = alarm.take_seats();
        if seats.count() == 0 {
            seats.add_row(alarm);
        }
        seats
    }

    #[test]
    fn a_seat_takes_32_bytes_and_is_found_by_its_number() {
        assert!(size_of::<Seat>() <= 32);
        let parker = Parker::new().unwrap();
        let mut seats = seats(parker.alarm);
        seats.add_row(parker.alarm);
        assert!((0..seats.count()).all(|number| seats.of(number).index() == number));
        parker.alarm.keep_seats(seats);
    }

    #[test]
    fn those_woken_come_in_the_order_of_their_wakes_and_once_each() {
        let parker = Parker::new().unwrap();
        let alarm = parker.alarm;
        let seats = seats(alarm);
        for index in [2, 0, 2, 3, 0] {
            seats.of(index).waker().wake();
        }
        assert_eq!(alarm.ready.length(), 3);
        assert_eq!(indices(&alarm.ready), [2, 0, 3]);
        seats.of(1).wake();
        let wakers: Vec<_> = [1, 3, 2, 3].map(|index| seats.of(index).waker()).into();
        thread::spawn(move || wakers.iter().for_each(Waker::wake_by_ref)).join().unwrap();
        assert_eq!(alarm.ready.length(), 1, "those of others come when the alarm is heard");
        assert!(alarm.take_notified());
        assert_eq!(indices(&alarm.ready), [1, 3, 2]);
        assert!(!alarm.is_notified());
        alarm.keep_seats(seats);
    }

    /// Each wake is followed by a poll that sees what was counted before it.
    #[test]
    fn no_wake_of_several_threads_is_lost() {
        const THREADS: u64 = 3;
        const WAKES: u64 = 20_000;
        let parker = Parker::new().unwrap();
        let alarm = parker.alarm;
        let seats = seats(alarm);
        let counts = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (counts, wakers) =
                    (counts.clone(), [0, 1].map(|index| seats.of(index).waker()));
                thread::spawn(move || {
                    for number in 0..WAKES as usize {
                        counts[number % 2].fetch_add(1, Ordering::Relaxed);
                        wakers[number % 2].wake_by_ref();
                    }
                })
            })
            .collect();
        let mut seen = [0, 0];
        while seen.iter().sum::<u64>() < THREADS * WAKES {
            while !alarm.take_notified() {
                if alarm.park() {
                    parker.sleep();
                    alarm.unpark();
                }
            }
            while let Some(seat) = alarm.ready.pop() {
                seen[seat.index()] = counts[seat.index()].load(Ordering::Relaxed);
            }
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let _ = parker.as_fd();
        alarm.keep_seats(seats);
    }
}
