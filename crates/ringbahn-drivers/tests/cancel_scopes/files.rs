//! The operations on one file.

use std::io::Write as _;
use std::pin::{Pin, pin};

use ringbahn_core::event::{EventExt, Interest, PollAdd, Position, Read, Timeout};
use ringbahn_core::{Cancelling, Drive, Selection, SharedFd};
use ringbahn_drivers::SharedDriver;
use std::time::Duration;

use crate::scene::{end, pipe, poll_once, run, start, until};
use crate::skip;

const LONG: Duration = Duration::from_secs(3600);

fn cancel(driver: &SharedDriver, file: &SharedFd) -> Cancelling {
    pin!(driver.clone()).cancel_selected(&Selection::of_file(file)).unwrap()
}

#[test]
fn the_operations_on_a_file_are_told_to_stop_and_no_others() {
    let test = "the_operations_on_a_file_are_told_to_stop_and_no_others";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let ((one, _one_writer), (other, mut other_writer)) = (pipe(), pipe());
    let read = |file: &SharedFd| {
        let event = Read::new(file.clone(), vec![0; 1], Position::Current);
        let mut read = Box::pin(driver.clone().submit(event));
        start(&mut read);
        read
    };
    let mut on_one: Vec<_> = (0..5).map(|_| read(&one)).collect();
    let mut on_other = read(&other);
    let mut ready = Box::pin(driver.clone().submit(PollAdd::new(one.clone(), Interest::READABLE)));
    start(&mut ready);
    let mut timeout = Box::pin(driver.clone().submit(Timeout::new(LONG)));
    start(&mut timeout);

    let report = run(cancel(&driver, &one));
    assert_eq!((report.asked, report.cancelled, report.completed), (6, 6, 0));
    for read in &mut on_one {
        let (result, buffer) = run(read);
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        assert_eq!(buffer, [0]);
    }
    run(ready).unwrap_err();
    assert!(poll_once(on_other.as_mut()).is_pending() && poll_once(timeout.as_mut()).is_pending());
    other_writer.write_all(b"y").unwrap();
    assert_eq!(run(on_other).1, b"y");
    assert_eq!(run(cancel(&driver, &one)).asked, 0);
    // Not for ever: the next operation on the file is none of them.
    let mut next = read(&one);
    assert!(poll_once(next.as_mut()).is_pending());
    end(&driver);
}

#[test]
fn a_chain_on_one_file_is_told_to_stop_and_one_on_two_files_is_not() {
    let test = "a_chain_on_one_file_is_told_to_stop_and_one_on_two_files_is_not";
    let Some(driver) = skip::driver(test, 4, 8) else { return };
    let ((one, mut one_writer), (other, mut other_writer)) = (pipe(), pipe());
    let read = |file: &SharedFd| Read::new(file.clone(), vec![0; 1], Position::Current);
    let mut own = Box::pin(driver.clone().submit(read(&one).link(read(&one))));
    start(&mut own);
    let mut mixed = Box::pin(driver.clone().submit(read(&one).link(read(&other))));
    start(&mut mixed);
    let report = run(cancel(&driver, &one));
    assert_eq!((report.asked, report.cancelled, report.completed), (1, 1, 0));
    let ((first, _), (second, _)) = run(own);
    assert!(first.is_err() && second.is_err());
    one_writer.write_all(b"1").unwrap();
    other_writer.write_all(b"2").unwrap();
    let ((_, first), (_, second)) = run(mixed);
    assert_eq!((&first[..], &second[..]), (&b"1"[..], &b"2"[..]));
    end(&driver);
}

#[test]
fn a_detached_operation_on_the_file_runs_to_its_end() {
    let test = "a_detached_operation_on_the_file_runs_to_its_end";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (reader, mut writer) = pipe();
    let event = Read::new(reader.clone(), vec![0; 1], Position::Current);
    let mut detached = Box::pin(driver.clone().submit(event));
    start(&mut detached);
    detached.as_mut().detach();
    assert_eq!(run(cancel(&driver, &reader)).asked, 0);
    assert_eq!(driver.counters().in_flight, 1);
    writer.write_all(b"z").unwrap();
    until("it has ended", || driver.counters().in_flight == 0);
    end(&driver);
}

#[test]
fn a_number_that_another_file_has_now_does_not_stop_operations_on_the_former() {
    let test = "a_number_that_another_file_has_now_does_not_stop_operations_on_the_former";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (reader, mut writer) = pipe();
    let event = Read::new(reader.clone(), vec![0; 1], Position::Current);
    let mut read = driver.clone().submit(event);
    start(&mut read);
    // The operation keeps its descriptor, so this one has another number.
    drop(reader);
    let (other, _other_writer) = pipe();
    assert_eq!(run(cancel(&driver, &other)).asked, 0);
    writer.write_all(b"w").unwrap();
    assert_eq!(run(Pin::new(&mut read)).1, b"w");
    end(&driver);
}

#[test]
fn a_driver_that_cannot_do_it_says_so_and_stops_nothing() {
    #[derive(Clone)]
    struct Plain(SharedDriver);

    impl Drive for Plain {
        type Sharing = ringbahn_core::Shared;

        fn poll_prepare<'cx>(
            mut self: Pin<&mut Self>,
            cx: &mut std::task::Context<'cx>,
            count: u32,
            prepare: impl FnOnce(
                ringbahn_core::Reservation<'_>,
                &mut std::task::Context<'cx>,
            ) -> ringbahn_core::Completion<'cx>,
        ) -> std::task::Poll<std::io::Result<ringbahn_core::Completion<'cx>>> {
            Pin::new(&mut self.0).poll_prepare(cx, count, prepare)
        }

        fn poll_submit(
            mut self: Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<std::io::Result<u32>> {
            Pin::new(&mut self.0).poll_submit(cx)
        }

        fn cancel(mut self: Pin<&mut Self>, target: ringbahn_core::CancelTarget) {
            Pin::new(&mut self.0).cancel(target);
        }
    }

    let test = "a_driver_that_cannot_do_it_says_so_and_stops_nothing";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (reader, _writer) = pipe();
    let plain = Plain(driver.clone());
    let event = Read::new(reader.clone(), vec![0; 1], Position::Current);
    let mut read = plain.clone().submit(event);
    start(&mut read);
    for selection in [Selection::all(), Selection::of_file(&reader)] {
        let error = pin!(plain.clone()).cancel_selected(&selection).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    }
    assert!(poll_once(Pin::new(&mut read)).is_pending());
    assert_eq!(driver.counters().cancelled, 0);
    drop(read);
    end(&driver);
}
