//! [`Options`]: which part of the benchmark is to be run.

use super::{CONNECTIONS, ROUNDS, WAYS};

/// Which part of the benchmark is to be run.
pub(super) struct Options {
    pub(super) connections: Vec<usize>,
    /// The one way to be measured; `None` is all.
    pub(super) way: Option<String>,
    /// How often each way has its turn.
    pub(super) rounds: usize,
    /// Whether idle connections are measured as well.
    pub(super) idle: bool,
}

const USAGE: &str = "\
usage: ringbahn-bench echo [options]; with any, idle connections are left out
  --connections N   one number of connections, not 1, 64 and 1000
  --way NAME        one way only: raw, local, at once
  --rounds N        how often each way has its turn; 11 if not given";

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Options, String> {
        let mut options = Options {
            connections: CONNECTIONS.to_vec(),
            way: None,
            rounds: ROUNDS,
            idle: arguments.is_empty(),
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return Err(USAGE.to_owned()) };
            match (name.as_str(), value.parse()) {
                ("--connections", Ok(connections @ 1..)) => options.connections = vec![connections],
                ("--rounds", Ok(rounds @ 1..)) => options.rounds = rounds,
                ("--way", _) if WAYS.iter().any(|(name, _)| name == value) => {
                    options.way = Some(value.clone());
                }
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(options)
    }
}
