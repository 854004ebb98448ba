//! What waits for others than files, and what changes that: futexes, children, commands of sockets,
//! polls, and nops that are answered.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicU32;

use ringbahn_core::opcode;

use super::*;
use crate::fallback::opcodes::*;

/// `FUTEX2_SIZE_U32` and `FUTEX2_PRIVATE`.
const FUTEX: i32 = 130;

fn futex(opcode: u8, word: &AtomicU32, value: u64, user_data: u64) -> Entry {
    let entry = Entry { fd: FUTEX, offset: value, ..Entry::new(opcode, user_data) };
    Entry { address3: u32::MAX.into(), ..entry.address_of(word) }
}

impl Bench {
    /// The result of the entry with this number, which is the only one that can end now.
    #[track_caller]
    fn answers_of(&mut self, user_data: u64) -> i32 {
        let answers = self.answers(1);
        let [(found, result, _)] = answers[..] else { panic!("{answers:?}") };
        assert_eq!(found, user_data, "{answers:?} on {}", self.backend);
        result
    }

    /// Cancels an operation, and says how both ended: the cancel with success or not.
    #[track_caller]
    fn cancel(&mut self, target: u64) -> Vec<Answer> {
        let cancel = Entry { address: target, ..Entry::new(opcode::ASYNC_CANCEL, 98) };
        self.submit([cancel]);
        let mut answers = self.answers(2);
        answers.sort_unstable();
        for (user_data, result, _) in &mut answers {
            if *user_data == 98 {
                // The kernel says 1 of some.
                *result = (*result).min(0);
            }
        }
        answers
    }
}

#[test]
fn a_futex_is_waited_for_until_it_is_woken_or_called_off() {
    on_both(|bench| {
        let word = AtomicU32::new(5);
        let mut answers = bench.ask([futex(opcode::FUTEX_WAIT, &word, 4, 1)]);
        answers.extend(bench.ask([futex(opcode::FUTEX_WAKE, &word, 7, 2)]));
        bench.submit([futex(opcode::FUTEX_WAIT, &word, 5, 3)]);
        assert!(bench.is_quiet());
        bench.submit([futex(opcode::FUTEX_WAIT, &word, 5, 4)]);
        answers.extend(bench.cancel(3));
        answers.extend(bench.cancel(4));
        answers
    });
}

/// A thread that is to wait may be on its way yet; the wait may be answered before the wake or
/// after.
#[test]
fn whoever_waits_for_a_futex_is_woken() {
    on_both(|bench| {
        let words = [7, 8].map(AtomicU32::new);
        let mut results = Vec::new();
        for round in 0..2 {
            let waiters: [[u64; 3]; 2] =
                [[7, address(&words[0]), FUTEX as u64], [8, address(&words[1]), FUTEX as u64]];
            let several = Entry { fd: 0, length: 2, ..Entry::new(opcode::FUTEX_WAITV, 1) };
            let single = futex(opcode::FUTEX_WAIT, &words[1], 8, 1);
            bench.submit([if round == 0 { single } else { several.address_of(&waiters) }]);
            let end = Instant::now() + PATIENCE;
            let mut woken = 0;
            while woken == 0 {
                assert!(Instant::now() < end, "nobody waits, on {}", bench.backend);
                bench.submit([futex(opcode::FUTEX_WAKE, &words[1], 1, 99)]);
                for (user_data, result, _) in bench.answers(1) {
                    assert_ne!((user_data, result), (1, -libc::EAGAIN));
                    match user_data {
                        99 => woken = result,
                        // It was woken, and the wake has yet to say so.
                        _ => results.push(result),
                    }
                }
                if results.len() > round {
                    assert_eq!(bench.answers(1)[0].1, 1);
                    woken = 1;
                }
            }
            if results.len() == round {
                results.push(bench.answers_of(1));
            }
        }
        results
    });
}

