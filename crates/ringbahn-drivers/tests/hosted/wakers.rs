//! Wakers that panic or use the driver, called by the task that looks after the ring.

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read, Timeout};

use crate::hosts::in_each;
use crate::scene::{on_wake, pipe, poll_once};

#[test]
fn a_waker_that_panics_harms_nobody_else() {
    let test = "a_waker_that_panics_harms_nobody_else";
    in_each(test, 4, 8, |driver| async move {
        for round in 1..=10 {
            let (reader, mut writer) = pipe();
            let read =
                || driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));
            let (mut panics, mut others) = (read(), read());
            let waker = on_wake(|| panic!("a waker of the test"));
            assert!(Pin::new(&mut panics).poll(&mut Context::from_waker(&waker)).is_pending());
            assert!(futures::poll!(Pin::new(&mut others)).is_pending());
            writer.write_all(b"xx").unwrap();
            assert_eq!(others.await.1, *b"x");
            // The two need not end at the same time, and a poll would put another waker there.
            while driver.counters().panics < round {
                smol::Timer::after(Duration::from_micros(100)).await;
            }
            assert_eq!(panics.await.1, *b"x");
            assert_eq!(driver.counters().panics, round);
        }
    });
}

#[test]
fn a_waker_may_submit_drop_and_end_operations() {
    let test = "a_waker_may_submit_drop_and_end_operations";
    in_each(test, 2, 4, |driver| async move {
        for _ in 0..20 {
            let (reader, mut writer) = pipe();
            let read =
                || driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));
            let mut woken = read();
            let (silent, _silent_writer) = pipe();
            let mut victim = driver.clone().submit(Read::new(silent, [0; 1], Position::Current));
            assert!(futures::poll!(Pin::new(&mut victim)).is_pending());
            let victim = Arc::new(Mutex::new(Some(victim)));
            let (inside, dropped) = (driver.clone(), victim.clone());
            let waker = on_wake(move || {
                drop(dropped.lock().unwrap().take());
                let mut nop = inside.clone().submit(Nop);
                let _ = poll_once(Pin::new(&mut nop));
            });
            assert!(Pin::new(&mut woken).poll(&mut Context::from_waker(&waker)).is_pending());
            writer.write_all(b"x").unwrap();
            while victim.lock().unwrap().is_some() {
                let pause = Timeout::new(Duration::from_micros(100));
                driver.clone().submit(pause).await.unwrap();
            }
            assert_eq!(woken.await.1, *b"x");
        }
    });
}
