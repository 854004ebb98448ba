//! A server of files, and clients that write HTTP by hand.
#![allow(dead_code, reason = "no test uses all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::server::{DRIVERS, Server};
use super::support::{has_ring, ringbahn};

/// Runs a test with a directory on each driver, where there is io_uring.
pub(crate) fn on_each_driver(test: &str, fill: impl Fn(&Path), run: impl Fn(&Server, &Path)) {
    if !has_ring(test) {
        return;
    }
    for driver in DRIVERS {
        let directory = tempfile::tempdir().unwrap();
        fill(directory.path());
        run(&start(&directory, driver), directory.path());
    }
}

pub(crate) fn start(directory: &TempDir, driver: &str) -> Server {
    let arguments = ["serve", ".", "--listen", "127.0.0.1:0", "--driver", driver];
    Server::start(ringbahn(directory.path(), &arguments))
}

/// A client on a connection of its own.
pub(crate) struct Client(pub(crate) BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Client {
    pub(crate) fn new(server: &Server) -> Client {
        let stream = server.connect();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, request: &[u8]) {
        self.0.get_mut().write_all(request).unwrap();
    }

    /// The head of an answer, and how long its body is said to be.
    pub(crate) fn head(&mut self) -> (Answer, usize) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "it ended after {head:?}");
        }
        let status = head.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        let answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        (answer, length)
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[&str]) -> Answer {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(format!("{method} {path} HTTP/1.1\r\nhost: a\r\n{headers}\r\n").as_bytes());
        let (mut answer, length) = self.head();
        if method != "HEAD" {
            answer.body = vec![0; length];
            self.0.read_exact(&mut answer.body).unwrap();
        }
        answer
    }

    pub(crate) fn get(&mut self, path: &str, headers: &[&str]) -> Answer {
        self.ask("GET", path, headers)
    }
}
