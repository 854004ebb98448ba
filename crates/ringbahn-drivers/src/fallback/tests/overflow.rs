//! Completion queues that are too small, and those who wait for them.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::thread;

use ringbahn_core::opcode;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll as poll_now};

use super::*;
use crate::Readiness;

#[test]
fn what_does_not_fit_in_comes_in_later_in_its_order() {
    for backend in [Backend::Fallback, Backend::IoUring] {
        let Some(mut bench) = Bench::new(1, 2, backend) else { return };
        for n in 0..9 {
            bench.submit([Entry::nop(n)]);
            assert_eq!(bench.queues.handle.overflowed(), n >= 2);
        }
        let mut seen = Vec::new();
        while seen.len() < 9 {
            while let Some(cqe) = bench.queues.completion.pop_raw() {
                seen.push(cqe.user_data);
            }
            assert_eq!(bench.queues.handle.overflowed(), seen.len() < 9);
            bench.queues.handle.enter_flush().unwrap();
        }
        assert_eq!(seen, Vec::from_iter(0..9));
        assert_eq!(bench.queues.handle.overflow_count(), 0);
        assert!(!bench.queues.handle.overflowed());
    }
}

#[test]
fn a_wait_is_over_when_there_are_as_many_as_were_wanted() {
    on_both(|bench| {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut into = [[0_u8; 1]; 3];
        let reads = into.iter_mut().zip(1..).map(|(into, n)| {
            let entry = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, n) };
            entry.file(&reader).buffer(into)
        });
        bench.submit(reads);
        let handle = bench.queues.handle.clone();
        let waiter = thread::spawn(move || {
            loop {
                match handle.enter_timeout(3, PATIENCE) {
                    Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                    waited => {
                        return waited
                            .map_err(|error| format!("{error} on {}", handle.backend()))
                            .unwrap();
                    }
                }
            }
        });
        for byte in [b"a", b"b", b"c"] {
            writer.write_all(byte).unwrap();
        }
        waiter.join().unwrap();
        let mut answers = bench.answers(3);
        answers.sort_unstable();
        answers
    });
}

#[test]
fn the_ring_is_readable_exactly_while_there_is_something_to_reap() {
    for backend in [Backend::Fallback, Backend::IoUring] {
        let Some(mut bench) = Bench::new(4, 4, backend) else { return };
        let poll =
            |bench: &Bench, time| bench.queues.handle.poll_readable(None, Some(time)).unwrap().ring;
        let short = Duration::from_millis(10);
        assert!(!poll(&bench, short));
        bench.submit((0..4).map(Entry::nop));
        bench.submit((4..6).map(Entry::nop));
        assert!(poll(&bench, PATIENCE) && poll(&bench, PATIENCE));
        for _ in 0..4 {
            assert!(bench.queues.completion.pop_raw().is_some());
        }
        assert!(poll(&bench, PATIENCE), "there are some that did not fit in");
        assert_eq!(bench.answers(2).len(), 2);
        assert!(!poll(&bench, short));
        let wake = eventfd(1, EventfdFlags::CLOEXEC).unwrap();
        let both = bench.queues.handle.poll_readable(Some(wake.as_fd()), Some(PATIENCE));
        assert_eq!(both.unwrap(), Readiness { ring: false, wake: true });
    }
}

#[test]
fn who_polls_is_woken_by_what_comes_meanwhile() {
    on_both(|bench| {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut into = [0; 2];
        let entry = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, 1) };
        bench.submit([entry.file(&reader).buffer(&mut into)]);
        let handle = bench.queues.handle.clone();
        let watcher = thread::spawn(move || handle.poll_readable(None, Some(PATIENCE)).unwrap());
        writer.write_all(b"hi").unwrap();
        assert!(watcher.join().unwrap().ring);
        bench.answers(1)
    });
}

#[test]
fn who_has_a_descriptor_of_his_own_is_told_of_everything() {
    on_both(|bench| {
        let descriptor = bench.queues.handle.duplicate().unwrap();
        let is_readable = || {
            let mut poll = [PollFd::new(&descriptor, PollFlags::IN)];
            poll_now(&mut poll, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
        };
        let mut told = vec![is_readable()];
        bench.submit([Entry::nop(1), Entry::nop(2)]);
        told.push(is_readable());
        assert_eq!(bench.answers(1).len(), 1);
        told.push(is_readable());
        assert_eq!(bench.answers(1).len(), 1);
        told.push(is_readable());
        bench.submit([Entry::nop(3)]);
        told.push(is_readable());
        told
    });
}
