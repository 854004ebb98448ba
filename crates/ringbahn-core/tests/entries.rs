//! Every event's entry is, byte for byte, what the `io-uring` crate builds for the same request.
//!
//! Pointers are read from our own entry and handed to the other builder, so what is compared is
//! where each word stands; the unit tests next to the events check what it points to.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use io_uring::types::{Fd, TimeoutFlags};
use io_uring::{opcode, squeue};
use ringbahn_core::event::*;
use ringbahn_core::{
    BufferGroup, BufferQueue, Clock, Cqe, Deadline, DirectTable, GroupMemory, MultiEvent,
    OperationTable, Outcome, RingId, SendQueue, SharedFd, Slots, Sqe, Sqes,
};

#[path = "entries/files.rs"]
mod files;

#[path = "entries/other_operations.rs"]
mod other_operations;

#[path = "entries/slots.rs"]
mod slots;

#[path = "entries/sockets.rs"]
mod sockets;

#[path = "entries/streams.rs"]
mod streams;

#[path = "entries/transfers.rs"]
mod transfers;

/// The only entry of `event`, handed to `check` while the event is still in place.
fn entry_of<E: Event>(event: E, check: impl FnOnce(&Sqe) -> squeue::Entry) {
    let mut event = Box::new(event);
    let mut sqes = Sqes::new();
    // SAFETY: the entries are only looked at, never submitted.
    unsafe { event.prepare(&mut sqes) };
    compare(&sqes, check);
}

/// As [`entry_of`], for events that yield many items.
fn multi_entry_of<M: MultiEvent>(event: M, check: impl FnOnce(&Sqe) -> squeue::Entry) {
    let mut event = Box::new(event);
    let mut sqes = Sqes::new();
    // SAFETY: the entries are only looked at, never submitted.
    unsafe { event.prepare(&mut sqes) };
    compare(&sqes, check);
}

fn compare(sqes: &Sqes, check: impl FnOnce(&Sqe) -> squeue::Entry) {
    let [entry] = sqes.entries() else { panic!("{} entries", sqes.entries().len()) };
    let expected = check(entry);
    // SAFETY: the type is `repr(C)` and of the size of `[u8; 64]`, without padding: it is the
    // kernel's own struct, all of which the builders write, beginning from zero.
    let expected: [u8; 64] = unsafe { std::mem::transmute(expected) };
    assert_eq!(entry.bytes(), expected, "{entry:?}");
}

fn file() -> (SharedFd, RawFd) {
    let file = Arc::new(File::open("/dev/null").expect("/dev/null opens"));
    let number = file.as_raw_fd();
    (SharedFd::new(file), number)
}

/// A group with the number 7 of a ring that does not exist.
fn group() -> BufferGroup {
    let memory = GroupMemory::new(2, 64, 4096).unwrap();
    let table: OperationTable = OperationTable::new();
    // SAFETY: no entry that names it is submitted to any ring.
    unsafe { BufferGroup::new(memory, table.ring(), 7, Box::new(())) }
}

/// A queue to receive into, and one to send from with something in it, of the same number.
fn queues() -> (BufferQueue, SendQueue) {
    let table: OperationTable = OperationTable::new();
    let memory = || GroupMemory::new(2, 64, 4096).unwrap();
    // SAFETY: no entry that names it is submitted to any ring.
    let queue = unsafe { BufferQueue::new(memory(), table.ring(), 7, Box::new(())) };
    // SAFETY: as above.
    let mut outgoing = unsafe { SendQueue::new(memory(), table.ring(), 7, Box::new(())) };
    assert_eq!(outgoing.push(b"hello"), 5);
    (queue, outgoing)
}

const POSITIONS: [(Position, u64); 4] = [
    (Position::Current, u64::MAX),
    (Position::At(0), 0),
    (Position::At(0x1234_5678_9abc), 0x1234_5678_9abc),
    (Position::At(u64::MAX), u64::MAX - 1),
];

#[test]
fn nop() {
    entry_of(Nop, |_| opcode::Nop::new().build());
}

