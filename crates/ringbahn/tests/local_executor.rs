//! Tasks and driver of one thread in one value.
//!
//! Goal: tasks run beside each other without being `Send`, and when the executor goes, they go, and
//! the driver comes to its end, whatever was in flight.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::pending;
use std::io::{Read, Seek};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use futures::AsyncWriteExt;
use futures::channel::oneshot;
use ringbahn::event::{Nop, Timeout};
use ringbahn::{Drive, LocalDriver, LocalExecutor, Ring};

#[path = "support/support.rs"]
mod support;
use support::{connection, file, is_held, local_driver, referent};

fn executor(test: &str) -> Option<LocalExecutor> {
    local_driver(test).map(LocalExecutor::with_driver)
}

fn read(stream: TcpStream, driver: &LocalDriver) -> Ring<TcpStream, LocalDriver> {
    Ring::new_on_driver(stream, driver.clone())
}

#[test]
fn tasks_share_what_is_not_send() {
    let Some(executor) = executor("tasks_share_what_is_not_send") else { return };
    let sum = Rc::new(Cell::new(0));
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let (sum, driver) = (sum.clone(), executor.driver().clone());
            executor.spawn(async move {
                driver.submit(Nop).await.unwrap();
                sum.set(sum.get() + number);
            })
        })
        .collect();
    executor.block_on(async {
        for task in tasks {
            task.await;
        }
    });
    assert_eq!(sum.get(), 4950);
    assert_eq!(executor.driver().counters().completed, 100);
}

#[test]
fn a_task_starts_others() {
    let Some(executor) = executor("a_task_starts_others") else { return };
    let spawner = executor.spawner();
    let driver = executor.driver().clone();
    let task = executor.spawn(async move {
        let inner = spawner.clone().spawn(async move {
            let nop = driver.submit(Nop);
            spawner.spawn(nop).await.unwrap();
            3
        });
        inner.await + 4
    });
    assert_eq!(executor.block_on(task), 7);
}

#[test]
fn a_task_stands_still_between_two_runs() {
    let Some(executor) = executor("a_task_stands_still_between_two_runs") else { return };
    let (send, receive) = oneshot::channel();
    let task = executor.spawn(async { receive.await.unwrap() });
    let driver = executor.driver().clone();
    executor.block_on(driver.submit(Nop)).unwrap();
    assert!(!task.is_finished());
    send.send(5).unwrap();
    assert!(!task.is_finished());
    assert_eq!(executor.block_on(task), 5);
}

#[test]
fn another_thread_wakes_a_task() {
    let Some(executor) = executor("another_thread_wakes_a_task") else { return };
    let (ask, asked) = oneshot::channel();
    let (answer, answered) = oneshot::channel();
    let other = thread::spawn(|| answer.send(futures::executor::block_on(asked).unwrap() + 1));
    let task = executor.spawn(async {
        ask.send(1).unwrap();
        answered.await.unwrap()
    });
    assert_eq!(executor.block_on(task), 2);
    other.join().unwrap().unwrap();
}

/// Notes that it was dropped.
struct Note(&'static str, Rc<RefCell<Vec<&'static str>>>);

impl Drop for Note {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

#[test]
fn a_task_is_cancelled_with_its_handle_unless_it_is_detached() {
    let name = "a_task_is_cancelled_with_its_handle_unless_it_is_detached";
    let Some(executor) = executor(name) else { return };
    let notes = Rc::default();
    let task = |name| {
        let note = Note(name, Rc::clone(&notes));
        executor.spawn(async move {
            let _note = note;
            pending::<()>().await;
        })
    };
    drop(task("dropped"));
    task("detached").detach();
    let cancelled = task("cancelled");
    let driver = executor.driver().clone();
    executor.block_on(async {
        assert_eq!(cancelled.cancel().await, None);
        driver.submit(Timeout::new(Duration::from_millis(1))).await.unwrap();
    });
    notes.borrow_mut().sort_unstable();
    assert_eq!(*notes.borrow(), ["cancelled", "dropped"]);
    drop(executor);
    assert_eq!(*notes.borrow(), ["cancelled", "dropped", "detached"]);
}

#[test]
fn with_the_executor_its_tasks_go_and_then_the_driver_winds_up() {
    let name = "with_the_executor_its_tasks_go_and_then_the_driver_winds_up";
    let Some(executor) = executor(name) else { return };
    let notes = Rc::default();
    let (near, mut far) = connection();
    let held = referent(&near).unwrap();
    let near = read(near, executor.driver());
    let (started, has_started) = oneshot::channel();
    let (note, spawner) = (Note("task", Rc::clone(&notes)), executor.spawner());
    // It holds what it was started with, as a server does that starts more tasks.
    let task = executor.spawn(async move {
        let _note = (note, spawner);
        started.send(()).unwrap();
        let (result, _) = near.recv(vec![0; 8]).await;
        result.unwrap()
    });
    executor.block_on(has_started).unwrap();
    executor.block_on(executor.driver().clone().submit(Nop)).unwrap();
    assert_eq!(executor.driver().counters().in_flight, 1);

    let begin = Instant::now();
    drop(executor);
    assert!(begin.elapsed() < LocalDriver::WIND_UP_TIME / 2);
    assert_eq!(*notes.borrow(), ["task"]);
    assert!(!is_held(&held));
    assert_eq!(far.read(&mut [0]).unwrap(), 0);
    // There is nothing it could yield.
    let run = || futures::executor::block_on(task);
    catch_unwind(AssertUnwindSafe(run)).unwrap_err();
}

#[test]
fn what_a_task_has_written_is_written_also_where_it_is_dropped() {
    let name = "what_a_task_has_written_is_written_also_where_it_is_dropped";
    let Some(executor) = executor(name) else { return };
    let mut object = file(b"");
    let driver = executor.driver().clone();
    let copy = object.try_clone().unwrap();
    let (written, has_written) = oneshot::channel();
    let task = async move {
        let mut file: Ring<File, _> = Ring::new_on_driver(copy, driver);
        file.write_all(&[7; 100_000]).await.unwrap();
        written.send(()).unwrap();
        pending::<()>().await;
    };
    executor.spawn(task).detach();
    executor.block_on(has_written).unwrap();
    drop(executor);
    let mut contents = Vec::new();
    object.rewind().unwrap();
    object.read_to_end(&mut contents).unwrap();
    assert!(contents == [7; 100_000]);
}

#[test]
fn a_spawner_that_outlives_its_executor_drops_what_it_is_given() {
    let name = "a_spawner_that_outlives_its_executor_drops_what_it_is_given";
    let Some(executor) = executor(name) else { return };
    let spawner = executor.spawner();
    drop(executor);
    let notes = Rc::default();
    let note = Note("given", Rc::clone(&notes));
    let task = spawner.spawn(async move { drop(note) });
    assert_eq!(*notes.borrow(), ["given"]);
    let run = || futures::executor::block_on(task);
    catch_unwind(AssertUnwindSafe(run)).unwrap_err();
}

#[test]
fn a_panic_of_a_task_is_seen_and_harms_nobody_else() {
    let Some(executor) = executor("a_panic_of_a_task_is_seen_and_harms_nobody_else") else {
        return;
    };
    let other = executor.spawn(async { 9 });
    let bad = executor.spawn(async { panic!("on purpose") });
    let run = || executor.block_on(bad);
    catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(executor.block_on(other), 9);
}
