//! What any driver that threads share has to do, whatever is behind it.
#![allow(dead_code, reason = "no driver is put through all of it")]

use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::thread;
use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::event::{EventExt, Fsync, Nop, Position, Read, Recv, Send, Write};
use ringbahn_core::{Cancelled, Drive, Shared, SharedFd, Submission};
use ringbahn_drivers::{Counters, Report};

use crate::scene::{Wakes, pipe, run, shared, start, until};
use crate::watched::Watched;

/// A driver that threads share.
pub(crate) trait Driven:
    Drive<Sharing = Shared> + Clone + std::marker::Send + Sync + Unpin + 'static
{
    fn counted(&self) -> Counters;

    fn shut_down(&self, deadline: Duration) -> impl Future<Output = Report>;
}

/// Makes a driver one that the scenarios can use.
macro_rules! driven {
    ($driver:ty) => {
        impl $crate::driven::Driven for $driver {
            fn counted(&self) -> ::ringbahn_drivers::Counters {
                self.counters()
            }

            fn shut_down(
                &self,
                deadline: ::std::time::Duration,
            ) -> impl ::std::future::Future<Output = ::ringbahn_drivers::Report> {
                self.shutdown(deadline)
            }
        }
    };
}

pub(crate) use driven;

pub(crate) fn read<D: Driven>(driver: &D, reader: &SharedFd) -> Submission<Read<[u8; 1]>, D> {
    driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current))
}

/// Waits until the kernel has let go of everything.
#[track_caller]
pub(crate) fn until_idle(driver: &impl Driven) {
    until("nothing is in flight", || {
        let counters = driver.counted();
        counters.in_flight == 0 && counters.submitted == counters.completed
    });
}

/// A shutdown after which all accounts balance.
#[track_caller]
pub(crate) fn end(driver: &impl Driven) -> Report {
    let report = run(driver.shut_down(Duration::from_secs(10)));
    let counters = driver.counted();
    assert_eq!(report.leaked, 0, "{counters:#?}");
    assert_eq!(counters.submitted, counters.completed, "{counters:#?}");
    assert_eq!((counters.in_flight, counters.unknown_cqes), (0, 0), "{counters:#?}");
    report
}

/// Files, pipes and sockets, read and written.
pub(crate) fn data_goes_through(driver: &impl Driven) {
    let file = shared(tempfile::tempfile().unwrap());
    let write = driver.clone().submit(Write::new(file.clone(), "hello", Position::At(3)));
    assert_eq!(run(write).0.unwrap(), 5);
    let read = driver.clone().submit(Read::new(file, vec![0; 16], Position::At(0)));
    let (count, data) = run(read);
    assert_eq!((count.unwrap(), &data[..8]), (8, &b"\0\0\0hello"[..]));

    let (near, mut far) = UnixStream::pair().unwrap();
    let near = shared(near);
    let send = driver.clone().submit(Send::new(near.clone(), "ping"));
    assert_eq!(run(send).0.unwrap(), 4);
    let mut ping = [0; 4];
    far.read_exact(&mut ping).unwrap();
    assert_eq!(&ping, b"ping");
    let mut receive = driver.clone().submit(Recv::new(near, vec![0; 16]));
    run(Pin::new(&mut receive).start());
    assert!(receive.is_in_flight(), "it has been started");
    far.write_all(b"pong!").unwrap();
    let (count, data) = run(receive);
    assert_eq!((count.unwrap(), &data[..5]), (5, &b"pong!"[..]));
}

