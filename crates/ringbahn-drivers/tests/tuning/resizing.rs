//! Rings that are given queues of another size while operations are in flight.

use std::io::{self, Write as _};

use futures::future::join_all;
use ringbahn_core::event::{Nop, Position, Read};
use ringbahn_core::{Batch, Drive, SharedFd, Submission};
use ringbahn_drivers::{LocalDriver, Queues, RingMemory, Setup};

use crate::local::{end, in_time};
use crate::scene::{pipe, shared as file, start};
use crate::{known, local_here, local_with, shared, there_is};

fn read(driver: &LocalDriver, file: &SharedFd) -> Submission<Read<Vec<u8>>, LocalDriver> {
    driver.clone().submit(Read::new(file.clone(), vec![0; 8], Position::Current))
}

/// What is in flight ends after the ring has become larger, and after it has become smaller.
fn grows_and_shrinks(test: &str, driver: &LocalDriver) {
    let (reader, mut writer) = pipe();
    let zero = file(std::fs::File::open("/dev/zero").unwrap());
    for (entries, completions) in [(16, 64), (2, 8), (256, 1024), (1, 1), (4, 16)] {
        let mut waiting = read(driver, &reader);
        start(&mut waiting);
        let resized = driver.registrar().resize(entries, completions);
        let Some(()) = known(test, resized) else { return };
        assert_eq!(driver.queue_sizes(), (entries, completions));
        // More than fit in, so that all places are used.
        let nops = (0..100).map(|_| driver.clone().submit(Nop));
        let reads = (0..20).map(|_| read(driver, &zero));
        let (nops, reads) =
            driver.block_on(async { (join_all(nops).await, join_all(reads).await) });
        assert!(nops.into_iter().all(|nop| nop.is_ok()));
        assert!(reads.into_iter().all(|(count, data)| count.unwrap() == 8 && data == [0; 8]));
        writer.write_all(b"through").unwrap();
        let (count, data) = driver.block_on(waiting);
        assert_eq!((count.unwrap(), &data[..7]), (7, &b"through"[..]));
    }
    end(driver);
}

#[test]
fn what_is_in_flight_survives_larger_and_smaller_queues() {
    let test = "what_is_in_flight_survives_larger_and_smaller_queues";
    in_time(move || {
        let Some(driver) = local_here(test) else { return };
        grows_and_shrinks(test, &driver);
    });
}

#[test]
fn a_ring_in_memory_of_the_programs_own_is_resized_into_such() {
    let test = "a_ring_in_memory_of_the_programs_own_is_resized_into_such";
    in_time(move || {
        let own = |setup: Setup| setup.own_memory(RingMemory::Pages);
        let Some(driver) = local_with(test, own) else { return };
        grows_and_shrinks(test, &driver);
    });
}

#[test]
fn a_ring_is_resized_from_within_a_task_with_others_prepared() {
    let test = "a_ring_is_resized_from_within_a_task_with_others_prepared";
    in_time(move || {
        let Some(driver) = local_here(test) else { return };
        let resized = driver.block_on(async {
            let mut nops: Vec<_> = (0..3).map(|_| driver.clone().submit(Nop)).collect();
            // They are in the queue, and the kernel does not know of them yet.
            nops.iter_mut().for_each(start);
            let resized = driver.registrar().resize(32, 64);
            assert!(join_all(nops).await.into_iter().all(|nop| nop.is_ok()));
            resized
        });
        let Some(()) = known(test, resized) else { return };
        assert_eq!(driver.queue_sizes(), (32, 64));
        end(&driver);
    });
}

#[test]
fn a_ring_that_threads_share_keeps_its_size() {
    let test = "a_ring_that_threads_share_keeps_its_size";
    let Some(driver) = shared(test) else { return };
    let error = driver.registrar().resize(8, 16).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("LocalDriver"), "{error}");
    assert_eq!(driver.queue_sizes(), (4, 16));
}

#[test]
fn queues_that_hold_something_and_those_of_other_rings_are_refused() {
    let test = "queues_that_hold_something_and_those_of_other_rings_are_refused";
    let build = || {
        let setup = Setup::new(4).policy(ringbahn_drivers::Policy::Require);
        there_is(test, setup.build_local().map_err(io::Error::from))
    };
    let (Some(mut queues), Some(mut other)) = (build(), build()) else { return };
    let Queues { submission, completion, handle } = &mut queues;
    let resized = handle.resize(&mut other.submission, completion, 8, 16);
    assert_eq!(resized.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let resized = handle.resize(submission, &mut other.completion, 8, 16);
    assert_eq!(resized.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let Some(()) = known(test, handle.resize(submission, completion, 8, 16)) else { return };
    assert_eq!((handle.submission_entries(), handle.completion_entries()), (8, 16));
    assert_eq!(submission.capacity(), 8);
    let mut batch = Batch::default();
    assert_eq!(completion.reap(&mut batch, usize::MAX).count, 0);
}
