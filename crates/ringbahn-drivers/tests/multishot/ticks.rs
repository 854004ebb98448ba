//! Streams that bring nothing to own: readiness and time.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use futures::StreamExt;
use ringbahn_core::event::{Interest, PollMulti, TimeoutMulti};

use crate::subject::{SOON, Subject, begin, poll_next};

on_both_drivers! {
    a_file_tells_each_time_that_it_becomes_ready,
    ticks_come_no_earlier_than_they_should,
    a_reader_of_ticks_that_lags_stops_the_clock,
    ticks_go_on_after_each_overflow,
}

fn a_file_tells_each_time_that_it_becomes_ready<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let reader = std::sync::Arc::new(reader);
    let file = ringbahn_core::SharedFd::new(reader.clone());
    let mut ready = driver.clone().stream(PollMulti::new(file, Interest::READABLE));
    begin(&driver, &mut ready);
    for _ in 0..10 {
        writer.write_all(b"x").unwrap();
        assert!(driver.run(ready.next()).unwrap().unwrap().is_readable());
        (&*reader).read_exact(&mut [0]).unwrap();
    }
    assert_eq!(driver.so_far().submitted, 1);
    drop(writer);
    assert!(driver.run(ready.next()).unwrap().unwrap().is_hung_up());
    drop(ready);
    driver.end();
}

fn ticks_come_no_earlier_than_they_should<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let period = 5 * SOON;
    let begin = Instant::now();
    let mut ticks = driver.clone().stream(TimeoutMulti::new(period));
    for count in 1..=5 {
        driver.run(ticks.next()).unwrap().unwrap();
        assert!(begin.elapsed() >= count * period);
    }
    assert_eq!(driver.so_far().submitted, 1);
    drop(ticks);
    driver.end();
}

fn a_reader_of_ticks_that_lags_stops_the_clock<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let mut ticks = driver.clone().stream(TimeoutMulti::new(SOON / 10));
    // On a busy machine there may be a tick already.
    let _ = driver.run(async { poll_next(&mut ticks) });
    driver.until("the clock has stopped", || driver.so_far().in_flight == 0);
    for _ in 0..64 {
        driver.run(ticks.next()).unwrap().unwrap();
    }
    // And it goes on when everything has been read, and there is somebody to read more.
    while driver.so_far().submitted == 1 {
        driver.run(ticks.next()).unwrap().unwrap();
    }
    driver.run(ticks.next()).unwrap().unwrap();
    drop(ticks);
    driver.end();
}

fn ticks_go_on_after_each_overflow<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    let mut ticks: Vec<_> = (0..8)
        .map(|_| driver.clone().stream(TimeoutMulti::new(Duration::from_micros(50))))
        .collect();
    driver.run(async {
        for _ in 0..200 {
            for tick in &mut ticks {
                tick.next().await.unwrap().unwrap();
            }
        }
    });
    drop(ticks);
    driver.end();
}
