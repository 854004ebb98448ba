//! Operations that are told to stop.

use std::io::Write as _;
use std::pin::Pin;
use std::thread;

use ringbahn_core::event::{Interest, PollAdd, Position, Read, Timeout};
use ringbahn_core::{Cancelled, Selection, SharedFd, Submission};

use crate::scene::pipe;
use crate::subject::Subject;
use crate::support::{LONG, begin, is_cancelled, pending_read};

on_both_drivers! {
    cancel_race,
    io_cancel,
    cancel_fd_userdata,
    sync_cancel,
    poll_cancel,
    poll_cancel_all,
    poll_cancel_ton,
    poll_cancel_race,
    thread_exit,
}

fn pending_poll<S: Subject>(driver: &S, file: &SharedFd) -> Submission<PollAdd, S> {
    let mut poll = driver.clone().submit(PollAdd::new(file.clone(), Interest::READABLE));
    begin(driver, &mut poll);
    poll
}

/// A cancel and the data arrive at the same time: the byte is in the buffer or in the pipe.
fn cancel_race<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (reader, writer) = pipe();
    for round in 0..200_u8 {
        let read = pending_read(&driver, &reader, 1);
        let mut racer = writer.try_clone().unwrap();
        let racer = thread::spawn(move || racer.write_all(&[round]).unwrap());
        let cancelled = driver.run(read.cancel());
        racer.join().unwrap();
        match cancelled {
            Cancelled::Completed((result, buffer)) => {
                assert_eq!((result.unwrap(), buffer), (1, vec![round]));
            }
            Cancelled::Cancelled((result, _)) => {
                assert!(is_cancelled(&result), "{result:?}");
                let (result, buffer) = driver.run(driver.clone().submit(Read::new(
                    reader.clone(),
                    vec![0; 1],
                    Position::Current,
                )));
                assert_eq!((result.unwrap(), buffer), (1, vec![round]));
            }
        }
    }
    driver.end();
}

/// Of several reads of one file the one that is meant stops, and its buffer comes back.
fn io_cancel<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (reader, mut writer) = pipe();
    let [first, second, third] = [1, 2, 3].map(|length| pending_read(&driver, &reader, length));
    let Cancelled::Cancelled((result, buffer)) = driver.run(second.cancel()) else {
        panic!("there was nothing to read");
    };
    assert!(is_cancelled(&result));
    assert_eq!(buffer.len(), 2);
    writer.write_all(b"abcd").unwrap();
    let received = [driver.run(first).1, driver.run(third).1].concat();
    assert_eq!(received.len(), 4, "{received:?}");
    driver.end();
}

/// Everything on one file is told to stop, and nothing on another.
fn cancel_fd_userdata<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let ((one, _one_writer), (other, mut other_writer)) = (pipe(), pipe());
    let on_one: Vec<_> = (0..3).map(|_| pending_read(&driver, &one, 1)).collect();
    let on_other = pending_read(&driver, &other, 1);
    let selection = Selection::of_file(&one);
    let cancelling = Pin::new(&mut driver.clone()).cancel_selected(&selection).unwrap();
    assert_eq!(driver.run(cancelling).cancelled, 3);
    for read in on_one {
        assert!(is_cancelled(&driver.run(read).0));
    }
    other_writer.write_all(b"z").unwrap();
    assert_eq!(driver.run(on_other).1, b"z");
    driver.end();
}

/// When a cancel of everything is over, everything is over.
fn sync_cancel<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (reader, _writer) = pipe();
    let reads: Vec<_> = (0..20).map(|_| pending_read(&driver, &reader, 1)).collect();
    let cancelling = Pin::new(&mut driver.clone()).cancel_selected(&Selection::all()).unwrap();
    let report = driver.run(cancelling);
    assert_eq!((report.asked, report.cancelled, report.completed), (20, 20, 0));
    assert_eq!(driver.so_far().in_flight, 0);
    for read in reads {
        assert!(is_cancelled(&driver.run(read).0));
    }
    driver.end();
}

/// A poll is told to stop, and a second time when it has stopped.
fn poll_cancel<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (reader, _writer) = pipe();
    let poll = pending_poll(&driver, &reader);
    assert!(driver.run(poll.cancel()).is_cancelled());
    let cancelling = Pin::new(&mut driver.clone()).cancel_selected(&Selection::all()).unwrap();
    assert_eq!(driver.run(cancelling).asked, 0);
    driver.end();
}

/// All polls of a file are told to stop at once.
fn poll_cancel_all<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (reader, _writer) = pipe();
    let polls: Vec<_> = (0..8).map(|_| pending_poll(&driver, &reader)).collect();
    let selection = Selection::of_file(&reader);
    let cancelling = Pin::new(&mut driver.clone()).cancel_selected(&selection).unwrap();
    assert_eq!(driver.run(cancelling).cancelled, 8);
    for poll in polls {
        assert!(is_cancelled(&driver.run(poll)));
    }
    driver.end();
}

/// A thousand polls, told to stop one by one in an order of its own.
fn poll_cancel_ton<S: Subject>() {
    const POLLS: usize = 1000;
    let driver = S::make(8, 16).unwrap();
    let (reader, _writer) = pipe();
    let mut polls: Vec<_> = (0..POLLS).map(|_| Some(pending_poll(&driver, &reader))).collect();
    for number in 0..POLLS {
        // 7 and 1000 have no divisor in common, so each is met once.
        let poll = polls[number * 7 % POLLS].take().expect("not cancelled yet");
        assert!(driver.run(poll.cancel()).is_cancelled());
    }
    assert_eq!(driver.so_far().in_flight, 0);
    driver.end();
}

/// Polls are dropped while they become ready: none is left, and nobody is told twice.
fn poll_cancel_race<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (reader, mut writer) = pipe();
    for _ in 0..100 {
        let polls: Vec<_> = (0..4).map(|_| pending_poll(&driver, &reader)).collect();
        let racer = thread::spawn(move || {
            writer.write_all(b"!").unwrap();
            writer
        });
        drop(polls);
        writer = racer.join().unwrap();
        driver.until("all polls are over", || driver.so_far().in_flight == 0);
        let read = Read::new(reader.clone(), [0; 1], Position::Current);
        driver.run(driver.clone().submit(read)).0.unwrap();
    }
    driver.end();
}

/// What a thread has submitted goes on when the thread is gone.
fn thread_exit<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (reader, writer) = pipe();
    let read = pending_read(&driver, &reader, 1);
    thread::spawn(move || {
        let mut writer = writer;
        writer.write_all(b"x").unwrap();
    })
    .join()
    .unwrap();
    assert_eq!(driver.run(read).1, b"x");
    // And a timeout of a driver lasts while nobody looks.
    let mut timeout = driver.clone().submit(Timeout::new(LONG));
    begin(&driver, &mut timeout);
    drop(timeout);
    driver.until("it is over", || driver.so_far().in_flight == 0);
    driver.end();
}
