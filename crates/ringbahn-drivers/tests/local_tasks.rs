//! Tasks that a local driver polls itself.
//!
//! Goal: every wake is followed by a poll, whoever wakes and whatever the thread does meanwhile,
//! and each future is dropped once, by its end, by its handle or with its set.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::{SinkExt, StreamExt};
use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read, Rescued, Timeout, Write};
use ringbahn_drivers::{LocalDriver, LocalTasks};

#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use local::{end, in_time, yields};
use scene::{pipe, shared};

fn tasks(test: &str) -> Option<(LocalDriver, LocalTasks)> {
    let driver = local::driver(test, 4, 8)?;
    let tasks = LocalTasks::new(&driver);
    Some((driver, tasks))
}

/// More tasks than the queues have room for, each with many operations.
#[test]
fn many_tasks_do_many_operations_through_a_small_ring() {
    let test = "many_tasks_do_many_operations_through_a_small_ring";
    in_time(move || {
        let Some((driver, tasks)) = tasks(test) else { return };
        let each: Vec<_> = (0..50)
            .map(|number| {
                let driver = driver.clone();
                tasks.spawn(async move {
                    for _ in 0..40 {
                        driver.clone().submit(Nop).await.unwrap();
                    }
                    number
                })
            })
            .collect();
        let numbers = driver.block_on(futures::future::join_all(each));
        assert_eq!(numbers, (0..50).collect::<Vec<_>>());
        assert_eq!(driver.counters().completed, 2000);
        end(&driver);
    });
}

/// What waits as an operation alone has no task; there is one again when something has come.
#[test]
fn receives_that_nobody_awaits_hand_on_what_comes() {
    let test = "receives_that_nobody_awaits_hand_on_what_comes";
    in_time(move || {
        let Some((driver, tasks)) = tasks(test) else { return };
        let (received, mut messages) = mpsc::unbounded();
        let (readers, writers): (Vec<_>, Vec<_>) = (0..20).map(|_| pipe()).unzip();
        let writers: Vec<_> = writers.into_iter().map(shared).collect();
        driver.block_on(async {
            for (number, reader) in readers.iter().enumerate() {
                let received = received.clone();
                let hand_on = move |output| drop(received.unbounded_send((number, output)));
                let read = Read::new(reader.clone(), vec![0; 8], Position::Current);
                let mut read = pin!(driver.clone().submit(Rescued::new(read, hand_on)));
                poll_fn(|cx| {
                    assert!(read.as_mut().poll(cx).is_pending());
                    // It may have had to wait for room.
                    if read.is_in_flight() { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                read.detach();
            }
            assert_eq!(driver.counters().in_flight, 20);
            let answers: Vec<_> = writers
                .iter()
                .enumerate()
                .map(|(number, writer)| {
                    let write =
                        Write::new(writer.clone(), vec![number as u8; 3], Position::Current);
                    tasks.spawn(driver.clone().submit(write))
                })
                .collect();
            for answer in answers {
                assert_eq!(answer.await.0.unwrap(), 3);
            }
            let mut numbers = Vec::new();
            while numbers.len() < 20 {
                let (number, (count, bytes)) = messages.next().await.unwrap();
                assert_eq!((count.unwrap(), &bytes[..3]), (3, &[number as u8; 3][..]));
                numbers.push(number);
            }
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..20), "each is handed on once");
        });
        end(&driver);
    });
}

/// A task that wakes itself again and again is not all that runs.
#[test]
fn a_task_that_is_always_ready_keeps_neither_the_ring_nor_others_waiting() {
    let test = "a_task_that_is_always_ready_keeps_neither_the_ring_nor_others_waiting";
    in_time(move || {
        let Some((driver, tasks)) = tasks(test) else { return };
        let done = Rc::new(Cell::new(false));
        let busy = tasks.spawn({
            let done = done.clone();
            async move {
                while !done.get() {
                    yields().await;
                }
            }
        });
        let other = tasks.spawn({
            let driver = driver.clone();
            async move {
                driver.submit(Timeout::new(Duration::from_millis(1))).await.unwrap();
                done.set(true);
            }
        });
        driver.block_on(async {
            other.await;
            busy.await;
        });
        end(&driver);
    });
}

/// Messages go from thread to task to task and back; each waits for the one before.
#[test]
fn a_conversation_with_another_thread_goes_through_two_tasks() {
    let test = "a_conversation_with_another_thread_goes_through_two_tasks";
    const ROUNDS: u32 = 2_000;
    in_time(move || {
        let Some((driver, tasks)) = tasks(test) else { return };
        let (mut ask, mut asked) = mpsc::channel::<u32>(0);
        let (mut pass, mut passed) = mpsc::channel::<u32>(0);
        let (mut answer, mut answered) = mpsc::channel::<u32>(0);
        let other = thread::spawn(move || {
            futures::executor::block_on(async {
                for round in 0..ROUNDS {
                    ask.send(round).await.unwrap();
                    assert_eq!(answered.next().await, Some(round + 2));
                }
            });
        });
        let first = tasks.spawn(async move {
            while let Some(number) = asked.next().await {
                pass.send(number + 1).await.unwrap();
            }
        });
        let second = tasks.spawn(async move {
            while let Some(number) = passed.next().await {
                answer.send(number + 1).await.unwrap();
            }
        });
        driver.block_on(async {
            first.await;
            second.await;
        });
        other.join().unwrap();
        end(&driver);
    });
}

/// The inner call finds the outer task ready, and cannot poll it; the wake is not lost with that.
#[test]
fn a_task_that_is_woken_by_a_call_inside_of_it_is_polled_afterwards() {
    let test = "a_task_that_is_woken_by_a_call_inside_of_it_is_polled_afterwards";
    in_time(move || {
        let Some((driver, tasks)) = tasks(test) else { return };
        let inner = driver.clone();
        let mut polls = 0;
        let outer = tasks.spawn(poll_fn(move |cx| {
            polls += 1;
            if polls == 2 {
                return Poll::Ready(polls);
            }
            cx.waker().wake_by_ref();
            inner.block_on(inner.clone().submit(Nop)).unwrap();
            Poll::Pending
        }));
        assert_eq!(driver.block_on(outer), 2);
        end(&driver);
    });
}

/// Counts its drops.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_future_is_dropped_by_its_end_its_handle_or_with_its_set() {
    let test = "a_future_is_dropped_by_its_end_its_handle_or_with_its_set";
    let Some((driver, tasks)) = tasks(test) else { return };
    let others = LocalTasks::new(&driver);
    let drops = Rc::new(Cell::new(0));
    let counted = || Counted(drops.clone());
    let waits = |counted: Counted| async move {
        let _counted = counted;
        pending::<()>().await;
    };
    let ends = tasks.spawn({
        let counted = counted();
        async move { drop(counted) }
    });
    let held = tasks.spawn(waits(counted()));
    let dropped = tasks.spawn(waits(counted()));
    tasks.spawn(waits(counted())).detach();
    others.spawn(waits(counted())).detach();
    driver.block_on(ends);
    assert_eq!(drops.get(), 1);
    drop(dropped);
    assert_eq!(drops.get(), 2);
    driver.block_on(yields());
    drop(tasks);
    assert_eq!(drops.get(), 4);
    assert!(held.is_finished());
    catch_unwind(AssertUnwindSafe(|| driver.block_on(held))).unwrap_err();
    drop(others);
    assert_eq!(drops.get(), 5);
    end(&driver);
}

