//! What drivers cost while nothing happens: processor time is measured, not time.
#![allow(unsafe_code)]

use std::net::TcpListener;
use std::pin::Pin;
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::{Accept, Position, Read, Timeout};

#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{in_child, pipe, shared, start};

const IDLE: Duration = Duration::from_secs(5);
/// One in a hundred.
const USED_MAX: Duration = Duration::from_millis(50);

/// How much time all threads of this process have run.
fn processor_time() -> Duration {
    // SAFETY: all-zero bytes are a valid `timespec`.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: `time` is a place to write to.
    let got = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(got, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn a_local_driver_that_waits_uses_less_than_a_hundredth_of_a_processor() {
    let test = "a_local_driver_that_waits_uses_less_than_a_hundredth_of_a_processor";
    in_child(test, || {
        let driver = local::driver(test, 1, 2).unwrap();
        let listener = shared(TcpListener::bind("127.0.0.1:0").unwrap());
        let (reader, _writer) = pipe();
        let mut accept = driver.clone().submit(Accept::new(listener));
        let mut read = driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));
        let mut dropped = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
        let mut polls = 0;
        let (before, enters) = (processor_time(), driver.counters().enters);
        driver.block_on(async {
            let _ = local::poll_once(Pin::new(&mut accept)).await;
            let _ = local::poll_once(Pin::new(&mut read)).await;
            let _ = local::poll_once(Pin::new(&mut dropped)).await;
            drop(dropped);
            let mut timer = driver.clone().submit(Timeout::new(IDLE));
            std::future::poll_fn(|cx| {
                polls += 1;
                std::future::Future::poll(Pin::new(&mut timer), cx)
            })
            .await
            .unwrap();
        });
        let used = processor_time() - before;
        assert!(used < USED_MAX, "{used:?} in {IDLE:?} of nothing");
        // Nothing ticks: each turn has had something to do.
        let enters = driver.counters().enters - enters;
        assert!(polls <= 3 && enters < 20, "{polls} polls, {enters} enters");
        drop((accept, read));
        local::end(&driver);
    });
}

#[test]
fn a_shared_driver_that_waits_uses_less_than_a_hundredth_of_a_processor() {
    let test = "a_shared_driver_that_waits_uses_less_than_a_hundredth_of_a_processor";
    in_child(test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        let listener = shared(TcpListener::bind("127.0.0.1:0").unwrap());
        let mut accept = driver.clone().submit(Accept::new(listener));
        let (reader, _writer) = pipe();
        let mut read = driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));
        start(&mut accept);
        start(&mut read);
        let before = processor_time();
        scene::run(driver.clone().submit(Timeout::new(IDLE))).unwrap();
        let used = processor_time() - before;
        assert!(used < USED_MAX, "{used:?} in {IDLE:?} of nothing");
        drop((accept, read));
        scene::end(&driver);
    });
}
