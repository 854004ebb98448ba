//! The driver: its end, its backpressure, and cancels that miss.

use std::io::ErrorKind;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use async_executor::LocalExecutor;
use ringbahn_core::Drive;
use ringbahn_core::event::{EventExt, Nop, Position, Read, Timeout, WriteAll};
use ringbahn_sim::{Fault, Faults, Sim, SimDriver};

use crate::support::{assert_nothing_left, open, shared};

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[test]
fn tasks_of_an_executor_run_on_it() {
    let sim = Sim::new(1);
    let executor = LocalExecutor::new();
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let timer = Timeout::new(Duration::from_secs(number));
            executor.spawn(sim.driver().submit(timer))
        })
        .collect();
    sim.block_on(executor.run(async {
        for task in tasks {
            task.await.unwrap();
        }
    }));
    assert!(sim.now() >= Duration::from_secs(99));
    assert_nothing_left(&sim);
}

#[test]
fn a_driver_that_is_shut_down_reports_what_became_of_its_operations() {
    let sim = Sim::new(1);
    let (reader, _writer) = shared(sim.pipe().unwrap());
    let mut read = pin!(sim.driver().submit(Read::new(reader, [0; 8], Position::Current)));
    assert!(read.as_mut().poll(&mut noop()).is_pending());
    for seconds in [3, 3000] {
        let mut timer = pin!(sim.driver().submit(Timeout::new(Duration::from_secs(seconds))));
        assert!(timer.as_mut().poll(&mut noop()).is_pending());
        timer.detach();
    }
    let report = sim.driver().shutdown(Duration::from_secs(60));
    assert_eq!((report.completed, report.cancelled, report.leaked), (1, 2, 0));
    assert!(sim.now() >= Duration::from_secs(60) && sim.now() < Duration::from_secs(70));
    let (result, _) = sim.block_on(read);
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    let refused = sim.block_on(sim.driver().submit(Nop)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotConnected);
}

#[test]
fn what_the_kernel_keeps_past_the_deadline_counts_as_leaked_until_it_gives_it_back() {
    let sim = Sim::with_faults(1, Faults::none().with(Fault::CancelMissed, 1.0));
    let (reader, _writer) = shared(sim.pipe().unwrap());
    let mut read = Box::pin(sim.driver().submit(Read::new(reader, [0; 8], Position::Current)));
    assert!(read.as_mut().poll(&mut noop()).is_pending());
    drop(read);
    let report = sim.driver().shutdown(Duration::from_secs(1));
    assert_eq!((report.cancelled, report.leaked), (0, 1));
    sim.set_faults(Faults::none());
    let report = sim.driver().shutdown(Duration::from_secs(1));
    assert_eq!((report.cancelled, report.leaked), (1, 0));
    assert_nothing_left_but(&sim, 1);
}

fn assert_nothing_left_but(sim: &Sim, files: usize) {
    assert_eq!((sim.driver().counters().in_flight, sim.running()), (0, 0));
    assert_eq!(sim.open_descriptors(), files);
}

#[test]
fn a_driver_that_is_dropped_lets_detached_operations_end() {
    let sim = Sim::new(1);
    let file = open(&sim, "file");
    // The last handles are those of the submission.
    let driver: SimDriver = sim.driver();
    let mut write = Box::pin(driver.submit(WriteAll::new(file, "all of it", Position::At(0))));
    sim.set_faults(Faults::none().with(Fault::Latency, 1.0));
    assert!(write.as_mut().poll(&mut noop()).is_pending());
    write.as_mut().detach();
    drop(write);
    let report = sim.driver().shutdown(SimDriver::WIND_UP_TIME);
    assert_eq!(report.completed, 1);
    assert_eq!(sim.content("file").unwrap(), b"all of it");
    drop(sim);
}

#[test]
fn a_full_queue_is_backpressure_and_a_chain_that_never_fits_is_refused() {
    let sim = Sim::builder(1).entries(2).build();
    let nops = || futures::future::join_all((0..50).map(|_| sim.driver().submit(Nop)));
    sim.block_on(nops()).into_iter().for_each(|result| result.unwrap());
    // A kernel that takes nothing at the moment makes them wait.
    sim.set_faults(Faults::none().with(Fault::EnterAgain, 0.7));
    sim.block_on(nops()).into_iter().for_each(|result| result.unwrap());
    assert!(sim.driver().counters().full_queue_waits > 0);
    sim.set_faults(Faults::none());
    let chain = Nop.link(Nop).link(Nop);
    let ((first, _), _) = sim.block_on(sim.driver().submit(chain));
    assert_eq!(first.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(sim.driver().counters().in_flight, 0);
}

#[test]
fn a_cancel_that_misses_is_tried_again_until_it_hits() {
    let sim = Sim::with_faults(2, Faults::none().with(Fault::CancelMissed, 0.9));
    let (reader, _writer) = shared(sim.pipe().unwrap());
    let read = Read::new(reader, vec![1; 8], Position::Current);
    let cancelled = sim.block_on(async {
        let mut read = pin!(sim.driver().submit(read));
        assert!(futures::poll!(read.as_mut()).is_pending());
        std::future::poll_fn(|cx| read.as_mut().poll_cancel(cx)).await
    });
    assert!(cancelled.is_cancelled());
    assert_eq!(cancelled.into_inner().1, [1; 8]);
    assert!(sim.injected(Fault::CancelMissed) > 0);
}

#[test]
fn an_operation_that_nobody_stopped_is_submitted_again_unseen() {
    let sim = Sim::with_faults(2, Faults::none().with(Fault::StoppedUnasked, 0.8));
    for _ in 0..50 {
        sim.block_on(sim.driver().submit(Nop)).unwrap();
    }
    let counters = sim.driver().counters();
    assert!(counters.repeated > 50, "{counters:?}");
    assert_eq!((counters.submitted, counters.completed), (50, 50));
}
