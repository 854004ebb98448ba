//! [`Watchdog`]: the end of a tour that hangs.

use std::path::PathBuf;
use std::process;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// How long a stop may take. All of them together take a few seconds.
const TIME: Duration = Duration::from_secs(30);

/// Ends the process where a stop hangs, for a tour that hangs says nothing at all: an operation
/// whose completion is never seen is among the things that it is to find.
#[derive(Debug)]
pub(crate) struct Watchdog {
    stops: Option<Sender<String>>,
}

impl Watchdog {
    /// A watchdog that removes `directory` before it ends the process.
    pub(crate) fn new(directory: PathBuf) -> Watchdog {
        let (stops, begun) = mpsc::channel();
        let watch = move || {
            if let Some(stop) = first_to_hang(&begun, TIME) {
                eprintln!("ringbahn: {stop} has not ended within {} s", TIME.as_secs());
                let _ = std::fs::remove_dir_all(directory);
                process::exit(1);
            }
        };
        // Without a thread there is no watchdog; the tour is the same.
        let watching = thread::Builder::new().name("ringbahn-watchdog".to_owned()).spawn(watch);
        Watchdog { stops: watching.ok().map(|_| stops) }
    }

    /// A stop begins, and with it the time that it may take.
    pub(crate) fn begin(&self, stop: String) {
        if let Some(stops) = &self.stops {
            let _ = stops.send(stop);
        }
    }
}

/// The stop after which no other began in time; `None` where the tour has come to its end.
fn first_to_hang(begun: &Receiver<String>, time: Duration) -> Option<String> {
    let mut stop = begun.recv().ok()?;
    loop {
        match begun.recv_timeout(time) {
            Ok(next) => stop = next,
            Err(RecvTimeoutError::Timeout) => return Some(stop),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_stop_that_hangs() {
        let (stops, begun) = mpsc::channel();
        stops.send("one".to_owned()).unwrap();
        stops.send("two".to_owned()).unwrap();
        assert_eq!(first_to_hang(&begun, Duration::from_millis(1)), Some("two".to_owned()));
        stops.send("three".to_owned()).unwrap();
        drop(stops);
        assert_eq!(first_to_hang(&begun, Duration::MAX), None);
    }
}
