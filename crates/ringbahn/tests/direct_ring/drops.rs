//! Handles that are dropped or told to stop with operations in flight.

use std::io::Read as _;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use futures::io::{AsyncReadExt, AsyncWriteExt};
use ringbahn::event::Timeout;

use crate::streams::half_pair;
use crate::{Slotted, in_slots, on_two_drivers, wait_until_closed};

on_two_drivers! {
    reads, a_dropped_handle_closes_its_slot_with_a_read_in_flight,
        a_dropped_handle_closes_its_slot_with_a_read_in_flight_locally;
    writes, a_write_in_flight_is_finished_before_its_slot_is_closed,
        a_write_in_flight_is_finished_before_its_slot_is_closed_locally;
    stops, what_is_in_flight_on_a_slot_is_stopped, what_is_in_flight_on_a_slot_is_stopped_locally;
}

fn reads<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        for by_traits in [true, false] {
            let (mut near, mut far) = half_pair(driver, table);
            driver.run(async {
                let mut buffer = [0; 8];
                if by_traits {
                    assert!(futures::poll!(near.read(&mut buffer)).is_pending());
                } else {
                    assert!(futures::poll!(pin!(near.recv([0; 8]))).is_pending());
                }
            });
            drop(near);
            // The slot is needed for the next one.
            wait_until_closed(driver, table);
            assert_eq!(far.read(&mut [0; 1]).unwrap(), 0);
        }
    });
}

fn writes<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let (mut near, mut far) = half_pair(driver, table);
        // More than the socket takes, so that the last write waits for the peer to read.
        let text = vec![b'w'; 16 << 20];
        let mut accepted = 0;
        driver.run(async {
            loop {
                let write = pin!(near.write(&text[accepted..]));
                let patience = driver.clone().submit(Timeout::new(Duration::from_millis(50)));
                match select(write, patience).await {
                    Either::Left((count, _)) => accepted += count.unwrap(),
                    Either::Right(_) => break,
                }
            }
        });
        assert!(accepted > 0);
        drop(near);
        let reader = std::thread::spawn(move || {
            let mut received = Vec::new();
            far.read_to_end(&mut received).map(|_| received)
        });
        wait_until_closed(driver, table);
        let received = reader.join().unwrap().unwrap();
        assert!(received == text[..accepted], "{} of {accepted} bytes", received.len());
    });
}

fn stops<D: Slotted>(test: &str) {
    in_slots(test, 1, |driver: &D, table| {
        let (near, _far) = half_pair(driver, table);
        driver.run(async {
            let mut receive = pin!(near.recv([7; 7]));
            assert!(futures::poll!(&mut receive).is_pending());
            let report = near.cancel_all().unwrap().await;
            assert_eq!((report.asked, report.cancelled), (1, 1));
            let (result, buffer) = receive.await;
            assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
            assert_eq!(buffer, [7; 7]);
        });
    });
}
