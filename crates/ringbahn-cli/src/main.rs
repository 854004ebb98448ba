//! The command `ringbahn`: shows what the library does and what the machine can, and is of use.
//!
//! | status | means |
//! |---|---|
//! | 0 | everything held |
//! | 1 | something did not do what the library says it does; the default driver does not work |
//! | 2 | it could not be tried: the command line, the directory, or no io_uring |
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

mod arguments;
mod bench;
mod cp;
mod doctor;
mod echo;
mod serve;
mod server;
mod tour;

use arguments::{Arguments, Job};

fn main() -> ExitCode {
    match Arguments::parse().job {
        Job::Doctor(arguments) => doctor::run(&arguments),
        Job::Cp(arguments) => cp::run(&arguments),
        Job::Echo(arguments) => echo::run(&arguments),
        Job::Serve(arguments) => serve::run(&arguments),
        Job::Bench(arguments) => bench::run(&arguments),
        Job::Tour(arguments) => tour::run(&arguments),
    }
}
