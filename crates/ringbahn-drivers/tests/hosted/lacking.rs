//! Operations that the kernel does not know, on a hosted ring: they are executed beside it, and the
//! runtime learns from one descriptor that either side has something.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::event::{Accept, Nop, Position, Read, Recv, Timeout, Write};
use ringbahn_core::{Cancelled, Drive, opcode};
use ringbahn_drivers::{Backend, HostedBuilder, Policy};

use crate::hosts::{built, end, in_each_with, in_time, one_thread, settings};
use crate::scene::{pipe, run, shared, start};

const HOUR: Duration = Duration::from_secs(3600);

/// The kernel is said to know neither reads nor accepts.
fn lacking(entries: u32) -> HostedBuilder {
    let settings = settings(entries, 2 * entries).policy(Policy::Require);
    settings.without(opcode::READ).without(opcode::ACCEPT)
}

/// Each waits, with nothing else to wake the runtime: one of the fallback's, one of the kernel's.
#[test]
fn a_runtime_is_woken_by_either_side() {
    in_each_with("a_runtime_is_woken_by_either_side", lacking(4), |driver| async move {
        assert_eq!(driver.backend(), Backend::IoUring);
        for _ in 0..20 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let mut accept = driver.clone().submit(Accept::new(shared(listener)));
            start(&mut accept);
            let client = thread::spawn(move || TcpStream::connect(address).unwrap());
            let (server, _) = accept.await.unwrap();
            let mut client = client.join().unwrap();

            let mut receive = driver.clone().submit(Recv::new(shared(server), [0; 5]));
            start(&mut receive);
            let sent = thread::spawn(move || client.write_all(b"hello").map(|()| client));
            assert_eq!(receive.await.1, *b"hello");
            drop(sent.join().unwrap().unwrap());
        }
    });
}

#[test]
fn both_sides_work_through_the_smallest_queue() {
    let test = "both_sides_work_through_the_smallest_queue";
    in_each_with(test, lacking(1), |driver| async move {
        let file = shared(tempfile::tempfile().unwrap());
        // Of the kernel, and then of the fallback what that has written.
        let rounds = (0..200_u64).map(|round| {
            let (driver, file) = (driver.clone(), file.clone());
            async move {
                let (bytes, at) = (round.to_be_bytes(), Position::At(8 * round));
                let write = driver.clone().submit(Write::new(file.clone(), bytes, at));
                assert_eq!(write.await.0.unwrap(), 8);
                let (count, read) = driver.submit(Read::new(file, [0; 8], at)).await;
                assert_eq!((count.unwrap(), read), (8, bytes));
            }
        });
        join_all(rounds).await;
    });
}

#[test]
fn what_waits_beside_the_ring_is_dropped_cancelled_and_late() {
    let test = "what_waits_beside_the_ring_is_dropped_cancelled_and_late";
    in_each_with(test, lacking(2), |driver| async move {
        let (reader, mut writer) = pipe();
        let read = || driver.clone().submit(Read::new(reader.clone(), [7; 1], Position::Current));
        for _ in 0..20 {
            let mut dropped = read();
            start(&mut dropped);
            drop(dropped);
            let mut cancelled = read();
            start(&mut cancelled);
            let Cancelled::Cancelled((result, bytes)) = cancelled.cancel().await else {
                panic!("there was nothing to read");
            };
            assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
            assert_eq!(bytes, [7]);
            let (result, bytes) = read().timeout(Duration::from_millis(1)).await;
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(bytes, [7]);
        }
        driver.clone().submit(Nop).await.unwrap();
        // What is gone takes nothing away.
        writer.write_all(b"x").unwrap();
        assert_eq!(read().await.1, *b"x");
    });
}

#[test]
fn what_is_in_flight_on_either_side_ends_with_the_driver() {
    let test = "what_is_in_flight_on_either_side_ends_with_the_driver";
    in_each_with(test, lacking(2), |driver| async move {
        let (reader, _writer) = pipe();
        let mut read = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
        let mut timer = driver.clone().submit(Timeout::new(HOUR));
        start(&mut read);
        start(&mut timer);
        assert_eq!(end(&driver).await.cancelled, 2);
        assert!(read.await.0.is_err());
        assert!(timer.await.is_err());
    });
}

/// The helper, too, is woken by either side.
#[test]
fn both_sides_outlive_their_runtime() {
    let test = "both_sides_outlive_their_runtime";
    in_time(move || {
        let runtime = one_thread();
        let driver = runtime.block_on(async { lacking(2).build_in_tokio() });
        let Some(driver) = built(test, driver) else { return };
        let (reader, mut writer) = pipe();
        let read = || driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));
        let mut before = read();
        start(&mut before);
        drop(runtime);
        assert!(!driver.is_hosted());
        writer.write_all(b"a").unwrap();
        assert_eq!(run(before).1, *b"a");
        let mut after = read();
        start(&mut after);
        run(driver.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
        writer.write_all(b"b").unwrap();
        assert_eq!(run(after).1, *b"b");
        run(end(&driver));
    });
}
