//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    Cp(CpArguments),
    Echo(EchoArguments),
    Serve(ServeArguments),
    Bench(BenchArguments),
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

const DOCTOR_STATUS: &str = "Exit status: 0 if ringbahn's default driver works on io_uring here, \
                             1 if it does not, and runs on the fallback or not at all, 2 if that \
                             could not be found out.";
/// Copies files, with their permissions and times.
///
/// Several parts of a file are in flight at the same time, and with -r several files. Where the
/// kernel can copy by itself, or share the blocks of both files, that is left to it. Holes stay
/// holes. A file is copied as long as it is when it is opened.
///
/// A copy that cannot be finished is removed; a file that was there before is emptied instead. One
/// file that cannot be copied does not stop the others. Owners are kept for root; access control
/// lists, extended attributes and hard links are not kept.
#[derive(Args, Debug)]
#[command(after_help = CP_STATUS)]
pub(crate) struct CpArguments {
    /// Copy directories and what is in them; symbolic links are copied as such, and what is
    /// neither file, directory nor link is left out
    #[arg(short, long, short_alias = 'R')]
    pub(crate) recursive: bool,

    /// Whether to show how far it has come, on the standard error; auto does so on a terminal
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) progress: ProgressChoice,

    /// Do not leave anything to the kernel
    #[arg(long, hide = true)]
    pub(crate) no_copy_file_range: bool,

    /// What to copy
    #[arg(required = true, value_name = "SRC")]
    pub(crate) sources: Vec<PathBuf>,

    /// Where to copy it to; a directory for several sources
    #[arg(value_name = "DST")]
    pub(crate) destination: PathBuf,
}

const CP_STATUS: &str = "Exit status: 0 if everything was copied, 1 if something was not, 2 if \
                         nothing could be tried.";

/// Whether to show how far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressChoice {
    Auto,
    Always,
    Never,
}

/// Serves TCP connections, and sends back what they send.
///
/// The first line that it prints is `listening on ADDRESS`, with the port that was found where
/// that is 0. At SIGINT or SIGTERM it accepts nothing more, sends back what has arrived, and prints
/// how many connections and bytes there were. A second signal ends it at once.
#[derive(Args, Debug)]
#[command(after_help = SERVER_STATUS)]
pub(crate) struct EchoArguments {
    /// Where to listen, such as 127.0.0.1:0 or localhost:7007
    pub(crate) address: String,

    /// The driver to run on
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) driver: DriverChoice,
}

const SERVER_STATUS: &str = "Exit status: 0 if every connection came to its end, 1 if some were \
                             cut off, 2 if nothing could be served.";

/// Serves the files of a directory over HTTP/1.
///
/// Answers GET and HEAD, also for a part of a file, and with 304 where the client's copy is still
/// right. For a directory its index.html is sent; there are no listings. Nothing outside of the
/// directory is reached, be it by a symbolic link. Only plain files are served.
///
/// The first line that it prints is `listening on ADDRESS`, with the port that was found where
/// that is 0. At SIGINT or SIGTERM it accepts nothing more, finishes the answers that it has begun,
/// and prints how many connections, requests and bytes of files there were. A second signal ends it
/// at once.
#[derive(Args, Debug)]
#[command(after_help = SERVER_STATUS)]
pub(crate) struct ServeArguments {
    /// The directory whose files are served
    pub(crate) dir: PathBuf,

    /// Where to listen, such as 127.0.0.1:0 or localhost:7007
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,

    /// The driver to run on
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) driver: DriverChoice,
}

/// Measures what the library costs on this machine, beside the ring by hand and other libraries.
///
/// Whatever is compared is measured in one run, in turns, each in a process of its own. A quick
/// look at everything takes less than three minutes.
#[derive(Args, Debug)]
#[command(after_help = BENCH_STATUS)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    pub(crate) job: ringbahn_bench::Job,
}

const BENCH_STATUS: &str = "Exit status: 0 if it was measured, 1 if it could not be.";

/// A driver to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DriverChoice {
    /// One ring for the process, for any executor
    Default,
    /// A ring of the server's own thread, which waits in the kernel
    Local,
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
