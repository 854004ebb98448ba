//! Which shard a submission goes to.

use std::sync::Barrier;
use std::thread;

use ringbahn_core::Drive;
use ringbahn_core::event::{AsyncCancel, Nop};
use ringbahn_drivers::ShardedDriver;

use crate::driven::{self, end};
use crate::driver;
use crate::scene::{descriptors, in_child, pipe, run, start, threads, until};

/// How many operations each shard has been given.
fn submitted(driver: &ShardedDriver) -> Vec<u64> {
    driver.shard_counters().iter().map(|shard| shard.submitted).collect()
}

#[test]
fn more_shards_than_there_can_be_processors_are_refused_before_any_is_made() {
    for shards in [8193, usize::MAX] {
        let Err(error) = ShardedDriver::builder().shards(shards).build() else {
            panic!("{shards} shards were made");
        };
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with(&format!("{shards} shards are more")), "{error}");
    }
}

#[test]
fn threads_that_live_at_a_time_use_a_shard_each() {
    // In a process of its own: threads of other tests have numbers, too.
    let test = "shards::threads_that_live_at_a_time_use_a_shard_each";
    in_child(test, || {
        let driver = driver(test, 4, 1, 2).unwrap();
        let barrier = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                let (driver, barrier) = (driver.anywhere(), &barrier);
                scope.spawn(move || {
                    run(driver.clone().submit(Nop)).unwrap();
                    barrier.wait();
                    (0..99).for_each(|_| run(driver.clone().submit(Nop)).unwrap());
                });
            }
        });
        assert_eq!(submitted(&driver), [100; 4]);
        end(&driver);
    });
}

#[test]
fn threads_that_come_and_go_do_not_use_the_numbers_up() {
    let test = "shards::threads_that_come_and_go_do_not_use_the_numbers_up";
    in_child(test, || {
        let driver = driver(test, 3, 1, 2).unwrap();
        run(driver.clone().submit(Nop)).unwrap();
        for _ in 0..20 {
            thread::scope(|scope| {
                scope.spawn(|| run((&driver).submit(Nop)).unwrap()).join().unwrap();
            });
        }
        assert_eq!(submitted(&driver), [1, 20, 0]);
        assert_eq!(driver.here().home(), Some(0));
        // Two are helpers, of the shards that were used.
        until("only helpers are left", || threads() <= 2 + 2);
        end(&driver);
    });
}

#[test]
fn a_handle_that_sticks_to_a_shard_does_so_wherever_it_is_used() {
    let test = "a_handle_that_sticks_to_a_shard_does_so_wherever_it_is_used";
    let Some(driver) = driver(test, 3, 1, 2) else { return };
    assert_eq!((driver.shards(), driver.home()), (3, None));
    assert_eq!(driver.queue_sizes(), (1, 2));
    for number in 0..3 {
        let handle = driver.shard(number);
        assert_eq!((handle.home(), handle.clone().home()), (Some(number), Some(number)));
        assert_eq!(handle.anywhere().home(), None);
        let other = handle.clone();
        thread::spawn(move || run(other.submit(Nop)).unwrap()).join().unwrap();
        run(handle.submit(Nop)).unwrap();
    }
    assert_eq!(submitted(&driver), [2; 3]);
    let here = driver.here();
    let home = here.home().unwrap();
    thread::spawn(move || run(here.submit(Nop)).unwrap()).join().unwrap();
    assert_eq!(submitted(&driver)[home], 3);
    end(&driver);
}

#[test]
fn there_is_a_shard_for_each_processor_unless_told_otherwise() {
    let test = "there_is_a_shard_for_each_processor_unless_told_otherwise";
    if driver(test, 1, 1, 2).is_none() {
        return;
    }
    let processors = thread::available_parallelism().unwrap().get();
    let driver = ShardedDriver::builder().entries(1).build().unwrap();
    assert_eq!(driver.shards(), processors);
    let told = ShardedDriver::builder().shards(0).entries(1).build().unwrap();
    assert_eq!(told.shards(), 1);
}

#[test]
#[should_panic(expected = "there is no shard 2: the driver has 2")]
fn there_is_no_shard_behind_the_last() {
    let Some(driver) = driver("there_is_no_shard_behind_the_last", 2, 1, 2) else {
        panic!("there is no shard 2: the driver has 2");
    };
    driver.shard(2);
}

#[test]
fn a_cancel_by_way_of_the_queue_finds_its_shard() {
    let test = "a_cancel_by_way_of_the_queue_finds_its_shard";
    let Some(driver) = driver(test, 3, 2, 4) else { return };
    let (reader, _writer) = pipe();
    for number in 0..3 {
        let mut read = driven::read(&driver.shard(number), &reader);
        start(&mut read);
        let target = read.cancel_target().unwrap();
        let wrong = driver.shard((number + 1) % 3);
        let missed = run(wrong.submit(AsyncCancel::new(target.clone())));
        assert_eq!(missed.unwrap_err().kind(), std::io::ErrorKind::NotFound);
        let right = driver.shard_of(&target).unwrap();
        assert_eq!(right.home(), Some(number));
        run(right.submit(AsyncCancel::new(target))).unwrap();
        assert_eq!(run(read).0.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }
    let Some(other) = crate::driver(test, 1, 2, 4) else { return };
    let mut read = driven::read(&other, &reader);
    start(&mut read);
    assert!(driver.shard_of(&read.cancel_target().unwrap()).is_none());
    drop(read);
    end(&other);
    end(&driver);
}

#[test]
fn what_was_built_is_given_back_with_the_last_handle() {
    let test = "shards::what_was_built_is_given_back_with_the_last_handle";
    in_child(test, || {
        drop(driver(test, 1, 1, 2));
        let before = (descriptors(), threads());
        let driver = driver(test, 3, 1, 2).unwrap();
        let sticking = driver.shard(2);
        (0..3).for_each(|number| run(driver.shard(number).submit(Nop)).unwrap());
        drop(driver);
        run(sticking.clone().submit(Nop)).unwrap();
        run(sticking.shard(0).submit(Nop)).unwrap();
        let (reader, _writer) = pipe();
        let mut read = driven::read(&sticking, &reader);
        start(&mut read);
        drop(sticking);
        drop(read);
        drop((reader, _writer));
        until("all is given back", || (descriptors(), threads()) == before);
    });
}
