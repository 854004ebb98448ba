//! The load upon a server, from this process, on a processor of its own: the same for all servers.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::case::Case;
use super::contender::Failure;
use super::measured::{Latencies, Measured};
use super::meter;
use super::server::Server;

mod accept;
mod connection;
mod exchange;
mod http;
mod idle;

/// How long a server may be silent before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// Loads `server` as the case asks for, and has it measured meanwhile.
///
/// # Errors
///
/// The server ends, is silent for ten seconds, or answers what it was not asked.
pub(crate) fn run(
    case: &Case,
    server: &mut Server,
    warm_up: Duration,
    measured: Duration,
) -> Result<Measured, Failure> {
    let phases = Phases { warm_up, measured };
    match case {
        Case::Echo(case) => exchange::echo(case, server, phases),
        Case::Http(case) => http::run(case, server, phases),
        Case::Accept(case) => accept::run(case, server, phases),
        Case::Idle(case) => idle::run(case, server),
        _ => Err("no load belongs to this case".into()),
    }
}

/// How long the load goes on before the server is measured, and while it is.
#[derive(Clone, Copy)]
struct Phases {
    warm_up: Duration,
    measured: Duration,
}

/// What clients have seen of a server.
struct Seen {
    operations: u64,
    latencies: Histogram<u64>,
}

impl Seen {
    fn nothing() -> Seen {
        Seen { operations: 0, latencies: meter::histogram() }
    }

    /// An operation that began at `start` has ended.
    fn operation(&mut self, start: Instant) {
        self.operations += 1;
        self.latencies.saturating_record(start.elapsed().as_nanos() as u64);
    }
}

impl Phases {
    /// Has `go` load the server for as long as it is told to each time, first to warm up.
    fn run(
        self,
        server: &mut Server,
        mut go: impl FnMut(Duration, &mut Seen) -> Result<(), Failure>,
    ) -> Result<Measured, Failure> {
        go(self.warm_up, &mut Seen::nothing())?;
        server.start()?;
        let mut seen = Seen::nothing();
        go(self.measured, &mut seen)?;
        let measured = server.stop()?;
        let latencies = Latencies::of(&seen.latencies);
        Ok(Measured { operations: seen.operations, latencies, ..measured })
    }
}
