//! The room that chains take: always next to each other, or not at all.

use std::io::ErrorKind;

use futures::future::join_all;
use ringbahn_core::event::{EventExt, Nop};
use ringbahn_drivers::TooLong;

use crate::subject::{Runs, on_all};

fn fills<D: Runs>(driver: &D) {
    for _ in 0..50 {
        // One more each time, so that the chain begins at every place of the queue.
        driver.run(driver.clone().submit(Nop)).unwrap();
        let chain = Nop.link(Nop).then(Nop).link(Nop);
        let (((first, second), third), fourth) = driver.run(driver.clone().submit(chain));
        for result in [first, second, third, fourth] {
            result.unwrap();
        }
    }
}

#[test]
fn a_chain_of_as_many_entries_as_the_queue_has_fits() {
    on_all!("a_chain_of_as_many_entries_as_the_queue_has_fits", 4, fills);
}

fn is_too_long<D: Runs>(driver: &D) {
    let chain = Nop.stepped().then(Nop.then(Nop)).link(Nop.link(Nop).stepped());
    let ((first, (second, third)), rest) = driver.run(driver.clone().submit(chain));
    assert!(!first.has_run() && !rest.has_run());
    let error = first.into_output().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let reason = error.get_ref().unwrap().downcast_ref::<TooLong>().unwrap();
    assert_eq!((reason.entries(), reason.capacity()), (5, 4));
    assert!(second.is_err() && third.is_err());
    assert_eq!(driver.counted().submitted, 0);
    driver.run(driver.clone().submit(Nop)).unwrap();
}

#[test]
fn a_chain_that_no_queue_of_the_driver_can_take_is_an_error_that_says_so() {
    on_all!("a_chain_that_no_queue_of_the_driver_can_take", 4, is_too_long);
}

fn crowd<D: Runs>(driver: &D) {
    for _ in 0..20 {
        let singles = join_all((0..7).map(|_| driver.clone().submit(Nop)));
        let pairs = join_all((0..7).map(|_| driver.clone().submit(Nop.then(Nop))));
        let triples = join_all((0..7).map(|_| driver.clone().submit(Nop.then(Nop).link(Nop))));
        let all = futures::future::join3(triples, singles, pairs);
        let (triples, singles, pairs) = driver.run(all);
        singles.into_iter().for_each(|result| result.unwrap());
        for (first, second) in pairs {
            first.and(second).unwrap();
        }
        for ((first, second), third) in triples {
            first.and(second).and(third).unwrap();
        }
    }
}

/// A chain that was torn apart would link a stranger's entry, whose end it would take for its own.
#[test]
fn chains_and_single_operations_wait_for_room_and_are_never_mixed() {
    on_all!("chains_and_single_operations_wait_for_room", 4, crowd);
}