#[test]
fn what_is_no_futex_is_refused() {
    on_both(|bench| {
        let word = AtomicU32::new(5);
        let wait = |user_data| futex(opcode::FUTEX_WAIT, &word, 4, user_data);
        let several = |user_data| Entry { fd: 0, ..Entry::new(opcode::FUTEX_WAITV, user_data) };
        let reserved: [u64; 3] = [5, address(&word), 1 << 32 | FUTEX as u64];
        let entries = [
            Entry { fd: 0, ..wait(1) },
            Entry { fd: 1 << 20, ..wait(2) },
            Entry { address3: 0, ..wait(3) },
            Entry { address3: 1 << 32, ..wait(4) },
            Entry { offset: 1 << 32, ..wait(5) },
            Entry { length: 1, ..wait(6) },
            Entry { op_flags: 1, ..wait(7) },
            Entry { address: wait(8).address + 1, ..wait(8) },
            several(9),
            Entry { length: 129, ..several(10).address_of(&reserved) },
            Entry { length: 1, ..several(11).address_of(&reserved) },
            Entry { fd: 0, ..futex(opcode::FUTEX_WAKE, &word, 1, 12) },
            Entry { address3: 0, ..futex(opcode::FUTEX_WAKE, &word, 1, 13) },
            futex(opcode::FUTEX_WAKE, &word, 0, 14),
        ];
        let mut answers = bench.ask(entries);
        answers.sort_unstable();
        answers
    });
}

/// A child in a group of its own that ends with 3 when it has read a line.
fn child() -> Child {
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", "read line; exit 3"]).stdin(Stdio::piped()).process_group(0);
    shell.spawn().unwrap()
}

fn wait_for(which: u32, number: u32, options: i32, user_data: u64) -> Entry {
    let entry = Entry { fd: number.cast_signed(), ..Entry::new(opcode::WAITID, user_data) };
    Entry { length: which, file_index: options.cast_unsigned(), ..entry }
}

#[test]
fn a_child_is_waited_for_until_it_ends() {
    for (which, options) in [
        (libc::P_PID, libc::WEXITED),
        (libc::P_PGID, libc::WEXITED),
        (libc::P_PID, libc::WEXITED | libc::WSTOPPED),
        (libc::P_PIDFD, libc::WEXITED | libc::WNOWAIT),
    ] {
        on_both(|bench| {
            let mut child = child();
            let descriptor = rustix::process::pidfd_open(
                rustix::process::Pid::from_child(&child),
                rustix::process::PidfdFlags::empty(),
            );
            let descriptor = descriptor.unwrap();
            let number = match which {
                libc::P_PIDFD => descriptor.as_raw_fd().cast_unsigned(),
                _ => child.id(),
            };
            let mut information = [0_i32; 32];
            let entry = wait_for(which, number, options, 1);
            bench.submit([Entry { offset: address_mut(&mut information), ..entry }]);
            assert!(bench.is_quiet());
            let cancelled = bench.cancel(1);
            bench.submit([Entry { offset: address_mut(&mut information), ..entry }]);
            child.stdin.take().unwrap().write_all(b"\n").unwrap();
            let answers = bench.answers(1);
            let [signal, _, code, _, process, _, status, ..] = information;
            assert_eq!(process.cast_unsigned(), child.id());
            // There is nothing left of it, unless it was only looked at.
            let left = bench.ask([wait_for(libc::P_PID, child.id(), libc::WEXITED, 2)]);
            assert_eq!(child.wait().unwrap_err().raw_os_error(), Some(libc::ECHILD));
            (cancelled, answers, signal, code, status, left)
        });
    }
}

#[test]
fn whose_children_there_are_none_is_told_at_once() {
    on_both(|bench| {
        let entries = [
            // The first process is nobody's child here.
            wait_for(libc::P_PID, 1, libc::WEXITED, 1),
            wait_for(libc::P_PID, 1, 0, 2),
            wait_for(9, 1, libc::WEXITED, 3),
            wait_for(libc::P_PIDFD, u32::MAX, libc::WEXITED, 4),
            Entry { op_flags: 1, ..wait_for(libc::P_PID, 1, libc::WEXITED, 5) },
            Entry { address: 1, ..wait_for(libc::P_PID, 1, libc::WEXITED, 6) },
        ];
        let mut answers = bench.ask(entries);
        answers.sort_unstable();
        answers
    });
}

