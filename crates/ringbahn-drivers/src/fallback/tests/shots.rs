//! Operations of many results.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{FromRawFd as _, OwnedFd};

use ringbahn_core::opcode;

use super::{Entry, address, milliseconds, on_both};
use crate::fallback::opcodes::*;

const MORE: u32 = CQE_MORE;
const ENDED: u32 = 0;

/// Stops the operation 1.
fn cancel() -> Entry {
    Entry { address: 1, ..Entry::new(opcode::ASYNC_CANCEL, 9) }
}

#[test]
fn a_timeout_fires_as_often_as_it_was_told() {
    on_both(|bench| {
        let time = milliseconds(1);
        let timeout =
            Entry { length: 1, offset: 3, op_flags: TIMEOUT_MULTISHOT, ..Entry::new(11, 1) };
        bench.submit([timeout.address_of(&time)]);
        let answers = bench.answers(3);
        let flags: Vec<u32> = answers.iter().map(|answer| answer.2).collect();
        assert_eq!(flags, [MORE, MORE, ENDED]);
        assert!(bench.is_quiet());
        answers
    });
}

#[test]
fn a_timeout_that_goes_on_for_ever_is_cancelled() {
    on_both(|bench| {
        let time = milliseconds(2);
        let timeout = Entry { length: 1, op_flags: TIMEOUT_MULTISHOT, ..Entry::new(11, 1) };
        bench.submit([timeout.address_of(&time)]);
        let first = bench.answers(1);
        bench.submit([cancel()]);
        // It may have fired once more in between.
        let mut rest = Vec::new();
        while rest.len() < 2 {
            rest.extend(bench.answers(1).into_iter().filter(|answer| answer.2 != MORE));
        }
        rest.sort_unstable();
        (first, rest)
    });
}

#[test]
fn a_poll_tells_each_time_and_ends_when_it_is_cancelled() {
    on_both(|bench| {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let poll = Entry {
            length: POLL_MULTISHOT,
            op_flags: libc::POLLIN as u32,
            ..Entry::new(opcode::POLL_ADD, 1)
        };
        bench.submit([poll.file(&reader)]);
        assert!(bench.is_quiet());
        let mut told = Vec::new();
        for _ in 0..3 {
            // Nobody reads: what is told is that there is more.
            writer.write_all(b"x").unwrap();
            told.extend(bench.answers(1));
        }
        bench.submit([cancel()]);
        let mut rest = bench.answers(2);
        rest.sort_unstable();
        (told, rest)
    });
}

#[test]
fn an_accept_goes_on_until_it_is_cancelled() {
    on_both(|bench| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let accept = Entry { ioprio: ACCEPT_MULTISHOT, ..Entry::new(opcode::ACCEPT, 1) };
        bench.submit([accept.file(&listener)]);
        let mut flags = Vec::new();
        for _ in 0..3 {
            let _far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            for (_, number, flag) in bench.answers(1) {
                assert!(number >= 0, "{number}");
                // SAFETY: it is new, and nobody else has it.
                #[allow(unsafe_code, reason = "a connection is a number here")]
                drop(unsafe { OwnedFd::from_raw_fd(number) });
                flags.push(flag);
            }
        }
        bench.submit([cancel()]);
        let mut rest = bench.answers(2);
        // A cancel may be told that the accept is being executed, which ends all the same.
        rest.retain(|answer| answer.0 == 1);
        (flags, rest)
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    on_both(|bench| {
        let time = milliseconds(1);
        let (reader, _writer) = std::io::pipe().unwrap();
        let absolute = TIMEOUT_MULTISHOT | TIMEOUT_ABS;
        let entries = [
            Entry { length: 1, op_flags: absolute, address: address(&time), ..Entry::new(11, 1) },
            // They need a group.
            Entry { ioprio: RECV_MULTISHOT, ..Entry::new(opcode::RECV, 2) }.file(&reader),
            Entry { ioprio: RECV_MULTISHOT, ..Entry::new(opcode::RECVMSG, 3) }.file(&reader),
            Entry::new(opcode::READ_MULTISHOT, 4).file(&reader),
            Entry { length: 2, ..Entry::new(opcode::POLL_ADD, 5) }.file(&reader),
            Entry { ioprio: ACCEPT_MULTISHOT, ..Entry::new(opcode::ACCEPT, 6) }.file(&reader),
            Entry::new(opcode::FIXED_FD_INSTALL, 7).file(&reader),
        ];
        let mut answers = bench.ask(entries);
        answers.sort_unstable();
        answers
    });
}
