//! Virtual time, and programs that wait for ever.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use futures::join;
use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read, Timeout};
use ringbahn_sim::Sim;

use crate::support::{assert_nothing_left, shared};

#[test]
fn a_year_passes_in_no_time_and_timers_fire_in_order() {
    let begin = Instant::now();
    let sim = Sim::new(1);
    let day = Duration::from_secs(86_400);
    sim.block_on(async {
        let timer = |days| sim.driver().submit(Timeout::new(day * days));
        let first = select(Box::pin(timer(2)), Box::pin(timer(1))).await;
        assert!(matches!(first, Either::Right(_)));
        assert!(sim.now() >= day && sim.now() < day * 2);
        drop(first);
        join!(timer(365), timer(100)).0.unwrap();
    });
    assert!(sim.now() >= day * 366);
    assert!(sim.now() < day * 366 + Duration::from_secs(1));
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_nothing_left(&sim);
}

#[test]
fn an_operation_that_takes_too_long_is_timed_out() {
    let sim = Sim::new(1);
    let (reader, writer) = shared(sim.pipe().unwrap());
    sim.block_on(async {
        let read = Read::new(reader, vec![1; 8], Position::Current);
        let read = sim.driver().submit(read).timeout(Duration::from_secs(5));
        let (result, buffer) = read.await;
        assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(buffer, [1; 8]);
    });
    assert!(sim.now() >= Duration::from_secs(5));
    drop(writer);
    assert_nothing_left(&sim);
}

#[test]
fn a_program_that_waits_for_itself_is_told_the_seed_and_the_trace() {
    let sim = Sim::new(4711);
    let (reader, _writer) = shared(sim.pipe().unwrap());
    let waits =
        || sim.block_on(sim.driver().submit(Read::new(reader.clone(), [0; 8], Position::Current)));
    let panic = catch_unwind(AssertUnwindSafe(waits)).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    for part in ["waits for ever", "RINGBAHN_SIM_SEED=4711", "READ is taken", "#0 waits"] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    // It is as good as before.
    sim.block_on(sim.driver().submit(Nop)).unwrap();
}

#[test]
fn a_future_that_waits_for_time_and_is_never_idle_gets_there() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mut timer = Box::pin(sim.driver().submit(Timeout::new(Duration::from_millis(2))));
        let mut polls = 0;
        std::future::poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            timer.as_mut().poll(cx)
        })
        .await
        .unwrap();
        assert!(polls > 100, "each turn takes a moment: {polls}");
    });
}

#[test]
fn one_block_on_inside_another_drives_the_operations_of_both() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let outer = sim.driver().submit(Nop);
        sim.block_on(sim.driver().submit(Timeout::new(Duration::from_secs(1)))).unwrap();
        outer.await.unwrap();
    });
    assert_nothing_left(&sim);
}
