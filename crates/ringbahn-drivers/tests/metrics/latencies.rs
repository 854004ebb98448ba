//! How long operations take.

use std::io::Write as _;
use std::time::{Duration, Instant};

use ringbahn_core::event::{Position, Read, Timeout};
use ringbahn_core::{Drive, Metering, opcode};

use crate::home::{Home, end, home, pending, until_idle};
use crate::scene::pipe;

on_every_driver! {
    an_operation_takes_as_long_as_it_takes,
    what_is_cancelled_has_taken_no_time,
}

fn an_operation_takes_as_long_as_it_takes<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Latencies) else { return };
    let (time, begin) = (Duration::from_millis(20), Instant::now());
    home.run(home.driver().submit(Timeout::new(time))).unwrap();
    until_idle(&home);
    let longest = begin.elapsed();
    let latencies = end(&home).of(opcode::TIMEOUT).latencies.unwrap();
    assert_eq!(latencies.count(), 1);
    assert!((time..=longest).contains(&latencies.max()), "{:?}", latencies.max());
    assert_eq!(
        (latencies.sum(), latencies.quantile(0.5)),
        (latencies.max(), Some(latencies.max()))
    );
}

fn what_is_cancelled_has_taken_no_time<H: Home>(test: &'static str) {
    let Some(home) = home::<H>(test, Metering::Latencies) else { return };
    let (reader, mut writer) = pipe();
    let read = || Read::new(reader.clone(), [0; 1], Position::Current);
    drop(pending(&home, read()));
    until_idle(&home);
    let slow = pending(&home, read());
    writer.write_all(b"x").unwrap();
    assert_eq!(home.run(slow).0.unwrap(), 1);
    until_idle(&home);
    let read = end(&home).of(opcode::READ);
    assert_eq!((read.cancelled, read.succeeded), (1, 1));
    assert_eq!(read.latencies.unwrap().count(), 1);
}
