//! What any driver does, through a queue that a thread of the kernel empties.

use std::io::Write as _;
use std::thread;

use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read};

use crate::driven::{self, end};
use crate::driver;
use crate::scene::{in_child, pipe, run, start};

#[test]
fn data_goes_through_files_and_sockets() {
    let Some(driver) = driver("data_goes_through_files_and_sockets", 8, 16) else { return };
    driven::data_goes_through(&driver);
    driven::chains_run_in_order(&driver);
    end(&driver);
}

#[test]
fn a_cancel_gives_everything_back() {
    let Some(driver) = driver("a_cancel_gives_everything_back", 1, 2) else { return };
    driven::cancels_give_everything_back(&driver);
    end(&driver);
}

#[test]
fn dropped_operations_leave_nothing() {
    let Some(driver) = driver("dropped_operations_leave_nothing", 8, 8) else { return };
    driven::dropped_operations_leave_nothing(&driver);
    end(&driver);
}

#[test]
fn threads_do_thousands_of_operations() {
    let Some(driver) = driver("threads_do_thousands_of_operations", 4, 8) else { return };
    driven::threads_do_thousands(&driver, 3, 500);
    end(&driver);
}

#[test]
fn a_shutdown_counts_what_it_stops() {
    let Some(driver) = driver("a_shutdown_counts_what_it_stops", 8, 16) else { return };
    driven::a_shutdown_counts_what_it_stops(&driver, 5);
}

#[test]
fn a_submitter_that_exits_stops_nothing() {
    let Some(driver) = driver("a_submitter_that_exits_stops_nothing", 8, 16) else { return };
    let (reader, mut writer) = pipe();
    for round in 0..20_u8 {
        let mut read = driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));
        let read = thread::spawn(move || {
            start(&mut read);
            read
        });
        let read = read.join().unwrap();
        // It is in the kernel by now, or will be before this.
        run(driver.clone().submit(Nop)).unwrap();
        writer.write_all(&[round]).unwrap();
        let (count, data) = run(read);
        assert_eq!((count.unwrap(), data), (1, [round]));
    }
    assert_eq!(driver.counters().repeated, 0, "an operation went with its thread");
    end(&driver);
}

#[test]
fn a_borrowed_handle_drives_as_well() {
    let Some(driver) = driver("a_borrowed_handle_drives_as_well", 8, 16) else { return };
    run((&driver).submit(Nop)).unwrap();
    let (reader, _writer) = pipe();
    let mut read = (&driver).submit(Read::new(reader, [0; 1], Position::Current));
    start(&mut read);
    assert!(run(read.cancel()).is_cancelled());
    end(&driver);
}

#[test]
fn a_forked_child_is_refused_and_does_no_harm() {
    let test = "operations::a_forked_child_is_refused_and_does_no_harm";
    in_child(test, || {
        let driver = driver(test, 4, 8).unwrap();
        crate::forked::a_child_is_refused_and_does_no_harm(&driver);
    });
}
