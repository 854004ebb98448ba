//! [`Contender`]: one way to do the workloads, or those of them that it can.

use std::error::Error;
use std::fmt;
use std::net::TcpListener;

use serde::{Deserialize, Serialize};

use super::case::{
    Accept, Append, Cancel, Case, Copy, Echo, Http, Idle, InFlight, Metadata, Nop, ReadRandom,
    ReadWhole, Sequential, Timers, Wake,
};
use super::meter::Meter;

/// Why a contender could not do what it was to do.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// How it went.
pub(crate) type Done = Result<(), Failure>;

/// Does a workload until the [`Meter`] has had enough.
pub(crate) type Work<W> = fn(&W, &mut Meter) -> Done;

/// Serves whoever connects, for as long as the process lives.
///
/// It has the listener to itself, whose queue is long enough. The sockets are to have `TCP_NODELAY`
/// where answers are written.
pub(crate) type Serve<W> = fn(&W, TcpListener) -> Done;

/// One way to do the workloads.
pub(crate) struct Contender {
    /// What it is called, in a word or two joined by a hyphen.
    pub(crate) name: &'static str,
    /// What it is, in a sentence for the report.
    pub(crate) about: &'static str,
    /// Whose it is.
    pub(crate) family: Family,
    /// What it must be found to have used.
    pub(crate) backend: Backend,
    /// The workloads that it does.
    pub(crate) abilities: Abilities,
}

/// Whose a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Family {
    /// The ring by hand in its best form, which everything is compared with.
    Raw,
    /// System calls by hand, without a ring.
    Plain,
    /// ringbahn on one of its drivers.
    Ringbahn,
    /// Another library.
    Peer,
}

/// By what means a process has waited and moved its data.
///
/// It is looked up among the descriptors of the process when it has been measured: a library that
/// has quietly done without a ring is not compared as if it had used one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Backend {
    /// There is a ring.
    IoUring,
    /// There is a set of epoll, and no ring.
    Epoll,
    /// There is neither.
    Calls,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Backend::IoUring => "io_uring",
            Backend::Epoll => "epoll",
            Backend::Calls => "system calls alone",
        })
    }
}

/// The workloads that a contender does.
#[derive(Clone, Copy)]
pub(crate) struct Abilities {
    pub(crate) nop: Option<Work<Nop>>,
    pub(crate) read_random: Option<Work<ReadRandom>>,
    pub(crate) read_sequential: Option<Work<Sequential>>,
    pub(crate) write_sequential: Option<Work<Sequential>>,
    pub(crate) read_whole: Option<Work<ReadWhole>>,
    pub(crate) copy: Option<Work<Copy>>,
    pub(crate) append: Option<Work<Append>>,
    pub(crate) metadata: Option<Work<Metadata>>,
    pub(crate) echo: Option<Serve<Echo>>,
    pub(crate) accept: Option<Serve<Accept>>,
    pub(crate) idle: Option<Serve<Idle>>,
    pub(crate) http: Option<Serve<Http>>,
    pub(crate) timers: Option<Work<Timers>>,
    pub(crate) cancel: Option<Work<Cancel>>,
    pub(crate) in_flight: Option<Work<InFlight>>,
    pub(crate) wake: Option<Work<Wake>>,
    /// Which cases of these workloads it leaves alone.
    pub(crate) declines: fn(&Case) -> bool,
}

impl Abilities {
    /// Nothing, which a contender's list begins with.
    pub(crate) const NONE: Abilities = Abilities {
        nop: None,
        read_random: None,
        read_sequential: None,
        write_sequential: None,
        read_whole: None,
        copy: None,
        append: None,
        metadata: None,
        echo: None,
        accept: None,
        idle: None,
        http: None,
        timers: None,
        cancel: None,
        in_flight: None,
        wake: None,
        declines: |_| false,
    };
}

/// A case, ready to be done by a contender.
pub(crate) enum Task {
    /// It measures itself.
    Work(Box<dyn FnOnce(&mut Meter) -> Done>),
    /// It serves, and is measured meanwhile.
    Serve(Box<dyn FnOnce(TcpListener) -> Done>),
}

impl Contender {
    /// The case as this contender does it; `None` if it does not.
    pub(crate) fn task(&self, case: &Case) -> Option<Task> {
        let can = &self.abilities;
        if (can.declines)(case) {
            return None;
        }
        match *case {
            Case::Nop(case) => work(can.nop, case),
            Case::ReadRandom(case) => work(can.read_random, case),
            Case::ReadSequential(case) => work(can.read_sequential, case),
            Case::WriteSequential(case) => work(can.write_sequential, case),
            Case::ReadWhole(case) => work(can.read_whole, case),
            Case::Copy(case) => work(can.copy, case),
            Case::Append(case) => work(can.append, case),
            Case::Metadata(case) => work(can.metadata, case),
            Case::Echo(case) => serve(can.echo, case),
            Case::Accept(case) => serve(can.accept, case),
            Case::Idle(case) => serve(can.idle, case),
            Case::Http(case) => serve(can.http, case),
            Case::Timers(case) => work(can.timers, case),
            Case::Cancel(case) => work(can.cancel, case),
            Case::InFlight(case) => work(can.in_flight, case),
            Case::Wake(case) => work(can.wake, case),
        }
    }
}

fn work<W: 'static>(work: Option<Work<W>>, case: W) -> Option<Task> {
    let work = work?;
    Some(Task::Work(Box::new(move |meter| work(&case, meter))))
}

fn serve<W: 'static>(serve: Option<Serve<W>>, case: W) -> Option<Task> {
    let serve = serve?;
    Some(Task::Serve(Box::new(move |listener| serve(&case, listener))))
}
