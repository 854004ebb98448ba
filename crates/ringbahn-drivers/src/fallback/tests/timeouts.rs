//! Timeouts: their ends, their counts, and how they are changed.

use ringbahn_core::opcode;
use rustix::time::ClockId;

use super::*;
use crate::fallback::opcodes::*;
use crate::fallback::timers::now;

fn timeout(time: &Time, user_data: u64) -> Entry {
    Entry { length: 1, ..Entry::new(opcode::TIMEOUT, user_data) }.address_of(time)
}

#[test]
fn times_end_in_their_order_and_not_before() {
    on_both(|bench| {
        let times = [30, 10, 20, 0].map(milliseconds);
        let begin = Instant::now();
        bench.submit(times.iter().zip(1..).map(|(time, n)| timeout(time, n)));
        let answers = bench.answers(4);
        (answers, begin.elapsed() >= Duration::from_millis(30))
    });
}

#[test]
fn a_time_may_be_that_of_any_clock() {
    let clocks = [
        (ClockId::Monotonic, 0),
        (ClockId::Boottime, TIMEOUT_BOOTTIME),
        (ClockId::Realtime, TIMEOUT_REALTIME),
    ];
    for (clock, flag) in clocks {
        on_both(|bench| {
            let end = now(clock) + Duration::from_millis(20);
            let end = Time {
                seconds: end.as_secs().cast_signed(),
                nanoseconds: end.subsec_nanos().into(),
            };
            let absolute = Entry { op_flags: flag | TIMEOUT_ABS, ..timeout(&end, 1) };
            let short = milliseconds(1);
            let relative = Entry { op_flags: flag, ..timeout(&short, 2) };
            let begin = Instant::now();
            let mut answers = bench.ask([absolute, relative]);
            answers.sort_unstable();
            (answers, begin.elapsed() >= Duration::from_millis(19))
        });
    }
}

#[test]
fn a_time_that_has_passed_ends_at_once_and_one_too_long_does_not() {
    on_both(|bench| {
        let (past, future) = (
            Time { seconds: 1, nanoseconds: 0 },
            Time { seconds: i64::MAX, nanoseconds: 999_999_999 },
        );
        let entry = Entry { op_flags: TIMEOUT_ABS, ..timeout(&past, 1) };
        let answers = bench.ask([entry]);
        bench.submit([timeout(&future, 2)]);
        assert!(bench.is_quiet());
        let cancel = Entry { address: 2, ..Entry::new(opcode::ASYNC_CANCEL, 3) };
        let mut cancelled = bench.ask([cancel]);
        cancelled.extend(bench.answers(1));
        cancelled.sort_unstable();
        (answers, cancelled)
    });
}

#[test]
fn a_timeout_may_end_with_so_many_answers_of_others() {
    on_both(|bench| {
        let long = milliseconds(60_000);
        let counted = |count, user_data| Entry { offset: count, ..timeout(&long, user_data) };
        bench.submit([counted(2, 1), counted(3, 2), counted(1, 3)]);
        let mut answers = Vec::new();
        for n in 10..13 {
            let mut some = bench.ask([Entry::nop(n)]);
            some.extend(bench.answers(1));
            answers.push(some);
        }
        answers
    });
}

#[test]
fn timeouts_are_removed_and_given_other_times() {
    on_both(|bench| {
        let (long, short) = (milliseconds(60_000), milliseconds(5));
        let remove =
            |target, user_data| Entry { address: target, ..Entry::new(TIMEOUT_REMOVE, user_data) };
        bench.submit([timeout(&long, 1), timeout(&long, 2)]);
        let mut removed = bench.ask([remove(1, 3)]);
        removed.extend(bench.answers(1));
        removed.sort_unstable();
        let update = Entry { op_flags: TIMEOUT_UPDATE, offset: address(&short), ..remove(2, 4) };
        let mut updated = bench.ask([update]);
        updated.extend(bench.answers(1));
        let missing = bench.ask([update]);
        (removed, updated, missing)
    });
}

#[test]
fn a_linked_timeout_is_given_another_time() {
    on_both(|bench| {
        let (reader, _writer) = std::io::pipe().unwrap();
        let mut into = [0; 2];
        let (long, short) = (milliseconds(60_000), milliseconds(5));
        let read = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, 1) };
        let read = read.file(&reader).buffer(&mut into).linked();
        bench.submit([read, Entry { opcode: LINK_TIMEOUT, ..timeout(&long, 2) }]);
        let flags = TIMEOUT_UPDATE | TIMEOUT_LINK_UPDATE;
        let update = Entry { address: 2, op_flags: flags, ..Entry::new(TIMEOUT_REMOVE, 3) };
        let mut answers = bench.ask([Entry { offset: address(&short), ..update }]);
        answers.extend(bench.answers(2));
        answers
    });
}
