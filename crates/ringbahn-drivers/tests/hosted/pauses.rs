//! What fails at first and is tried again after a pause, by the driver's task and its clock.

use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::{EventExt, Nop, Position, Read};

use crate::hosts::{end, in_each, in_time, in_tokio, one_thread, threads_named};
use crate::scene::{in_child_with_enters, pipe};

#[test]
fn calls_that_fail_many_times_in_a_row_are_made_again_by_the_drivers_task() {
    let test = "pauses::calls_that_fail_many_times_in_a_row_are_made_again_by_the_drivers_task";
    in_child_with_enters("error=EBUSY:when=2..21", test, || {
        in_time(move || {
            one_thread().block_on(async {
                let driver = in_tokio(test, 1, 2).unwrap();
                for _ in 0..5 {
                    driver.clone().submit(Nop).await.unwrap();
                }
                assert!(driver.counters().failed_enters >= 20, "{:#?}", driver.counters());
                assert_eq!(threads_named("ringbahn-helper"), 0);
                end(&driver).await;
            });
        });
    });
}

/// The second part of a chain has not started, so that a cancel of it misses: it is tried again.
#[test]
fn a_cancel_that_misses_is_tried_again_after_a_pause() {
    let test = "a_cancel_that_misses_is_tried_again_after_a_pause";
    in_each(test, 2, 4, |driver| async move {
        for round in 0..20 {
            let ((first, mut first_writer), (second, _second_writer)) = (pipe(), pipe());
            let read = |reader| Read::new(reader, [0; 1], Position::Current);
            let mut chain = Box::pin(driver.clone().submit(read(first).link(read(second))));
            assert!(futures::poll!(chain.as_mut()).is_pending());
            if round % 2 == 0 {
                std::io::Write::write_all(&mut first_writer, &[7]).unwrap();
            }
            drop(chain);
            // On a clock of its own: nothing else may give the driver's task a turn.
            while driver.counters().in_flight > 0 {
                smol::Timer::after(Duration::from_millis(1)).await;
            }
        }
    });
}