/// A pair runs in order, and a broken one takes its second part with it.
pub(crate) fn chains_run_in_order(driver: &impl Driven) {
    let file = shared(tempfile::tempfile().unwrap());
    for _ in 0..100 {
        let write = Write::new(file.clone(), "whole", Position::At(0));
        let ((count, _), synced) = run(driver.clone().submit(write.link(Nop)));
        assert_eq!(count.unwrap(), 5);
        synced.unwrap();
        let write = Write::new(file.clone(), "whole", Position::At(u64::MAX));
        let ((count, _), synced) = run(driver.clone().submit(write.link(Fsync::new(file.clone()))));
        assert_eq!(count.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(synced.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }
}

/// A cancel gives everything back, whether the operation was faster or not.
pub(crate) fn cancels_give_everything_back(driver: &impl Driven) {
    let (reader, mut writer) = pipe();
    let read = |buffer| driver.clone().submit(Read::new(reader.clone(), buffer, Position::Current));
    for round in 0..100_u8 {
        let mut slow = read(vec![round; 3]);
        until("it is in flight", || {
            start(&mut slow);
            slow.is_in_flight()
        });
        let Cancelled::Cancelled((result, buffer)) = run(slow.cancel()) else {
            panic!("there was nothing to read");
        };
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        assert_eq!(buffer, [round; 3]);
    }
    let mut fast = read(vec![0; 3]);
    start(&mut fast);
    writer.write_all(b"abc").unwrap();
    until("the read has ended", || driver.counted().in_flight == 0);
    let (result, buffer) = run(fast.cancel()).into_inner();
    assert_eq!((result.unwrap(), &buffer[..]), (3, &b"abc"[..]));
    let mut late = read(vec![0; 3]);
    start(&mut late);
    let error = run(late.timeout(Duration::from_millis(5))).0.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

/// What is dropped is cancelled, and what came all the same is disposed of.
pub(crate) fn dropped_operations_leave_nothing(driver: &impl Driven) {
    let (reader, writer) = io::pipe().unwrap();
    let reader = Arc::new(reader);
    let before = driver.counted().cancelled;
    let ends = Arc::default();
    for _ in 0..100 {
        let file = SharedFd::new(reader.clone());
        let event = Read::new(file, Watched::new(&ends), Position::Current);
        let mut read = driver.clone().submit(event);
        until("it is in flight", || {
            start(&mut read);
            read.is_in_flight()
        });
        drop(read);
    }
    until_idle(driver);
    assert_eq!(driver.counted().cancelled - before, 100);
    until("all is given back", || ends.load(Ordering::SeqCst) == 100);
    until("the file is let go", || Arc::strong_count(&reader) == 1);
    drop(writer);
    // Nothing has been written to since.
    let _ = crate::canary::inspect();
}

/// More operations than there is room for, all at once, in a queue of any size.
pub(crate) fn more_than_fit_all_complete(driver: &impl Driven, count: u8) {
    let (reader, mut writer) = pipe();
    let reads = (0..count).map(|_| read(driver, &reader));
    let mut reads: Vec<_> = reads.collect();
    let (_wakes, waker) = Wakes::new();
    until("all are in flight", || {
        for read in reads.iter_mut().filter(|read| !read.is_in_flight()) {
            assert!(Pin::new(read).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        driver.counted().in_flight == u64::from(count)
    });
    let data: Vec<u8> = (0..count).collect();
    writer.write_all(&data).unwrap();
    let received = run(join_all(reads));
    let mut received: Vec<u8> = received.into_iter().map(|(_, buffer)| buffer[0]).collect();
    received.sort_unstable();
    assert_eq!(received, data);
}

/// Tasks that wait for room are woken when there is some: nobody polls them otherwise.
pub(crate) fn who_waits_for_room_is_woken<D: Driven>(driver: &D) {
    for _ in 0..20 {
        let all = join_all((0..64).map(|_| driver.clone().submit(Nop)));
        run(all).into_iter().for_each(|result| result.unwrap());
        let pairs = join_all((0..16).map(|_| driver.clone().submit(Nop.link(Nop))));
        for (first, second) in run(pairs) {
            // Where a pair fits in.
            if first.is_ok() {
                second.unwrap();
            }
        }
    }
}

/// Many operations of many threads, some of which are dropped or cancelled.
pub(crate) fn threads_do_thousands<D: Driven>(driver: &D, threads: usize, operations: usize) {
    let zero = shared(std::fs::File::open("/dev/zero").unwrap());
    let (reader, _writer) = pipe();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for number in 0..operations {
                    let event = Read::new(zero.clone(), [1; 8], Position::At(0));
                    let (count, data) = run(driver.clone().submit(event));
                    assert_eq!((count.unwrap(), data), (8, [0; 8]));
                    match number % 16 {
                        0 => {
                            let mut abandoned = read(driver, &reader);
                            let _ = crate::scene::poll_once(Pin::new(&mut abandoned));
                        }
                        1 => drop(run(read(driver, &reader).cancel())),
                        2 => {
                            let mut cancelled = read(driver, &reader);
                            let _ = crate::scene::poll_once(Pin::new(&mut cancelled));
                            assert!(run(cancelled.cancel()).into_inner().0.is_err());
                        }
                        _ => run(driver.clone().submit(Nop)).unwrap(),
                    }
                }
            });
        }
    });
    until_idle(driver);
    assert!(driver.counted().completed >= (threads * operations) as u64);
}

/// A shutdown tells how many were stopped, and refuses what comes after it.
pub(crate) fn a_shutdown_counts_what_it_stops<D: Driven>(driver: &D, count: usize) {
    let (reader, _writer) = pipe();
    let mut reads: Vec<_> = (0..count).map(|_| read(driver, &reader)).collect();
    until("all are in flight", || {
        for read in reads.iter_mut().filter(|read| !read.is_in_flight()) {
            start(read);
        }
        driver.counted().in_flight == count as u64
    });
    let report = end(driver);
    assert_eq!(report, Report { completed: 0, cancelled: count as u64, leaked: 0 });
    for (result, _) in run(join_all(reads)) {
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    }
    let refused = run(driver.clone().submit(Nop)).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::NotConnected);
    assert_eq!(end(driver), report, "a second shutdown tells the same");
}