#[test]
fn sockets_tell_and_are_told() {
    on_both(|bench| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let (unix, _peer) = UnixStream::pair().unwrap();
        let (reader, _writer) = io::pipe().unwrap();
        far.write_all(b"hello").unwrap();
        let entry = |operation, user_data| Entry {
            offset: operation,
            ..Entry::new(opcode::URING_CMD, user_data)
        };
        let mut value = [7_i32; 2];
        let option = |operation, level: i32, name: i32, user_data| Entry {
            address: u64::from(level.cast_unsigned()) | u64::from(name.cast_unsigned()) << 32,
            file_index: 4,
            ..entry(operation, user_data)
        };
        let place = address_mut(&mut value);
        let mut answers = Vec::new();
        for entry in [
            entry(0, 1).file(&near),
            entry(1, 2).file(&near),
            entry(0, 3).file(&unix),
            entry(0, 4).file(&reader),
            entry(0, 5),
            entry(77, 6).file(&near),
            Entry { offset: 1 << 32, ..entry(0, 7).file(&near) },
            Entry { op_flags: 1 << 20, ..entry(0, 8).file(&near) },
            entry(0, 9).file(&listener),
            Entry { address3: place, ..option(3, libc::IPPROTO_TCP, libc::TCP_NODELAY, 10) }
                .file(&near),
            Entry { address3: place, ..option(2, libc::IPPROTO_TCP, libc::TCP_NODELAY, 11) }
                .file(&near),
            Entry { address3: place, ..option(2, libc::SOL_SOCKET, 999, 12) }.file(&near),
            Entry { address3: place, ..option(2, libc::SOL_SOCKET, libc::SO_TYPE, 13) }.file(&unix),
        ] {
            answers.extend(bench.ask([entry]));
        }
        assert!(near.nodelay().unwrap());
        (answers, value)
    });
}

#[test]
fn a_poll_gets_another_interest() {
    on_both(|bench| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let poll = |user_data| {
            let mask = libc::POLLPRI.cast_unsigned().into();
            Entry { op_flags: mask, ..Entry::new(opcode::POLL_ADD, user_data) }.file(&near)
        };
        let update = |target, events: i16| Entry {
            address: target,
            length: POLL_UPDATE_EVENTS,
            op_flags: events.cast_unsigned().into(),
            ..Entry::new(POLL_REMOVE, 90 + target)
        };
        // At once what it is ready for, later what it gets ready for, and nothing that is there.
        bench.submit([poll(1), poll(2)]);
        let mut answers = bench.ask([update(1, libc::POLLOUT)]);
        answers.extend(bench.answers(1));
        answers.extend(bench.ask([update(2, libc::POLLIN), update(3, libc::POLLIN)]));
        assert!(bench.is_quiet());
        far.write_all(b"x").unwrap();
        answers.extend(bench.answers(1));
        answers.sort_unstable();
        answers
    });
}

#[test]
fn a_nop_is_answered_as_it_asks() {
    on_both(|bench| {
        let (reader, _writer) = io::pipe().unwrap();
        let nop = |result: i32, flags, user_data| Entry {
            length: result.cast_unsigned(),
            op_flags: flags,
            ..Entry::nop(user_data)
        };
        let mut answers = bench.ask([
            nop(7, NOP_INJECT_RESULT, 1),
            nop(7, 0, 2),
            nop(-libc::EPIPE, NOP_INJECT_RESULT, 3).linked(),
            Entry::nop(4),
            nop(-libc::EPIPE, NOP_INJECT_RESULT, 5).hard_linked(),
            Entry::nop(6),
            nop(8, NOP_INJECT_RESULT | NOP_FILE, 7),
            nop(9, NOP_INJECT_RESULT | NOP_FILE, 8).file(&reader),
            nop(9, NOP_INJECT_RESULT | NOP_FILE | NOP_FIXED_FILE, 9),
            nop(9, NOP_INJECT_RESULT | NOP_DEFERRED, 10),
            nop(9, 1 << 20, 11),
        ]);
        answers.sort_unstable();
        answers
    });
}

#[test]
fn a_timeout_keeps_its_clock() {
    on_both(|bench| {
        let long = milliseconds(60_000);
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let soon = Time { seconds: now.tv_sec, nanoseconds: now.tv_nsec + 5_000_000 };
        let flags = TIMEOUT_BOOTTIME;
        let timeout = Entry { length: 1, op_flags: flags, ..Entry::new(opcode::TIMEOUT, 1) };
        bench.submit([timeout.address_of(&long)]);
        let update = |flags| Entry {
            address: 1,
            op_flags: TIMEOUT_UPDATE | TIMEOUT_ABS | flags,
            offset: address(&soon),
            ..Entry::new(TIMEOUT_REMOVE, 2)
        };
        let mut answers = bench.ask([update(0)]);
        answers.extend(bench.answers(1));
        // A clock cannot be told.
        answers.extend(bench.ask([update(TIMEOUT_BOOTTIME)]));
        answers
    });
}
