//! The power goes.

use ringbahn_core::event::{Fsync, Nop, OpenOptions, Position, Read, Recv, Timeout, WriteAll};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_sim::{Crashed, Fault, Faults, Sim};
use std::io::ErrorKind;
use std::time::Duration;

use crate::support::{assert_nothing_left, open, open_with, shared};

#[test]
fn what_is_synced_is_there_after_a_crash_and_descriptors_stand_for_nothing() {
    let sim = Sim::new(5);
    sim.put("file", b"before").unwrap();
    let file = open(&sim, "file");
    sim.block_on(async {
        let write = WriteAll::new(file.clone(), "after!", Position::At(0));
        sim.driver().submit(write).await.0.unwrap();
        sim.driver().submit(Fsync::new(file.clone())).await.unwrap();
    });
    sim.crash();
    assert_eq!(sim.content("file").unwrap(), b"after!");
    sim.block_on(async {
        let (result, _) = sim.driver().submit(Read::new(file, [0; 4], Position::At(0))).await;
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EBADF));
    });
    assert_nothing_left(&sim);
}

#[test]
fn operations_in_flight_end_and_nothing_is_leaked() {
    let sim = Sim::new(5);
    let (a, _b) = shared(sim.stream_pair().unwrap());
    let receive = sim.driver().submit(Recv::new(a, [0; 8]));
    let mut receive = std::pin::pin!(receive);
    let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
    assert!(receive.as_mut().poll(cx).is_pending());
    sim.crash();
    let (result, buffer) = sim.block_on(receive);
    assert_eq!((result.unwrap_err().raw_os_error(), buffer), (Some(libc::EIO), [0; 8]));
    assert_nothing_left(&sim);
}

#[test]
fn a_crash_ends_the_program_at_some_moment_and_the_next_one_starts() {
    let faults = Faults::none().with(Fault::Crash, 0.05).with(Fault::Defer, 0.5);
    let sim = Sim::with_faults(9, faults);
    let (mut crashes, mut ends) = (0, 0);
    for _ in 0..100 {
        let file = async {
            let mut options = OpenOptions::new();
            let event = ringbahn_core::event::OpenAt::new("f", options.write(true).create(true));
            let file = SharedFd::from(sim.driver().submit(event.unwrap()).await.unwrap());
            for round in 0..20 {
                let write = WriteAll::new(file.clone(), vec![round; 600], Position::At(0));
                sim.driver().submit(write).await.0.unwrap();
                sim.driver().submit(Timeout::new(Duration::from_millis(3))).await.unwrap();
            }
        };
        match sim.run_until_crash(file) {
            Ok(()) => ends += 1,
            Err(Crashed) => crashes += 1,
        }
        assert_eq!(sim.driver().counters().in_flight, 0);
    }
    assert!(crashes > 50 && ends > 0, "{crashes} crashes, {ends} ends");
    assert_eq!(sim.injected(Fault::Crash), crashes);
    // Outside of `run_until_crash` the machine is safe.
    (0..200).for_each(|_| sim.block_on(sim.driver().submit(Nop)).unwrap());
    assert_eq!(sim.injected(Fault::Crash), crashes);
    assert_nothing_left(&sim);
}

#[test]
fn a_sync_that_failed_has_saved_a_part_and_the_next_one_does_not_save_the_rest() {
    let lost = (0..40).filter(|&seed| {
        let sim = Sim::new(seed);
        sim.put("file", &[1; 8192]).unwrap();
        let file = open(&sim, "file");
        sim.block_on(async {
            let write = WriteAll::new(file.clone(), vec![2; 8192], Position::At(0));
            sim.driver().submit(write).await.0.unwrap();
            sim.set_faults(Faults::none().with(Fault::DiskError, 1.0));
            let error = sim.driver().submit(Fsync::new(file.clone())).await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EIO));
            sim.set_faults(Faults::none());
            sim.driver().submit(Fsync::new(file.clone())).await.unwrap();
        });
        assert_eq!(sim.content("file").unwrap(), [2; 8192]);
        sim.crash();
        sim.content("file").unwrap().contains(&1)
    });
    let lost = lost.count();
    assert!(lost > 10 && lost < 40, "{lost}");
}

#[test]
fn a_file_that_was_made_and_not_synced_may_be_gone() {
    let gone = (0..40).filter(|&seed| {
        let sim = Sim::new(seed);
        drop(open(&sim, "new"));
        sim.crash();
        let mut options = OpenOptions::new();
        match open_with(&sim, "new", options.read(true)) {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound);
                true
            }
        }
    });
    let gone = gone.count();
    assert!(gone > 5 && gone < 35, "{gone}");
}
