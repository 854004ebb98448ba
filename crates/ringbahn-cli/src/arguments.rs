//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Async IO on io_uring: what the library does, shown on this machine.
#[derive(Debug, Parser)]
#[command(name = "ringbahn", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) job: Job,
}

const STATUS: &str = "Exit status: 0 if everything held, 1 if something did not, 2 if it could \
                      not be tried.";

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    Tour(TourArguments),
    Doctor(DoctorArguments),
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

/// Tells what this machine's io_uring can do, and what to change where something is missing.
///
/// Makes small rings, tries on them what the kernel may know, and closes them again. Changes
/// nothing, and needs no privilege. Takes less than a second, or some where memory is short.
#[derive(Args, Debug)]
#[command(after_help = DOCTOR_STATUS)]
pub(crate) struct DoctorArguments {
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const DOCTOR_STATUS: &str = "Exit status: 0 if ringbahn's default driver works here, 1 if it does \
                             not, 2 if that could not be found out.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
