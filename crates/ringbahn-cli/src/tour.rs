//! `ringbahn tour`: goes round what the library does, on each driver, and checks every byte.
//!
//! | module | what is in it |
//! |---|---|
//! | [`route`] | the drivers and the stops, as tables |
//! | [`visit`] | one driver from stop to stop, and whether everything was given back |
//! | [`stops`] | the stops, a file each |
//! | [`site`] | what a stop finds: a driver, a directory, and the steps that many stops take |
//! | [`finding`] | what a stop finds out, and the words for it |
//! | [`report`] | the results, and the exit status |
//! | [`table`] | the report as text |
//! | [`watchdog`] | the end of a tour that hangs |

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use tempfile::TempDir;

use crate::arguments::TourArguments;

mod finding;
mod machine;
mod pattern;
mod report;
mod route;
mod site;
mod stops;
mod table;
mod visit;
mod watchdog;

use report::Report;
use table::Style;
use watchdog::Watchdog;

/// What all drivers are visited with.
pub(crate) struct Session {
    directory: TempDir,
    watchdog: Watchdog,
}

/// Makes the tour, prints the report, and says how it went.
pub(crate) fn run(arguments: &TourArguments) -> ExitCode {
    let directory = match directory(arguments.dir.as_deref()) {
        Ok(directory) => directory,
        Err(message) => {
            eprintln!("ringbahn: {message}");
            return ExitCode::from(2);
        }
    };
    let watchdog = Watchdog::new(directory.path().to_owned());
    let session = Session { directory, watchdog };
    let drivers = route::DRIVERS.iter().map(|line| (line.tour)(line, &session)).collect();
    let report = Report::new(session.directory.path(), drivers);
    if let Err(error) = session.directory.close() {
        eprintln!("ringbahn: cannot remove the directory of the tour: {error}");
    }
    match print(&report, arguments.json) {
        // Whoever reads the report has seen enough of it.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("ringbahn: cannot print the report: {error}");
            return ExitCode::from(2);
        }
        _ => {}
    }
    for unavailable in report.unavailable() {
        eprintln!("ringbahn: {unavailable}");
    }
    ExitCode::from(report.status)
}

/// A fresh directory below `parent`, or the reason why there can be none.
fn directory(parent: Option<&Path>) -> Result<TempDir, String> {
    let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
    // Absolute, so that it can be removed whatever becomes of the current directory.
    let parent = parent.canonicalize().map_err(|error| {
        format!("cannot use {} for the files of the tour: {error}", parent.display())
    })?;
    let made = tempfile::Builder::new().prefix("ringbahn-tour-").tempdir_in(&parent);
    made.map_err(|error| {
        // The error itself names a directory that has never been, so its kind has to do.
        format!("cannot make a directory in {}: {}", parent.display(), error.kind())
    })
}

fn print(report: &Report, json: bool) -> io::Result<()> {
    let mut output = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut output, report).map_err(io::Error::from)?;
        writeln!(output)?;
    } else {
        // As no-color.org has it: set, and not empty.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = Style { colours: output.is_terminal() && !plain };
        table::write(&mut output, report, style)?;
    }
    output.flush()
}
