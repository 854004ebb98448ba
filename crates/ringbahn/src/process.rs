//! Child processes, by their names in std.
//!
//! ```
//! use ringbahn::process::Command;
//!
//! # fn main() -> std::io::Result<()> {
//! # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
//! # futures::executor::block_on(async {
//! let output = Command::new("echo").arg("hello").output().await?;
//! assert!(output.status.success());
//! assert_eq!(output.stdout, b"hello\n");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! | what | how |
//! |---|---|
//! | [`Command::spawn`] | std's, in the thread that calls it: it is over when the program is loaded |
//! | [`Child::wait`] | a poll of the child's process descriptor, on the driver |
//! | the ends of its pipes | a [`Ring`](crate::Ring) each |
//! | a child that is dropped | goes on, or is killed where [`kill_on_drop`](Command::kill_on_drop) says so; no zombie stays |
//!
//! # Dropped children
//!
//! One that has not ended when it is dropped is looked after by a thread, `ringbahn-reaper`, that
//! is there as long as there are such children. It runs no code of yours.
//!
//! # Other waits
//!
//! A program that waits for any child by itself, or ignores `SIGCHLD`, takes the status away from
//! whoever waits here: that is `ECHILD`, as in std.

mod child;
mod command;
mod drain;
mod reaper;

pub use child::Child;
pub use command::Command;
#[doc(no_inline)]
pub use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus, Output, Stdio};
