//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Async IO on io_uring: what the library does, shown on this machine.
#[derive(Debug, Parser)]
#[command(name = "ringbahn", version, after_help = STATUS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) job: Job,
}

const STATUS: &str = "Exit status: 0 if everything held, 1 if something did not, 2 if it could \
                      not be tried.";

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    Tour(TourArguments),
}

/// Shows that the library does what it says, on each driver, and checks every byte.
///
/// Writes, reads and copies files, talks to itself over the loopback interface, lets operations
/// time out and cancels them. Afterwards it looks whether every operation has ended and every
/// descriptor has been given back. Takes some seconds at most.
#[derive(Args, Debug)]
#[command(after_help = STATUS)]
pub(crate) struct TourArguments {
    /// Where to put the files, some 30 MiB; in a directory of their own, which is removed at the
    /// end [default: the system's directory for temporary files]
    pub(crate) dir: Option<PathBuf>,

    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
