//! What any driver does, on several rings.

use std::io::Write as _;
use std::sync::Arc;
use std::thread;

use async_executor::Executor;
use futures::future::join_all;
use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read};

use crate::driven::{self, end, until_idle};
use crate::driver;
use crate::scene::{in_child, pipe, run, shared};

#[test]
fn data_goes_through_files_and_sockets() {
    let Some(driver) = driver("data_goes_through_files_and_sockets", 2, 8, 16) else { return };
    driven::data_goes_through(&driver);
    driven::chains_run_in_order(&driver);
    end(&driver);
}

#[test]
fn a_cancel_gives_everything_back() {
    let Some(driver) = driver("a_cancel_gives_everything_back", 2, 1, 2) else { return };
    driven::cancels_give_everything_back(&driver);
    end(&driver);
}

#[test]
fn dropped_operations_leave_nothing() {
    let Some(driver) = driver("dropped_operations_leave_nothing", 3, 1, 2) else { return };
    driven::dropped_operations_leave_nothing(&driver);
    end(&driver);
}

#[test]
fn as_many_as_fit_and_more_all_complete() {
    let Some(driver) = driver("as_many_as_fit_and_more_all_complete", 2, 1, 2) else { return };
    driven::more_than_fit_all_complete(&driver, 40);
    assert!(driver.counters().overflows > 0, "40 completions fit into 2 places");
    driven::who_waits_for_room_is_woken(&driver);
    end(&driver);
}

#[test]
fn threads_do_thousands_of_operations() {
    for (shards, entries) in [(1, 1), (2, 1), (4, 4)] {
        let test = "threads_do_thousands_of_operations";
        let Some(driver) = driver(test, shards, entries, 2 * entries) else { return };
        driven::threads_do_thousands(&driver, 4, 500);
        let each = driver.shard_counters();
        assert_eq!(each.len(), shards);
        let sum = each.iter().map(|shard| shard.completed).sum::<u64>();
        assert_eq!(sum, driver.counters().completed);
        end(&driver);
    }
}

#[test]
fn tasks_of_an_executor_that_steals_work_lose_nothing() {
    let test = "tasks_of_an_executor_that_steals_work_lose_nothing";
    let Some(driver) = driver(test, 3, 2, 4) else { return };
    let executor = Arc::new(Executor::new());
    let (stop, stopped) = async_stop();
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            thread::spawn(move || run(executor.run(stopped)))
        })
        .collect();
    let zero = shared(std::fs::File::open("/dev/zero").unwrap());
    let tasks = (0..100).map(|_| {
        let (driver, zero) = (driver.anywhere(), zero.clone());
        executor.spawn(async move {
            for _ in 0..30 {
                // A pipe makes it wait, so that it may go on elsewhere.
                let (reader, mut writer) = pipe();
                let read = Read::new(reader, [0; 1], Position::Current);
                let mut read = driver.clone().submit(read);
                assert!(futures::poll!(&mut read).is_pending());
                let other = Read::new(zero.clone(), [1; 16], Position::At(0));
                assert_eq!(driver.clone().submit(other).await.1, [0; 16]);
                writer.write_all(b"x").unwrap();
                assert_eq!(read.await.1, *b"x");
                driver.clone().submit(Nop).await.unwrap();
            }
        })
    });
    run(join_all(tasks.collect::<Vec<_>>()));
    drop(stop);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    until_idle(&driver);
    assert_eq!(driver.counters().completed, 100 * 30 * 3);
    end(&driver);
}

/// A future that is ready when what comes with it is dropped.
fn async_stop() -> (impl Drop, impl Future<Output = ()> + Clone + Send + 'static) {
    use futures::FutureExt as _;
    struct Stop(Option<futures::channel::oneshot::Sender<()>>);
    impl Drop for Stop {
        fn drop(&mut self) {
            let _ = self.0.take().map(|sender| sender.send(()));
        }
    }
    let (sender, receiver) = futures::channel::oneshot::channel();
    (Stop(Some(sender)), receiver.map(drop).shared())
}

#[test]
fn a_shutdown_sums_up_what_the_shards_have_stopped() {
    let test = "a_shutdown_sums_up_what_the_shards_have_stopped";
    let Some(driver) = driver(test, 3, 4, 8) else { return };
    let (reader, _writer) = pipe();
    let mut reads: Vec<_> =
        (0..7).map(|number| driven::read(&driver.shard(number % 3), &reader)).collect();
    reads.iter_mut().for_each(crate::scene::start);
    let in_flight: Vec<u64> = driver.shard_counters().iter().map(|shard| shard.in_flight).collect();
    assert_eq!(in_flight, [3, 2, 2]);
    let report = end(&driver);
    assert_eq!((report.completed, report.cancelled, report.leaked), (0, 7, 0));
    for number in 0..3 {
        let refused = run(driver.shard(number).submit(Nop)).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::NotConnected);
    }
    for (result, _) in run(join_all(reads)) {
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }
}

#[test]
fn a_shutdown_of_shards_that_nobody_has_used_is_ready_at_once() {
    let test = "a_shutdown_of_shards_that_nobody_has_used_is_ready_at_once";
    let Some(driver) = driver(test, 3, 1, 2) else { return };
    driven::a_shutdown_counts_what_it_stops(&driver.shard(1), 4);
    let Some(unused) = crate::driver(test, 2, 1, 2) else { return };
    assert_eq!(end(&unused), ringbahn_drivers::Report::default());
}

#[test]
fn a_forked_child_is_refused_and_does_no_harm() {
    let test = "operations::a_forked_child_is_refused_and_does_no_harm";
    in_child(test, || {
        let driver = driver(test, 3, 4, 8).unwrap();
        crate::forked::a_child_is_refused_and_does_no_harm(&driver);
    });
}
