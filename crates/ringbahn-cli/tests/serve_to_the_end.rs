//! `ringbahn serve` with much to send: to many clients, of files that change, and at its end.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

#[path = "support/server.rs"]
mod server;
#[path = "support/support.rs"]
mod support;
#[path = "support/web.rs"]
mod web;
use server::{DRIVERS, Server};
use support::{bytes, has_ring};
use web::{Client, on_each_driver, start};

/// Larger than all the room there is between a server and a client that does not read.
const LARGE: usize = 64 << 20;

#[test]
fn fifty_clients_get_what_they_ask_for() {
    let fill = |directory: &Path| {
        for number in 0..50 {
            let mut contents = bytes(number * 10_007);
            contents.rotate_left(number * 11);
            fs::write(directory.join(number.to_string()), contents).unwrap();
        }
    };
    on_each_driver("fifty_clients_get_what_they_ask_for", fill, |server, directory| {
        thread::scope(|scope| {
            for client in 0..50 {
                scope.spawn(move || {
                    let mut connection = Client::new(server);
                    for turn in 0..10 {
                        let name = ((client + turn * 7) % 50).to_string();
                        let got = connection.get(&format!("/{name}"), &[]);
                        assert_eq!(got.status, 200);
                        assert!(got.body == fs::read(directory.join(name)).unwrap());
                    }
                });
            }
        });
    });
}

fn large(directory: &Path) {
    File::create(directory.join("large")).unwrap().set_len(LARGE as u64).unwrap();
    fs::write(directory.join("small"), "small").unwrap();
}

fn ask_for_large(server: &Server) -> Client {
    let mut client = Client::new(server);
    client.send(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n");
    let (answer, length) = client.head();
    assert_eq!((answer.status, length), (200, LARGE));
    client
}

#[test]
fn a_file_that_shrinks_ends_the_connection() {
    on_each_driver("a_file_that_shrinks_ends_the_connection", large, |server, directory| {
        let mut client = ask_for_large(server);
        let file = OpenOptions::new().write(true).open(directory.join("large")).unwrap();
        file.set_len(1).unwrap();
        let mut rest = Vec::new();
        // With an end or a reset: what counts is that it is not taken for the whole.
        let _ = client.0.read_to_end(&mut rest);
        assert!(rest.len() < LARGE, "{}", rest.len());
        assert_eq!(Client::new(server).get("/small", &[]).body, b"small");
    });
}

#[test]
fn a_file_that_grows_is_sent_as_long_as_it_was() {
    on_each_driver("a_file_that_grows_is_sent_as_long_as_it_was", large, |server, directory| {
        let mut client = ask_for_large(server);
        let file = OpenOptions::new().write(true).open(directory.join("large")).unwrap();
        file.write_all_at(b"more", LARGE as u64).unwrap();
        let mut body = vec![1; LARGE];
        client.0.read_exact(&mut body).unwrap();
        assert!(body.iter().all(|byte| *byte == 0));
        assert_eq!(client.get("/small", &[]).body, b"small");
    });
}

#[test]
fn a_file_is_never_in_memory_as_a_whole() {
    const SIZE: u64 = 1 << 30;
    let fill = |directory: &Path| {
        File::create(directory.join("huge")).unwrap().set_len(SIZE).unwrap();
    };
    on_each_driver("a_file_is_never_in_memory_as_a_whole", fill, |server, _| {
        let mut client = Client::new(server);
        client.send(b"GET /huge HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        assert_eq!(client.head().1 as u64, SIZE);
        assert_eq!(std::io::copy(&mut client.0, &mut std::io::sink()).unwrap(), SIZE);
        let peak = server.peak_memory();
        assert!(peak < SIZE / 2 / 1024, "{peak} KiB");
    });
}

#[test]
fn answers_that_have_begun_are_finished_at_the_end() {
    if !has_ring("answers_that_have_begun_are_finished_at_the_end") {
        return;
    }
    for (driver, signal) in DRIVERS.into_iter().zip([Signal::INT, Signal::TERM]) {
        let directory = tempfile::tempdir().unwrap();
        large(directory.path());
        let server = start(&directory, driver);
        let mut idle = Client::new(&server);
        assert_eq!(idle.get("/small", &[]).body, b"small");
        let mut busy = ask_for_large(&server);
        server.signal(signal);
        assert_eq!(idle.0.read_to_end(&mut Vec::new()).unwrap(), 0);
        let mut body = Vec::new();
        busy.0.read_to_end(&mut body).unwrap();
        assert_eq!(body.len(), LARGE);
        let (status, line, errors) = server.end();
        assert_eq!((status, &*errors), (Some(0), ""));
        assert_eq!(line, format!("2 connections, 2 requests, {} bytes\n", LARGE + 5));
    }
}

#[test]
fn a_second_signal_ends_what_would_take_for_ever() {
    if !has_ring("a_second_signal_ends_what_would_take_for_ever") {
        return;
    }
    for driver in DRIVERS {
        let directory = tempfile::tempdir().unwrap();
        large(directory.path());
        let server = start(&directory, driver);
        let client = ask_for_large(&server);
        server.signal(Signal::INT);
        // It has begun to end when nobody listens any more.
        while TcpStream::connect(server.address).is_ok() {
            thread::yield_now();
        }
        let begin = Instant::now();
        server.signal(Signal::INT);
        let (status, line, errors) = server.end();
        assert!(begin.elapsed() < Duration::from_secs(4));
        assert_eq!(status, Some(1), "{line}");
        assert!(errors.contains("1 connection was cut off"), "{errors}");
        drop(client);
    }
}
