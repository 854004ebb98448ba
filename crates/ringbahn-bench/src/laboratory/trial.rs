//! A trial: one contender does one case, in a process of its own, and is measured there.
//!
//! So that nothing which one leaves behind falls upon the next: memory, threads, sockets, rings.
//! The process is given a [`Trial`] as an argument. What it says on its standard output is one
//! [`Word`] a line; a server is also told on its standard input when it is to be measured.

use std::io::{self, BufRead as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

use super::case::Case;
use super::contender::{Backend, Contender, Failure, Task};
use super::contenders;
use super::ground::Ground;
use super::measured::{Latencies, Measured};
use super::meter::Meter;
use super::processors;
use super::snapshot::{self, Snapshot, SystemCalls, Used};
use crate::allocations;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 16_384;

const TOO_SHORT: &str = "it has not gone on for as long as it should";

/// What a process is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) contender: String,
    pub(crate) case: Case,
    pub(crate) ground: Ground,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// System calls and allocations are counted, which takes time, instead of the time.
    pub(crate) counts: bool,
    /// The processor to stay on; `None` if there is but one.
    pub(crate) processor: Option<usize>,
}

/// What the process says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// The server can be connected to.
    Listening(SocketAddr),
    /// The server is measured from now on.
    Started,
    /// The memory of the server that is in RAM, in bytes.
    Resident(u64),
    /// What was measured. It is the last word. A server does not know of operations and latencies.
    Measured(Measured),
    /// It could not be done. It is the last word.
    Failed(String),
}

/// What a server is told.
pub(crate) const START: &str = "start";
pub(crate) const RESIDENT: &str = "resident";
pub(crate) const STOP: &str = "stop";

/// Does the trial, and says how it went.
pub(crate) fn run(trial: &Trial) {
    if let Err(failure) = attempt(trial) {
        say(&Word::Failed(failure.to_string()));
    }
}

fn attempt(trial: &Trial) -> Result<(), Failure> {
    if let Some(processor) = trial.processor {
        processors::stay_on(processor)?;
    }
    let contender = contenders::named(&trial.contender).ok_or("there is no such contender")?;
    let task = contender.task(&trial.case).ok_or("it does not do that")?;
    let mut system_calls = None;
    if trial.counts {
        allocations::begin();
        // Before there are threads, whose calls are counted as well.
        system_calls = SystemCalls::begin().ok();
    }
    match task {
        Task::Work(work) => {
            let one_of = trial.case.timed_one_of();
            let ground = trial.ground.clone();
            let mut meter = Meter::new(ground, one_of, trial.warm_up, trial.measured, system_calls);
            work(&mut meter)?;
            let backend = meter.backend().ok_or(TOO_SHORT)?;
            let reading = meter.read().ok_or(TOO_SHORT)?;
            expect(contender, backend)?;
            say(&Word::Measured(Measured {
                operations: reading.operations,
                latencies: Latencies::of(&reading.latencies),
                ..measured(&reading.used, backend)?
            }));
            Ok(())
        }
        Task::Serve(serve) => {
            let listener = listener()?;
            let address = listener.local_addr()?;
            thread::Builder::new()
                .name("control".to_owned())
                .spawn(move || control(contender, system_calls))?;
            say(&Word::Listening(address));
            serve(listener)?;
            Err("the server has ended by itself".into())
        }
    }
}

/// Measures the server between two words of the one who loads it, and ends the process.
fn control(contender: &Contender, mut system_calls: Option<SystemCalls>) {
    let mut start = None;
    for line in io::stdin().lock().lines() {
        match line.as_deref() {
            Ok(START) => {
                start = Some(Snapshot::take(system_calls.as_mut()));
                say(&Word::Started);
            }
            Ok(RESIDENT) => say(&snapshot::resident().map_or_else(failed, Word::Resident)),
            Ok(STOP) => {
                let end = Snapshot::take(system_calls.as_mut());
                let start = start.take().unwrap_or_else(|| Snapshot::take(None));
                say(&stopped(contender, &start.until(&end)).map_or_else(failed, Word::Measured));
                break;
            }
            _ => break,
        }
    }
    // Servers do not end by themselves; nor need they.
    std::process::exit(0);
}

fn stopped(contender: &Contender, used: &Used) -> Result<Measured, Failure> {
    let backend = snapshot::backend()?;
    expect(contender, backend)?;
    measured(used, backend)
}

fn measured(used: &Used, backend: Backend) -> Result<Measured, Failure> {
    Ok(Measured {
        operations: 0,
        wall_nanoseconds: used.wall.as_nanos() as u64,
        processor_nanoseconds: used.processor.as_nanos() as u64,
        others_nanoseconds: used.others.as_nanos() as u64,
        system_calls: used.system_calls,
        allocations: used.allocations,
        resident: snapshot::resident()?,
        latencies: None,
        backend,
    })
}

fn expect(contender: &Contender, backend: Backend) -> Result<(), Failure> {
    if backend == contender.backend {
        return Ok(());
    }
    let expected = contender.backend;
    Err(format!("it was to use {expected}, and has used {backend}").into())
}

fn listener() -> Result<TcpListener, Failure> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn failed(failure: Failure) -> Word {
    Word::Failed(failure.to_string())
}

fn say(word: &Word) {
    let line = serde_json::to_string(word).expect("a word can be written");
    let mut output = io::stdout().lock();
    // Whoever does not listen any more does not miss it.
    drop(writeln!(output, "{line}").and_then(|()| output.flush()));
}