#[test]
fn timeout() {
    for duration in [Duration::ZERO, Duration::new(5, 7), Duration::MAX] {
        entry_of(Timeout::new(duration), |entry| {
            opcode::Timeout::new(entry.get_address().cast_const().cast()).build()
        });
    }
    let clocks = [
        (Clock::Monotonic, TimeoutFlags::empty()),
        (Clock::Boottime, TimeoutFlags::BOOTTIME),
        (Clock::Realtime, TimeoutFlags::REALTIME),
    ];
    for (clock, flag) in clocks {
        entry_of(Timeout::at(Deadline::after(clock, Duration::new(5, 7))), |entry| {
            let time = entry.get_address().cast_const().cast();
            opcode::Timeout::new(time).flags(TimeoutFlags::ABS | flag).build()
        });
    }
}

#[test]
fn poll_add() {
    let (file, fd) = file();
    for (interest, mask) in [
        (Interest::READABLE, libc::POLLIN),
        (Interest::WRITABLE | Interest::PRIORITY, libc::POLLOUT | libc::POLLPRI),
        (Interest::READ_CLOSED, libc::POLLRDHUP),
    ] {
        entry_of(PollAdd::new(file.clone(), interest), |_| {
            opcode::PollAdd::new(Fd(fd), mask as u32).build()
        });
    }
}

#[test]
fn mapped() {
    let (file, fd) = file();
    let event = Mapped::new(Shutdown::new(file, std::net::Shutdown::Both), |ended| ended.is_ok());
    entry_of(event, |_| opcode::Shutdown::new(Fd(fd), 2).build());
}

#[test]
fn rescued() {
    let (file, fd) = file();
    entry_of(Rescued::new(Shutdown::new(file, std::net::Shutdown::Both), drop), |_| {
        opcode::Shutdown::new(Fd(fd), 2).build()
    });
}

/// The slots of a table without a ring.
#[derive(Debug)]
struct NoSlots(RingId);

impl Slots for NoSlots {
    fn ring(&self) -> RingId {
        self.0
    }

    fn close(&self, _slot: u32) {}

    fn ring_file(&self) -> std::io::Result<SharedFd> {
        Ok(file().0)
    }
}

#[test]
fn when_ready() {
    let (file, fd) = file();
    let shutdown = Shutdown::new(file.clone(), std::net::Shutdown::Both);
    entry_of(WhenReady::new(shutdown, file, Interest::READABLE), |_| {
        opcode::Shutdown::new(Fd(fd), 2).build()
    });
}

#[test]
fn either() {
    let (file, fd) = file();
    let shutdown = || Shutdown::new(file.clone(), std::net::Shutdown::Both);
    for event in [Either::first(shutdown()), Either::second(shutdown())] {
        let either: Either<Shutdown, Shutdown> = event;
        entry_of(either, |_| opcode::Shutdown::new(Fd(fd), 2).build());
    }
}

#[test]
fn every_event_in_the_list_is_compared() {
    // What ends or changes another operation is aimed only when it meets its ring, and entries of
    // 128 bytes are not met; the others have the entries of their events, with or without a flag
    // more.
    let apart = [
        "AsPersonality",
        "AsyncCancel",
        "Drained",
        "Link",
        "Nop128",
        "NvmeCommand",
        "PollRemove",
        "PollUpdate",
        "Reporting",
        "Rescued",
        "Stepped",
        "Then",
        "TimeoutRemove",
        "TimeoutUpdate",
        "UringCommand128",
    ];
    let compared = concat!(
        include_str!("entries.rs"),
        include_str!("entries/files.rs"),
        include_str!("entries/other_operations.rs"),
        include_str!("entries/slots.rs"),
        include_str!("entries/sockets.rs"),
        include_str!("entries/streams.rs"),
        include_str!("entries/transfers.rs"),
    );
    for event in EVENTS.iter().filter(|event| !apart.contains(&event.name)) {
        let used = [format!("{}::", event.name), format!("entry_of({},", event.name)];
        let found = used.iter().any(|used| compared.contains(used));
        assert!(found, "{} is not compared", event.name);
    }
}
