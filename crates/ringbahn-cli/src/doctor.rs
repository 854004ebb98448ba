//! `ringbahn doctor`: what this machine's io_uring can do, and what to change where it cannot.
//!
//! | module | what is in it |
//! |---|---|
//! | [`driver`] | whether the default driver works |
//! | [`report`] | what was found, as it looks in JSON, and the exit status |
//! | [`rows`] | the rows of the tables of the report |
//! | [`text`] | the report as text |

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use ringbahn_drivers::Survey;

use crate::arguments::DoctorArguments;

mod driver;
mod report;
mod rows;
mod text;

use report::Report;

/// Looks the machine over, prints the report, and says whether the default driver works on
/// io_uring.
pub(crate) fn run(arguments: &DoctorArguments) -> ExitCode {
    let survey = match Survey::take() {
        Ok(survey) => survey,
        Err(error) => {
            eprintln!("ringbahn: cannot take a survey of this machine: {error}");
            return ExitCode::from(2);
        }
    };
    let report = Report::new(&survey, driver::examine());
    match print(&report, arguments.json) {
        // Whoever reads the report has seen enough of it.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("ringbahn: cannot print the report: {error}");
            return ExitCode::from(2);
        }
        _ => {}
    }
    ExitCode::from(report.status)
}

fn print(report: &Report, json: bool) -> io::Result<()> {
    let mut output = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut output, report).map_err(io::Error::from)?;
        writeln!(output)?;
    } else {
        // As no-color.org has it: set, and not empty.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = output.is_terminal() && !plain;
        text::write(&mut output, report, colours)?;
    }
    output.flush()
}
