//! More operations than the queues of a local driver have room for.

use std::future::Future;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::Context;

use ringbahn_core::event::{EventExt, Interest, Nop, PollAdd, Position, Read, Write};
use ringbahn_core::{Drive, SharedFd, Submission};
use ringbahn_drivers::LocalDriver;

#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use local::{end, in_time};
use scene::{Wakes, pipe, shared};

fn read(driver: &LocalDriver, reader: &SharedFd) -> Submission<Read<[u8; 1]>, LocalDriver> {
    driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current))
}

#[test]
fn a_thousand_operations_are_in_flight_by_a_queue_of_one() {
    let test = "a_thousand_operations_are_in_flight_by_a_queue_of_one";
    for inside in [true, false] {
        in_time(move || {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            let (reader, mut writer) = pipe();
            let mut reads: Vec<_> = (0..1000).map(|_| read(&driver, &reader)).collect();
            let (wakes, waker) = Wakes::new();
            let mut start = || {
                for read in &mut reads {
                    let mut cx = Context::from_waker(&waker);
                    assert!(Pin::new(read).poll(&mut cx).is_pending());
                }
            };
            if inside {
                driver.block_on(async { start() });
            } else {
                start();
            }
            assert_eq!(driver.counters().in_flight, 1000);
            let data: Vec<u8> = (0..1000_u32).map(|number| (number % 251) as u8).collect();
            writer.write_all(&data).unwrap();
            let all = futures::future::join_all(reads);
            let received = driver.block_on(all).into_iter().map(|(_, buffer)| u32::from(buffer[0]));
            assert_eq!(received.sum::<u32>(), data.iter().map(|byte| u32::from(*byte)).sum());
            assert!(wakes.count() <= 1000);
            assert!(driver.counters().overflows > 0, "{:#?}", driver.counters());
            end(&driver);
        });
    }
}

#[test]
fn ten_thousand_completions_at_once_come_through_a_local_queue_of_two() {
    let test = "ten_thousand_completions_at_once_come_through_a_local_queue_of_two";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let (reader, mut writer) = pipe();
        let mut polls: Vec<_> = (0..10_000)
            .map(|_| driver.clone().submit(PollAdd::new(reader.clone(), Interest::READABLE)))
            .collect();
        polls.iter_mut().for_each(scene::start);
        // One byte makes all of them ready, from within one call.
        writer.write_all(&[0]).unwrap();
        for poll in polls {
            assert!(driver.block_on(poll).unwrap().is_readable());
        }
        let counters = driver.counters();
        assert!(counters.overflows > 0, "{counters:#?}");
        assert_eq!(counters.completed, 10_000);
        end(&driver);
    });
}

#[test]
fn a_local_chain_as_long_as_the_queue_goes_through_and_a_longer_one_comes_back() {
    let test = "a_local_chain_as_long_as_the_queue_goes_through_and_a_longer_one_comes_back";
    in_time(move || {
        let Some(driver) = local::driver(test, 2, 4) else { return };
        let file = shared(tempfile::tempfile().unwrap());
        driver.block_on(async {
            for _ in 0..50 {
                // An entry of another operation is in the queue already.
                let mut single = Box::pin(driver.clone().submit(Nop));
                let _ = local::poll_once(single.as_mut()).await;
                let write = Write::new(file.clone(), "whole", Position::At(0));
                let ((count, _), after) = driver.clone().submit(write.link(Nop)).await;
                assert_eq!(count.unwrap(), 5);
                after.unwrap();
                single.await.unwrap();

                let (reader, _writer) = pipe();
                let part =
                    |text: &[u8]| Read::new(reader.clone(), text.to_vec(), Position::Current);
                let long = part(b"first").link(part(b"second")).link(part(b"third"));
                let (((result, first), (_, second)), (_, third)) =
                    driver.clone().submit(long).await;
                let error = result.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
                assert!(error.to_string().contains("more entries"), "{error}");
                assert_eq!([first, second, third].concat(), b"firstsecondthird");
            }
        });
        assert_eq!(driver.counters().repeated, 0, "somebody else was stopped");
        end(&driver);
    });
}

#[test]
fn sizes_are_rounded_and_clamped() {
    let test = "sizes_are_rounded_and_clamped";
    let Some(driver) = local::driver(test, 0, 0) else { return };
    assert_eq!(driver.queue_sizes(), (1, 1));
    driver.block_on(driver.clone().submit(Nop)).unwrap();
    end(&driver);
    let huge = LocalDriver::builder().entries(u32::MAX).build().unwrap();
    huge.block_on(huge.clone().submit(Nop)).unwrap();
    end(&huge);
}

/// A thousand abandoned at once, each with a cancel of its own, by a queue of one.
#[test]
fn ten_thousand_local_operations_abandoned_at_once_are_all_given_back() {
    let test = "ten_thousand_local_operations_abandoned_at_once_are_all_given_back";
    for inside in [true, false] {
        in_time(move || {
            let Some(driver) = local::driver(test, 1, 2) else { return };
            let (reader, _writer) = pipe();
            let mut reads: Vec<_> = (0..10_000).map(|_| read(&driver, &reader)).collect();
            reads.iter_mut().for_each(scene::start);
            if inside {
                driver.block_on(async { drop(reads) });
            } else {
                drop(reads);
            }
            assert_eq!(driver.counters().in_flight, 0);
            end(&driver);
        });
    }
}
