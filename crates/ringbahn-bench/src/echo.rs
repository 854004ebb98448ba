//! What an echoed message costs a server, over the raw ring, and what an idle connection costs.
//!
//! The servers do the same: one thread, one multishot receive for each connection, buffers that the
//! kernel chooses, and a send for each message.
//!
//! | way | what it is |
//! |---|---|
//! | raw | the ring by hand |
//! | local | a task for each connection, on the driver of one thread |
//! | at once | the same, with sends served without the ring where they need not wait |
//!
//! What is measured is the time that the server's thread has run, in the program and in the
//! kernel. Each client's message waits for the answer to the one before.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::{fs, io, thread};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::sample::Sample;
use options::Options;

mod idle;
mod options;
mod raw;
mod ringbahn;

/// How often each way has its turn.
const ROUNDS: usize = 11;
/// How many messages one figure is made of.
const MESSAGES: usize = 20_000;
/// How long each of them is, in bytes.
const LENGTH: usize = 64;
/// How many connections there are.
const CONNECTIONS: [usize; 3] = [1, 64, 1000];

/// The buffers of a server: how many, and how large.
const BUFFERS: (u16, u32) = (2048, 1024);
/// The queues of a server.
const ENTRIES: (u32, u32) = (1024, 4096);

/// Serves connections until all of them have ended.
type Serve = fn(Vec<TcpStream>) -> io::Result<()>;

const WAYS: [(&str, Serve); 3] = [
    ("raw", raw::serve),
    ("local", |connections| ringbahn::serve(connections, false)),
    ("at once", |connections| ringbahn::serve(connections, true)),
];

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let options = Options::parse(arguments)?;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    println!(
        "echo of {LENGTH} bytes: nanoseconds of the server's thread for each message, median of \
         {} rounds [quartiles]",
        options.rounds
    );
    println!("{:>12} {:<8} {:>10} {:>22} {:>8}", "connections", "way", "each", "over raw", "ratio");
    for &connections in &options.connections {
        compare(connections, &options)?;
    }
    if options.idle {
        println!();
        idle::run()?;
    }
    Ok(())
}

fn compare(connections: usize, options: &Options) -> Result<(), Box<dyn Error>> {
    let mut servers = Vec::new();
    for (name, serve) in WAYS {
        if options.way.as_deref().is_none_or(|way| way == name) {
            let server = Server::start(name, serve, connections)?;
            servers.push((name, server, Sample::default()));
        }
    }
    // The first round warms up.
    for round in 0..=options.rounds {
        for (_, server, sample) in &mut servers {
            let figure = server.time()?;
            if round > 0 {
                sample.push(figure);
            }
        }
    }
    let base = servers[0].2.clone();
    for (name, server, sample) in servers {
        let over = sample.over(&base);
        let (low, high) = over.spread();
        println!(
            "{connections:>12} {name:<8} {:>10.0} {:>+6.0} [{low:>+6.0}, {high:>+6.0}] {:>8.3}",
            sample.median(),
            over.median(),
            sample.median() / base.median(),
        );
        server.end()?;
    }
    Ok(())
}

/// A server on a thread of its own, and its clients.
struct Server {
    clients: Vec<TcpStream>,
    /// Where the kernel tells how long its thread has run.
    statistics: PathBuf,
    thread: JoinHandle<io::Result<()>>,
}

impl Server {
    fn start(name: &str, serve: Serve, connections: usize) -> Result<Server, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sender, receiver) = channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let thread = fs::read_link("/proc/thread-self")?;
            drop(sender.send(PathBuf::from("/proc").join(thread).join("schedstat")));
            let accepted = (0..connections).map(|_| {
                let (connection, _) = listener.accept()?;
                connection.set_nodelay(true)?;
                Ok(connection)
            });
            serve(accepted.collect::<io::Result<_>>()?)
        })?;
        let clients = (0..connections).map(|_| {
            let client = TcpStream::connect(address)?;
            client.set_nodelay(true)?;
            Ok(client)
        });
        let clients = clients.collect::<io::Result<_>>()?;
        Ok(Server { clients, statistics: receiver.recv()?, thread })
    }

    /// Sends messages and waits for their echoes. Nanoseconds of the server's thread for each.
    fn time(&mut self) -> Result<f64, Box<dyn Error>> {
        let rounds = MESSAGES.div_ceil(self.clients.len());
        let before = self.has_run()?;
        let mut echo = [0; LENGTH];
        for round in 0..rounds {
            let message = [round as u8; LENGTH];
            for client in &mut self.clients {
                client.write_all(&message)?;
            }
            for client in &mut self.clients {
                client.read_exact(&mut echo)?;
                assert_eq!(echo, message, "the echo is another one");
            }
        }
        let ran = self.has_run()? - before;
        Ok(ran as f64 / (rounds * self.clients.len()) as f64)
    }

    fn has_run(&self) -> Result<u64, Box<dyn Error>> {
        let statistics = fs::read_to_string(&self.statistics)?;
        let first = statistics.split(' ').next();
        Ok(first.ok_or("the kernel does not tell how long a thread has run")?.parse()?)
    }

    fn end(self) -> Result<(), Box<dyn Error>> {
        drop(self.clients);
        match self.thread.join() {
            Ok(served) => Ok(served?),
            Err(_) => Err("a server has panicked".into()),
        }
    }
}
