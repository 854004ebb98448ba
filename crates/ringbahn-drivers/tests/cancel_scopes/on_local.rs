//! Scopes, files and all operations on the driver of one thread.

use std::io::Write as _;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ringbahn_core::event::{Position, Read, Timeout};
use ringbahn_core::{CancelScope, Drive, Selection, SharedFd, Timers};
use ringbahn_drivers::LocalDriver;

use crate::canary;
use crate::local::{driver, end, in_time, poll_once, until_idle};
use crate::scene::pipe;
use crate::watched::Watched;

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_scope_on_a_local_driver_reports_exactly() {
    in_time(|| {
        let Some(driver) = driver("a_scope_on_a_local_driver_reports_exactly", 2, 4) else {
            return;
        };
        let ends = Arc::new(AtomicUsize::new(0));
        let scope = CancelScope::<LocalDriver>::new();
        let ((first, mut writer), (others, _others_writer)) = (pipe(), pipe());
        let mut reads: Vec<_> = (0..8)
            .map(|number| {
                let reader = if number == 0 { &first } else { &others };
                let event = Read::new(reader.clone(), Watched::new(&ends), Position::Current);
                Box::pin(driver.clone().submit(event).within(&scope))
            })
            .collect();
        driver.block_on(async {
            for read in &mut reads {
                assert!(poll_once(read.as_mut()).await.is_pending());
            }
            // Two go, and one ends.
            reads.truncate(6);
            writer.write_all(b"v").unwrap();
            assert_eq!(reads.remove(0).await.0.unwrap(), 1);
            assert_eq!(scope.members(), 5);
            let report = scope.cancel().await;
            assert_eq!((report.asked, report.cancelled, report.completed), (5, 5, 0));
            for read in reads {
                read.await.0.unwrap_err();
            }
        });
        until_idle(&driver);
        assert_eq!(ends.load(Ordering::SeqCst), 8);
        end(&driver);
        canary::inspect();
    });
}

#[test]
fn a_scope_is_cancelled_outside_of_block_on_as_well() {
    in_time(|| {
        let test = "a_scope_is_cancelled_outside_of_block_on_as_well";
        let Some(driver) = driver(test, 1, 2) else { return };
        let scope = Rc::new(CancelScope::<LocalDriver>::new());
        let mut timeouts: Vec<_> = (0..5)
            .map(|_| {
                let timeout = driver.clone().submit(Timeout::new(LONG));
                let mut timeout = Box::pin(timeout.within(&scope));
                crate::scene::start(&mut timeout);
                timeout
            })
            .collect();
        let cancelling = scope.cancel();
        assert_eq!(cancelling.so_far().asked, 5);
        let report = driver.block_on(cancelling);
        assert_eq!((report.cancelled, report.completed), (5, 0));
        for timeout in &mut timeouts {
            driver.block_on(timeout).unwrap_err();
        }
        end(&driver);
    });
}

#[test]
fn the_operations_on_a_file_and_all_of_a_local_driver_are_told_to_stop() {
    in_time(|| {
        let test = "the_operations_on_a_file_and_all_of_a_local_driver_are_told_to_stop";
        let Some(driver) = driver(test, 2, 4) else { return };
        let ((one, _one_writer), (other, _other_writer)) = (pipe(), pipe());
        let read = |file: &SharedFd| {
            let event = Read::new(file.clone(), vec![0; 1], Position::Current);
            Box::pin(driver.clone().submit(event))
        };
        driver.block_on(async {
            let mut reads = [read(&one), read(&one), read(&other)];
            for read in &mut reads {
                assert!(poll_once(read.as_mut()).await.is_pending());
            }
            let selection = Selection::of_file(&one);
            let report = pin!(driver.clone()).cancel_selected(&selection).unwrap().await;
            assert_eq!((report.asked, report.cancelled), (2, 2));
            // The bell by which the thread is woken is none of them.
            let report = driver.cancel_all().unwrap().await;
            assert_eq!((report.asked, report.cancelled), (1, 1));
            for read in reads {
                read.await.0.unwrap_err();
            }
        });
        end(&driver);
    });
}

#[test]
fn sleeps_on_a_local_driver_go_on_when_all_operations_are_told_to_stop() {
    in_time(|| {
        let test = "sleeps_on_a_local_driver_go_on_when_all_operations_are_told_to_stop";
        let Some(driver) = driver(test, 2, 4) else { return };
        let timers = Timers::on(driver.clone());
        let mut sleep = pin!(timers.sleep(Duration::from_millis(50)));
        driver.block_on(async {
            assert!(poll_once(sleep.as_mut()).await.is_pending());
            let report = driver.cancel_all().unwrap().await;
            assert_eq!((report.asked, report.cancelled), (1, 1));
            sleep.as_mut().await.unwrap();
        });
        assert!(sleep.deadline().has_passed());
        end(&driver);
    });
}
