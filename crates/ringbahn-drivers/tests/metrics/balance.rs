//! Many operations, begun, dropped and cancelled at random and from several threads: the books
//! balance in the end.

use std::io::Write as _;
use std::sync::Arc;
use std::thread;

use ringbahn_core::event::{Nop, Position, Read};
use ringbahn_core::{Drive, Metering, opcode};
use ringbahn_drivers::SharedDriver;

use crate::home::{Home, end, home, pending, until};
use crate::scene::{pipe, run, until_idle};
use crate::skip::skip;

on_every_driver! {
    the_books_balance_after_drops_and_cancels,
}

fn the_books_balance_after_drops_and_cancels<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Latencies) else { return };
    let (reader, mut writer) = pipe();
    let mut dice = 0x9e37_79b9_u32;
    let mut dropped = 0;
    for _ in 0..150 {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let read = pending(&home, Read::new(reader.clone(), [0; 1], Position::Current));
        match dice >> 30 {
            0 => {
                writer.write_all(b"x").unwrap();
                assert_eq!(home.run(read).0.unwrap(), 1);
            }
            1 => drop(home.run(read.cancel())),
            2 => {
                dropped += 1;
                drop(read);
                until(&home, "it has been disposed of", || home.counters().disposed == dropped);
            }
            _ => {
                home.run(home.driver().submit(Nop)).unwrap();
                drop(home.run(read.cancel()));
            }
        }
    }
    let metrics = end(&home);
    assert_eq!(metrics.of(opcode::READ).submitted, 150);
    assert_eq!(metrics.of(opcode::READ).disposed, dropped);
    let read = metrics.of(opcode::READ);
    assert_eq!(read.latencies.as_ref().unwrap().count(), read.succeeded);
}

#[test]
fn what_several_threads_do_at_a_time_is_counted_exactly() {
    const THREADS: u64 = 4;
    const EACH: u64 = 500;
    let builder = SharedDriver::builder().entries(4).metering(Metering::Latencies);
    let driver = match builder.build() {
        Ok(driver) => driver,
        Err(error) => {
            return skip(
                "balance::what_several_threads_do_at_a_time_is_counted_exactly",
                &format!("no io_uring: {error}"),
            );
        }
    };
    let driver = Arc::new(driver);
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let driver = driver.clone();
            thread::spawn(move || {
                for _ in 0..EACH {
                    run((*driver).clone().submit(Nop)).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    until_idle(&driver);
    let nop = driver.metrics().unwrap().of(opcode::NOP);
    assert_eq!((nop.submitted, nop.succeeded, nop.in_flight), (THREADS * EACH, THREADS * EACH, 0));
    assert_eq!(nop.latencies.unwrap().count(), THREADS * EACH);
}
