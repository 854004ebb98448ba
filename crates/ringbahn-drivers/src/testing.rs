//! What unit tests share: rings, or a line in the account of skipped tests.

use std::fs::OpenOptions;
use std::io::Write;

use crate::{Queues, Reason, Setup, Unavailable};

/// The ring that `setup` makes, unless this machine has no io_uring at all. Then the skip of `test`
/// is logged where it is counted.
pub(crate) fn build(test: &str, setup: Setup) -> Option<Queues> {
    match setup.build() {
        Ok(queues) => Some(queues),
        Err(unavailable) => {
            skip(test, &unavailable);
            None
        }
    }
}

/// Logs that `test` is skipped, where that is counted.
pub(crate) fn skip(test: &str, unavailable: &Unavailable) {
    assert!(unavailable.reason() != Reason::Other, "{unavailable}");
    let line = format!("SKIPPED: {test}: no io_uring: {unavailable}\n");
    eprint!("{line}");
    if let Some(log) = std::env::var_os("RINGBAHN_SKIP_LOG") {
        let log = OpenOptions::new().create(true).append(true).open(log);
        let written = log.and_then(|mut log| log.write_all(line.as_bytes()));
        written.expect("the log of skips is writable");
    }
}