#[test]
fn a_task_may_drop_the_handle_of_itself() {
    let test = "a_task_may_drop_the_handle_of_itself";
    let Some((driver, tasks)) = tasks(test) else { return };
    let drops = Rc::new(Cell::new(0));
    let handle = Rc::new(RefCell::new(None));
    let task = tasks.spawn({
        let (handle, counted) = (handle.clone(), Counted(drops.clone()));
        async move {
            let _counted = counted;
            drop(handle.take());
            pending::<()>().await;
        }
    });
    *handle.borrow_mut() = Some(task);
    driver.block_on(yields());
    driver.block_on(yields());
    assert_eq!(drops.get(), 1);
    end(&driver);
}

#[test]
fn a_panic_goes_to_whoever_awaits_the_task() {
    let test = "a_panic_goes_to_whoever_awaits_the_task";
    let Some((driver, tasks)) = tasks(test) else { return };
    let bad = tasks.spawn(async { panic!("on purpose") });
    let nop = tasks.spawn(driver.clone().submit(Nop));
    driver.block_on(nop).unwrap();
    let seen = catch_unwind(AssertUnwindSafe(|| driver.block_on(bad))).unwrap_err();
    assert_eq!(seen.downcast_ref(), Some(&"on purpose"));
    end(&driver);
}

/// The seat that a waker names goes from task to task, and from driver to driver.
#[test]
fn a_waker_that_outlives_its_task_and_its_driver_harms_nobody() {
    let test = "a_waker_that_outlives_its_task_and_its_driver_harms_nobody";
    in_time(move || {
        let mut wakers: Vec<Waker> = Vec::new();
        for _ in 0..3 {
            let Some((driver, tasks)) = tasks(test) else { return };
            let waker = tasks.spawn(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
            wakers.push(driver.block_on(waker));
            let (send, receive) = oneshot::channel::<()>();
            let waits = tasks.spawn(receive);
            wakers.iter().for_each(Waker::wake_by_ref);
            let copies = wakers.clone();
            thread::spawn(move || copies.into_iter().for_each(Waker::wake)).join().unwrap();
            driver.block_on(driver.clone().submit(Nop)).unwrap();
            assert!(!waits.is_finished());
            send.send(()).unwrap();
            assert_eq!(driver.block_on(waits), Ok(()));
            end(&driver);
        }
        wakers.iter().for_each(Waker::wake_by_ref);
    });
}
