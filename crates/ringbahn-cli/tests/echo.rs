//! `ringbahn echo`, with clients of std.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

#[path = "support/support.rs"]
mod support;
use support::{bytes, has_ring, ringbahn, ringbahn_after, text};

/// A server that is gone with this value.
struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Server {
    fn new() -> Server {
        Server::start(ringbahn(Path::new("/"), &["echo", "127.0.0.1:0"]))
    }

    fn start(mut command: Command) -> Server {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").and_then(|at| at.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Server { child, output, address }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, and yields the status, the last line and the errors.
    fn end(mut self) -> (Option<i32>, String, String) {
        let status = self.child.wait().unwrap();
        let (mut line, mut errors) = (String::new(), String::new());
        self.output.read_to_string(&mut line).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (status.code(), line, errors)
    }

    /// For how long it has used a processor, in ticks of which there are a hundred in a second.
    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields: Vec<_> = fields.split_whitespace().collect();
        // The fields 14 and 15, of which the first two came before.
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where a test has failed; otherwise it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    for signal in [Signal::INT, Signal::TERM] {
        let server = Server::new();
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
    const PATIENCE: Duration = Duration::from_secs(1);
    let arguments = ["echo", "127.0.0.1:0", "--driver", "default"];
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
    let message = bytes(16 << 10);
    let server = Server::new();
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
    let server = Server::new();
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
