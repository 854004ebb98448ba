//! What every driver owes, in each runtime.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::future::join_all;
use ringbahn_core::event::{Accept, Fsync, Nop, Position, Read, Recv, Send, Timeout, Write};
use ringbahn_core::{Cancelled, Drive};

use crate::hosts::in_each;
use crate::scene::{pipe, poll_once, shared};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn files_pipes_sockets_and_timers_work_in_each_runtime() {
    let test = "files_pipes_sockets_and_timers_work_in_each_runtime";
    in_each(test, 4, 8, |driver| async move {
        let file = shared(tempfile::tempfile().unwrap());
        let written = driver.clone().submit(Write::new(file.clone(), "forty-two", Position::At(7)));
        assert_eq!(written.await.0.unwrap(), 9);
        driver.clone().submit(Fsync::new(file.clone())).await.unwrap();
        let (count, bytes) =
            driver.clone().submit(Read::new(file, [0; 16], Position::At(13))).await;
        assert_eq!((count.unwrap(), &bytes[..3]), (3, &b"two"[..]));

        let (reader, mut writer) = pipe();
        let mut read = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
        assert!(poll_once(Pin::new(&mut read)).is_pending());
        writer.write_all(b"x").unwrap();
        assert_eq!(read.await.1, *b"x");

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut accept = driver.clone().submit(Accept::new(shared(listener)));
        assert!(poll_once(Pin::new(&mut accept)).is_pending());
        let client = TcpStream::connect(address).unwrap();
        let (server, peer) = accept.await.unwrap();
        assert_eq!(peer.as_inet(), client.local_addr().ok());
        let (client, server) = (shared(client), shared(server));
        for round in 0..100_u8 {
            let received = driver.clone().submit(Recv::new(server.clone(), [0; 4]));
            let sent = driver.clone().submit(Send::new(client.clone(), [round; 4]));
            let ((_, bytes), (sent, _)) = futures::join!(received, sent);
            assert_eq!((bytes, sent.unwrap()), ([round; 4], 4));
        }

        let begin = Instant::now();
        let wait = Duration::from_millis(20);
        driver.clone().submit(Timeout::new(wait)).await.unwrap();
        assert!(begin.elapsed() >= wait);
    });
}

#[test]
fn what_is_dropped_cancelled_or_late_ends_in_each_runtime() {
    let test = "what_is_dropped_cancelled_or_late_ends_in_each_runtime";
    in_each(test, 4, 8, |driver| async move {
        let (reader, mut writer) = pipe();
        let read = || driver.clone().submit(Read::new(reader.clone(), [7; 1], Position::Current));
        for _ in 0..100 {
            let mut dropped = read();
            assert!(poll_once(Pin::new(&mut dropped)).is_pending());
            drop(dropped);
            let mut cancelled = read();
            assert!(poll_once(Pin::new(&mut cancelled)).is_pending());
            match cancelled.cancel().await {
                Cancelled::Cancelled((result, bytes)) => {
                    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
                    assert_eq!(bytes, [7]);
                }
                Cancelled::Completed(_) => panic!("there was nothing to read"),
            }
        }
        let (result, bytes) = read().timeout(Duration::from_millis(5)).await;
        assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(bytes, [7]);
        // What was dropped takes nothing away.
        writer.write_all(b"y").unwrap();
        assert_eq!(read().await.1, *b"y");
        // One that was never submitted has not run.
        assert!(driver.clone().submit(Nop).cancel().await.is_cancelled());
    });
}

#[test]
fn a_thousand_operations_fit_through_the_smallest_queues() {
    let test = "a_thousand_operations_fit_through_the_smallest_queues";
    in_each(test, 8, 16, |driver| async move {
        let (reader, mut writer) = pipe();
        let reads: Vec<_> = (0..1000)
            .map(|_| driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current)))
            .collect();
        // All at once, when all of them wait: far more than the completion queue holds.
        let write = async {
            driver.clone().submit(Timeout::new(Duration::from_millis(5))).await.unwrap();
            let sent: Vec<u8> = (0..1000).map(|number| number as u8).collect();
            writer.write_all(&sent).unwrap();
            sent
        };
        let (outputs, mut sent) = futures::join!(join_all(reads), write);
        let mut bytes: Vec<u8> = outputs.iter().map(|(_, byte)| byte[0]).collect();
        bytes.sort_unstable();
        sent.sort_unstable();
        assert_eq!(bytes, sent);
        assert!(driver.counters().overflows > 0, "{:#?}", driver.counters());

        // Dropped all at once, each asks for a cancel.
        let mut timers: Vec<_> =
            (0..1000).map(|_| Box::pin(driver.clone().submit(Timeout::new(HOUR)))).collect();
        for timer in &mut timers {
            let _ = futures::poll!(timer.as_mut());
        }
        drop(timers);
    });
}
