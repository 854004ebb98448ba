//! The standard streams of the process: [`stdin`], [`stdout`], [`stderr`].
//!
//! They are handles to the objects of std, and work whatever is behind them: a pipe, a file, a
//! terminal. See [pipes and standard streams](Ring#pipes-and-standard-streams) for what that
//! means.
//!
//! ```
//! use futures::io::AsyncWriteExt;
//! use ringbahn::stdio;
//!
//! # fn main() -> std::io::Result<()> {
//! # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
//! futures::executor::block_on(async {
//!     let mut output = stdio::stdout();
//!     output.write_all(b"hello\n").await?;
//!     output.flush().await
//! })
//! # }
//! ```
//!
//! A read from a terminal that nobody types at may wait for ever; it is cancelled with its handle,
//! so unlike one in a thread it does not keep the process from ending.

use std::io::{Stderr, Stdin, Stdout};

use ringbahn_core::Drive;

use crate::driver::DefaultDriver;
use crate::ring::Ring;

/// The standard input of the process.
///
/// Have one handle: what one has read ahead another does not see, nor does std.
pub fn stdin() -> Ring<Stdin> {
    stdin_on_driver(DefaultDriver)
}

/// As [`stdin`], on `driver`.
pub fn stdin_on_driver<D: Drive + Unpin>(driver: D) -> Ring<Stdin, D> {
    Ring::new_on_driver(std::io::stdin(), driver)
}

/// The standard output of the process. It is written behind the caller: flush it.
pub fn stdout() -> Ring<Stdout> {
    stdout_on_driver(DefaultDriver)
}

/// As [`stdout`], on `driver`.
pub fn stdout_on_driver<D: Drive + Unpin>(driver: D) -> Ring<Stdout, D> {
    Ring::new_on_driver(std::io::stdout(), driver)
}

/// The standard error stream of the process. It is written behind the caller, unlike std's: flush
/// it.
pub fn stderr() -> Ring<Stderr> {
    stderr_on_driver(DefaultDriver)
}

/// As [`stderr`], on `driver`.
pub fn stderr_on_driver<D: Drive + Unpin>(driver: D) -> Ring<Stderr, D> {
    Ring::new_on_driver(std::io::stderr(), driver)
}
