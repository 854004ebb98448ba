//! Benchmarks of ringbahn: the laboratory, and closer looks at single questions.
//!
//! Whatever is compared is measured in one run, in turns, so that what the machine does besides
//! falls on all alike. Figures are medians, with the spread of the middle half.
//!
//! | command | what it measures |
//! |---|---|
//! | `run` | the laboratory: every workload on every driver, beside the ring by hand and others |
//! | `echo` | what an echoed message and an idle connection cost a server, over the raw ring |
//! | `hot` | what data costs that is in memory already, beside std and tokio |
//! | `op` | the cost of one operation over the raw ring, and its allocations |
//! | `sim` | how many operations a simulation makes in a second |
//! | `timers` | what a timer costs among a million: time and memory |
//!
//! It is a library so that the command `ringbahn` has it as `ringbahn bench`.

use clap::Subcommand;

mod allocations;
mod echo;
mod hot;
mod laboratory;
mod op;
mod sample;
mod sim;
mod timers;

/// What is to be measured.
#[derive(Clone, Debug, Subcommand)]
pub enum Job {
    /// Every workload on every driver, beside the ring by hand and other libraries.
    Run(Box<Run>),
    /// One trial of the laboratory, which starts a process for each.
    #[command(hide = true)]
    Trial {
        /// What it is to do
        trial: String,
    },
    /// What an echoed message and an idle connection cost a server.
    Echo(Rest),
    /// What data costs that is in memory already.
    Hot,
    /// The cost of one operation.
    Op(Rest),
    /// How many operations a simulation makes in a second.
    Sim,
    /// What a timer costs among a million.
    Timers(Rest),
}

/// What the laboratory is to do.
#[derive(Clone, Debug, clap::Args)]
pub struct Run {
    #[command(flatten)]
    arguments: laboratory::Arguments,
}

/// Arguments that the benchmark itself reads.
#[derive(Clone, Debug, clap::Args)]
pub struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Measures, and prints what came of it.
///
/// # Errors
///
/// What stood in the way, in a sentence for the one who has called.
pub fn run(job: &Job) -> Result<(), Box<dyn std::error::Error>> {
    match job {
        Job::Run(run) => laboratory::run(&run.arguments).map_err(|failure| failure as _),
        Job::Trial { trial } => laboratory::trial(trial).map_err(|failure| failure as _),
        Job::Echo(rest) => echo::run(&rest.arguments),
        Job::Hot => hot::run(),
        Job::Op(rest) => op::run(&rest.arguments),
        Job::Sim => sim::run(),
        Job::Timers(rest) => timers::run(&rest.arguments),
    }
}
