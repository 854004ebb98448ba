//! `ringbahn echo`, with clients of std.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

#[path = "support/server.rs"]
mod server;
#[path = "support/support.rs"]
mod support;
use server::{DRIVERS, Server};
use support::{bytes, has_ring, ringbahn, ringbahn_after, text};

fn start(driver: &str) -> Server {
    Server::start(ringbahn(Path::new("/"), &["echo", "127.0.0.1:0", "--driver", driver]))
}

/// Sends `message` while it receives, and holds if it comes back.
fn converse(mut connection: TcpStream, message: &[u8]) {
    let mut sender = connection.try_clone().unwrap();
    let mut there = Vec::new();
    thread::scope(|scope| {
        scope.spawn(move || {
            // In parts that are as long as nothing else.
            for part in message.chunks(7919) {
                sender.write_all(part).unwrap();
            }
            sender.shutdown(Shutdown::Write).unwrap();
        });
        connection.read_to_end(&mut there).unwrap();
    });
    assert!(there == message, "{} bytes of {} came back", there.len(), message.len());
}

fn all_at_once(server: &Server, clients: usize) -> usize {
    let lengths: Vec<usize> = (0..clients).map(|number| number * 3001).collect();
    thread::scope(|scope| {
        for &length in &lengths {
            scope.spawn(move || {
                // Not the same bytes for any two.
                let mut message = bytes(length);
                message.rotate_left(length / 3);
                converse(server.connect(), &message);
            });
        }
    });
    lengths.iter().sum()
}

#[test]
fn a_hundred_clients_get_back_what_they_send() {
    if !has_ring("a_hundred_clients_get_back_what_they_send") {
        return;
    }
    for (driver, signal) in DRIVERS.into_iter().zip([Signal::INT, Signal::TERM]) {
        let server = start(driver);
        let sum = all_at_once(&server, 100);
        server.signal(signal);
        let (status, line, errors) = server.end();
        assert_eq!((status, &*errors), (Some(0), ""));
        assert_eq!(line, format!("100 connections, {sum} bytes\n"));
    }
}

#[test]
fn clients_wait_while_the_server_has_no_descriptor_left() {
    if !has_ring("clients_wait_while_the_server_has_no_descriptor_left") {
        return;
    }
    DRIVERS.into_iter().for_each(clients_wait_on);
}

fn clients_wait_on(driver: &str) {
    const PATIENCE: Duration = Duration::from_secs(1);
    let arguments = ["echo", "127.0.0.1:0", "--driver", driver];
    let server = Server::start(ringbahn_after("ulimit -n 30", Path::new("/"), &arguments));
    // More than it can have, all of them at the same time.
    let waiting: Vec<_> = (0..40).map(|_| server.connect()).collect();
    let answers = |mut connection: &TcpStream| {
        connection.write_all(b"?").unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        loop {
            match connection.read(&mut [0; 2]) {
                Ok(1) => return true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // A receive with a timeout is not repeated by the system.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => panic!("{other:?}"),
            }
        }
    };
    assert!(answers(&waiting[0]));
    assert!(!answers(&waiting[39]));
    let before = server.ticks();
    // sleep: only to see how much it does in a time in which there is nothing to do.
    thread::sleep(PATIENCE);
    let ticks = server.ticks() - before;
    assert!(ticks < 20, "{ticks} of 100 ticks were used");

    for mut connection in waiting {
        connection.shutdown(Shutdown::Write).unwrap();
        connection.set_read_timeout(None).unwrap();
        connection.read_to_end(&mut Vec::new()).unwrap();
    }
    let sum = all_at_once(&server, 100);
    server.signal(Signal::TERM);
    let (status, line, errors) = server.end();
    assert_eq!(status, Some(0), "{errors}");
    assert_eq!(line, format!("140 connections, {} bytes\n", sum + 2));
    assert_eq!(errors.matches("Too many open files").count(), 1, "{errors}");
}

#[test]
fn at_the_end_everything_that_has_arrived_is_sent_back() {
    if !has_ring("at_the_end_everything_that_has_arrived_is_sent_back") {
        return;
    }
    DRIVERS.into_iter().for_each(everything_is_sent_back_on);
}

fn everything_is_sent_back_on(driver: &str) {
    let message = bytes(16 << 10);
    let server = start(driver);
    let idle: Vec<_> = (0..10).map(|_| server.connect()).collect();
    let mut busy: Vec<_> = (0..10).map(|_| server.connect()).collect();
    for connection in idle.iter().chain(&busy) {
        // So that each is known to have been accepted.
        let mut connection = connection;
        connection.write_all(b"!").unwrap();
        connection.read_exact(&mut [0]).unwrap();
    }
    for connection in &mut busy {
        connection.write_all(&message).unwrap();
        connection.read_exact(&mut [0]).unwrap();
    }
    server.signal(Signal::INT);
    for mut connection in busy {
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).unwrap();
        assert!(rest == message[1..]);
    }
    for mut connection in idle {
        assert_eq!(connection.read(&mut [0]).unwrap(), 0);
    }
    let (status, line, errors) = server.end();
    assert_eq!((status, &*errors), (Some(0), ""));
    assert_eq!(line, format!("20 connections, {} bytes\n", 20 + 10 * message.len()));
}

#[test]
fn a_second_signal_ends_what_would_take_for_ever() {
    if !has_ring("a_second_signal_ends_what_would_take_for_ever") {
        return;
    }
    DRIVERS.into_iter().for_each(a_second_signal_ends_on);
}

fn a_second_signal_ends_on(driver: &str) {
    let server = start(driver);
    let mut connection = server.connect();
    connection.set_nonblocking(true).unwrap();
    // Until all the room there is between both is full.
    let begin = Instant::now();
    let mut full = 0;
    while full < 100 {
        assert!(begin.elapsed() < Duration::from_secs(60));
        match connection.write(&[7; 64 << 10]) {
            Ok(_) => full = 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                full += 1;
                // sleep: only so that the server can do its part; it is repeated until it cannot.
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("{error}"),
        }
    }
    server.signal(Signal::INT);
    // It has begun to end when nobody listens any more.
    while TcpStream::connect(server.address).is_ok() {
        thread::yield_now();
    }
    let begin = Instant::now();
    server.signal(Signal::INT);
    let (status, line, errors) = server.end();
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert_eq!(status, Some(1));
    assert!(line.contains(" connections, ") && line.ends_with(" bytes\n"), "{line}");
    assert!(errors.contains("1 connection was cut off"), "{errors}");
}

#[test]
fn an_address_that_cannot_be_listened_on_is_named() {
    if !has_ring("an_address_that_cannot_be_listened_on_is_named") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    for address in ["nonsense", "127.0.0.1", "192.0.2.1:80", &taken] {
        let output = ringbahn(Path::new("/"), &["echo", address]).output().unwrap();
        let errors = text(&output.stderr);
        assert_eq!((output.status.code(), errors.lines().count()), (Some(2), 1), "{errors}");
        assert!(errors.contains(&format!("cannot listen on {address}")), "{errors}");
        assert!(output.stdout.is_empty());
    }
}
