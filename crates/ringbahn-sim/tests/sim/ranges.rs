//! Ranges of files.

use std::io::ErrorKind;

use ringbahn_core::event::{
    Allocation, Fadvise, Fallocate, FileAdvice, Madvise, MemoryAdvice, SyncFileRange, Writeback,
};
use ringbahn_core::{Drive, Event, SharedFd};
use ringbahn_sim::{Fault, Faults, Sim};

use crate::support::{assert_nothing_left, open, shared};

fn run<E: Event>(sim: &Sim, event: E) -> E::Output {
    sim.block_on(sim.driver().submit(event))
}

#[test]
fn room_is_made_and_ranges_become_zeroes() {
    let sim = Sim::new(1);
    sim.put("file", &[7; 10_000]).unwrap();
    let file = open(&sim, "file");
    let allocate = |offset, length, allocation| {
        run(&sim, Fallocate::new(file.clone(), offset, length, allocation))
    };
    let length = || sim.content("file").unwrap().len();
    allocate(0, 20_000, Allocation::Reserve).unwrap();
    assert_eq!(length(), 10_000);
    allocate(100, 9000, Allocation::PunchHole).unwrap();
    let content = sim.content("file").unwrap();
    assert!(content[99] == 7 && content[100..9100] == [0; 9000] && content[9100] == 7);
    allocate(9_999, 10_001, Allocation::ZeroWithin).unwrap();
    assert_eq!((length(), sim.content("file").unwrap()[9_999]), (10_000, 0));
    allocate(0, 20_000, Allocation::Allocate).unwrap();
    assert_eq!(length(), 20_000);
    allocate(0, 1 << 40, Allocation::ZeroWithin).unwrap();
    assert_eq!(sim.content("file").unwrap(), [0; 20_000]);
    let error = allocate(0, 4096, Allocation::Collapse).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(allocate(0, 0, Allocation::Allocate).unwrap_err().kind(), ErrorKind::InvalidInput);
    sim.set_faults(Faults::none().with(Fault::DiskFull, 1.0));
    let error = allocate(0, 30_000, Allocation::Allocate).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    drop(file);
    assert_nothing_left(&sim);
}

#[test]
fn advice_changes_nothing_and_a_range_on_its_way_is_not_durable() {
    let sim = Sim::new(1);
    let file = open(&sim, "file");
    let (reader, _writer): (SharedFd, SharedFd) = shared(sim.pipe().unwrap());
    run(&sim, Fadvise::new(file.clone(), FileAdvice::DontNeed)).unwrap();
    let error = run(&sim, Fadvise::new(reader.clone(), FileAdvice::Normal)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSeekable);
    run(&sim, SyncFileRange::new(file, Writeback::Finish)).unwrap();
    let error = run(&sim, SyncFileRange::new(reader, Writeback::Start)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSeekable);
    let (advised, buffer) = run(&sim, Madvise::new(vec![7; 9000], MemoryAdvice::WillNeed));
    assert_eq!((advised.unwrap(), buffer), ((), vec![7; 9000]));
    let gone = (0..40).filter(|&seed| {
        let sim = Sim::new(seed);
        sim.put("file", b"old").unwrap();
        let file = open(&sim, "file");
        let write = ringbahn_core::event::WriteAll::new(
            file.clone(),
            "new",
            ringbahn_core::event::Position::At(0),
        );
        run(&sim, write).0.unwrap();
        run(&sim, SyncFileRange::new(file, Writeback::Finish)).unwrap();
        sim.crash();
        sim.content("file").unwrap() == b"old"
    });
    assert!(gone.count() > 5);
}
