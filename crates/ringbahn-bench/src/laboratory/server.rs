//! [`Server`]: the process of a server, as the one who loads it sees it.

use std::net::SocketAddr;
use std::time::Duration;

use super::contender::Failure;
use super::measured::Measured;
use super::process::Process;
use super::trial::{RESIDENT, START, STOP, Trial, Word};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The process of a server.
pub(crate) struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// Starts the process, and waits until it can be connected to.
    ///
    /// # Errors
    ///
    /// The process cannot be started, or ends.
    pub(crate) fn start_process(trial: &Trial) -> Result<Server, Failure> {
        let mut process = Process::start(trial)?;
        match process.word(PATIENCE)? {
            Word::Listening(address) => Ok(Server { process, address }),
            word => Err(unexpected(&word)),
        }
    }

    /// Where it can be connected to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it measured from now on.
    ///
    /// # Errors
    ///
    /// The process has ended.
    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        self.process.tell(START)?;
        match self.process.word(PATIENCE)? {
            Word::Started => Ok(()),
            word => Err(unexpected(&word)),
        }
    }

    /// How many bytes of its memory are in RAM.
    ///
    /// # Errors
    ///
    /// The process has ended.
    pub(crate) fn resident(&mut self) -> Result<u64, Failure> {
        self.process.tell(RESIDENT)?;
        match self.process.word(PATIENCE)? {
            Word::Resident(bytes) => Ok(bytes),
            word => Err(unexpected(&word)),
        }
    }

    /// What it has used since [`start`](Server::start). The process ends.
    ///
    /// # Errors
    ///
    /// It has not used what it was to use, or has ended before.
    pub(crate) fn stop(&mut self) -> Result<Measured, Failure> {
        self.process.tell(STOP)?;
        match self.process.word(PATIENCE)? {
            Word::Measured(measured) => Ok(measured),
            word => Err(unexpected(&word)),
        }
    }
}

fn unexpected(word: &Word) -> Failure {
    format!("it has answered out of turn: {word:?}").into()
}
