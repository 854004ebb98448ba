//! `ringbahn echo`: a TCP server that sends back what it receives.
//!
//! | module | what is in it |
//! |---|---|
//! | [`route`] | the drivers it can run on, as a table |
//! | [`server`] | the server: accepts, serves, and comes to an end |
//! | [`connection`] | one connection |
//! | [`signals`] | the signals that end it, as bytes to receive |

use std::process::ExitCode;

use crate::arguments::EchoArguments;

mod connection;
mod route;
mod server;
mod signals;

/// Serves until a signal ends it, and says how it went.
pub(crate) fn run(arguments: &EchoArguments) -> ExitCode {
    let line = route::line(arguments.driver);
    match (line.serve)(arguments) {
        Ok(tally) if tally.cut_off == 0 => ExitCode::SUCCESS,
        Ok(tally) => {
            let were = if tally.cut_off == 1 { "connection was" } else { "connections were" };
            eprintln!("ringbahn: {} {were} cut off before everything was sent", tally.cut_off);
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("ringbahn: {error}");
            ExitCode::from(2)
        }
    }
}
