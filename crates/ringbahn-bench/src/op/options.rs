//! [`Options`]: which part of the benchmark is to be run.

use super::Work;

/// Which part of the benchmark is to be run.
pub(super) struct Options {
    pub(super) works: Vec<(Work, &'static str)>,
    pub(super) batches: Vec<usize>,
    /// The one way to be compared with the raw ring, or that ring alone; `None` is all.
    pub(super) way: Option<String>,
    /// How many operations one figure is made of.
    pub(super) operations: usize,
}

/// What there is to be measured.
const WAYS: [&str; 7] = ["raw", "submissions", "restarted", "tasks", "shared", "sharded", "sqpoll"];

const USAGE: &str = "\
usage: ringbahn-bench op [options]
  --work nop|read     one kind of work, not both
  --batch N           one size of the batches, not 1, 8, 32 and 128
  --way NAME          one way only: raw, submissions, restarted, tasks, shared, sharded, sqpoll
  --operations N      how many operations one figure is made of; 100000 if not given";

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Options, String> {
        let nop = (Work::Nop, "NOP");
        let read = (Work::Read, "read of 64 bytes from /dev/zero");
        let mut options = Options {
            works: vec![nop, read],
            batches: vec![1, 8, 32, 128],
            way: None,
            operations: 100_000,
        };
        for pair in arguments.chunks(2) {
            match pair {
                [name, value] => match (name.as_str(), value.as_str(), value.parse()) {
                    ("--work", "nop", _) => options.works = vec![nop],
                    ("--work", "read", _) => options.works = vec![read],
                    // More do not fit into the queue of the raw ring.
                    ("--batch", _, Ok(batch @ 1..=256)) => options.batches = vec![batch],
                    ("--way", way, _) if WAYS.contains(&way) => options.way = Some(value.clone()),
                    ("--operations", _, Ok(operations @ 1..)) => options.operations = operations,
                    _ => return Err(format!("{name} {value} is no option\n{USAGE}")),
                },
                rest => return Err(format!("{} needs a value\n{USAGE}", rest.concat())),
            }
        }
        Ok(options)
    }
}
