//! Chains, drains, and what is refused in them.

use std::io::{self, Write};

use ringbahn_core::opcode;

use super::*;
use crate::fallback::opcodes::*;

fn timeout(time: &Time, user_data: u64) -> Entry {
    Entry { length: 1, ..Entry::new(opcode::TIMEOUT, user_data) }.address_of(time)
}

fn link_timeout(time: &Time, user_data: u64) -> Entry {
    Entry { opcode: LINK_TIMEOUT, ..timeout(time, user_data) }
}

#[test]
fn a_chain_is_answered_in_its_order() {
    on_both(|bench| {
        bench.ask([Entry::nop(1).linked(), Entry::nop(2).hard_linked(), Entry::nop(3)])
    });
}

#[test]
fn a_chain_that_waits_goes_on_in_its_order() {
    on_both(|bench| {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut buffer = [0; 2];
        let read = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, 1) };
        let read = read.file(&reader).buffer(&mut buffer).linked();
        bench.submit([read, Entry::nop(2).linked(), Entry::nop(3), Entry::nop(4)]);
        let first = bench.answers(1);
        assert!(bench.is_quiet());
        writer.write_all(b"hi").unwrap();
        (first, bench.answers(3), buffer)
    });
}

#[test]
fn an_entry_that_is_refused_takes_its_whole_chain_with_it() {
    let unknown = |user_data| Entry::new(200, user_data);
    for place in 0..3 {
        for hard in [false, true] {
            on_both(|bench| {
                let entries = (0..3).map(|n| {
                    let entry = if n == place { unknown(n) } else { Entry::nop(n) };
                    match (n, hard) {
                        (2, _) => entry,
                        (_, false) => entry.linked(),
                        (_, true) => entry.hard_linked(),
                    }
                });
                bench.ask(entries)
            });
        }
    }
}

#[test]
fn flags_and_fields_that_cannot_be_are_refused() {
    const TIME: Time = Time { seconds: 0, nanoseconds: 1000 };
    const NEGATIVE: Time = Time { seconds: -1, nanoseconds: 0 };
    on_both(|bench| {
        let entries = [
            Entry { flags: 1 << 7, ..Entry::nop(1) },
            Entry { flags: FLAG_FIXED_FILE, ..Entry::new(opcode::FSYNC, 2) },
            Entry { ioprio: 1 << 14, ..Entry::new(opcode::RECV, 3) },
            Entry { file_index: 1, fd: 2, offset: 1, ..Entry::new(opcode::SOCKET, 4) },
            link_timeout(&TIME, 5),
            Entry { length: 2, ..timeout(&TIME, 6) },
            timeout(&NEGATIVE, 7),
            Entry { op_flags: 1 << 20, ..timeout(&TIME, 8) },
            Entry { op_flags: TIMEOUT_BOOTTIME | TIMEOUT_REALTIME, ..timeout(&TIME, 9) },
            Entry { address: 0, ..timeout(&TIME, 10) },
            Entry { op_flags: 1 << 20, ..Entry::new(opcode::ASYNC_CANCEL, 11) },
            Entry { length: 1 << 8, ..Entry::new(POLL_REMOVE, 12) },
            Entry { flags: FLAG_BUFFER_SELECT, ..Entry::nop(13) },
        ];
        let mut answers = bench.ask(entries);
        answers.sort_unstable();
        answers
    });
}

#[test]
fn a_timeout_linked_to_what_waits_ends_it() {
    on_both(|bench| {
        let (reader, _writer) = io::pipe().unwrap();
        let mut buffer = [0; 2];
        let read = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, 1) };
        let read = read.file(&reader).buffer(&mut buffer).linked();
        let time = milliseconds(10);
        bench.ask([read, link_timeout(&time, 2).linked(), Entry::nop(3)])
    });
}

#[test]
fn a_timeout_linked_to_what_ends_in_time_is_called_off_and_the_chain_goes_on() {
    on_both(|bench| {
        let time = milliseconds(10_000);
        let at_once =
            bench.ask([Entry::nop(1).linked(), link_timeout(&time, 2).linked(), Entry::nop(3)]);
        let (reader, mut writer) = io::pipe().unwrap();
        let mut buffer = [0; 2];
        let read = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, 4) };
        let read = read.file(&reader).buffer(&mut buffer).linked();
        bench.submit([read, link_timeout(&time, 5).linked(), Entry::nop(6)]);
        writer.write_all(b"hi").unwrap();
        let mut later = bench.answers(3);
        later.sort_unstable();
        (at_once, later)
    });
}

#[test]
fn two_timeouts_cannot_be_linked_to_one_operation() {
    on_both(|bench| {
        let time = milliseconds(10_000);
        bench.ask([Entry::nop(1).linked(), link_timeout(&time, 2).linked(), link_timeout(&time, 3)])
    });
}

#[test]
fn what_is_drained_waits_for_all_before_it_and_holds_back_all_behind_it() {
    on_both(|bench| {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut buffer = [0; 2];
        let read = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, 1) };
        let read = read.file(&reader).buffer(&mut buffer);
        let drained = Entry { flags: FLAG_DRAIN, ..Entry::nop(2) };
        bench.submit([read, drained, Entry::nop(3), Entry::nop(4)]);
        assert!(bench.is_quiet());
        bench.submit([Entry::nop(5)]);
        assert!(bench.is_quiet());
        writer.write_all(b"hi").unwrap();
        let mut answers = bench.answers(5);
        // Those behind the drained one start together.
        answers[2..].sort_unstable();
        answers
    });
}

#[test]
fn a_chain_with_a_drained_entry_waits_as_a_whole() {
    on_both(|bench| {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut buffer = [0; 2];
        let read = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, 1) };
        let read = read.file(&reader).buffer(&mut buffer);
        let drained = Entry { flags: FLAG_DRAIN, ..Entry::nop(3) };
        bench.submit([read, Entry::nop(2).linked(), drained, Entry::nop(4)]);
        assert!(bench.is_quiet());
        writer.write_all(b"hi").unwrap();
        bench.answers(4)
    });
}

#[test]
fn successes_that_are_to_be_silent_are() {
    on_both(|bench| {
        let silent = |entry: Entry| Entry { flags: entry.flags | FLAG_SKIP_SUCCESS, ..entry };
        let bad = Entry { fd: -1, ..Entry::new(opcode::FSYNC, 4) };
        bench.submit([silent(Entry::nop(1)), Entry::nop(2), silent(Entry::nop(3).linked()), bad]);
        let answers = bench.answers(2);
        (answers, bench.is_quiet())
    });
}
