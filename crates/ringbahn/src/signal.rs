//! Signals as streams, and [`ctrl_c`].
//!
//! ```
//! use ringbahn::signal::{Signal, Signals};
//!
//! # fn main() -> std::io::Result<()> {
//! # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
//! # futures::executor::block_on(async {
//! let mut signals = Signals::new([Signal::HANGUP, Signal::TERMINATE])?;
//! # let own = rustix::process::getpid();
//! # rustix::process::kill_process(own, rustix::process::Signal::HUP)?;
//! match signals.recv().await? {
//!     Signal::HANGUP => println!("read the configuration anew"),
//!     _ => println!("wind up"),
//! }
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # What is told
//!
//! Each stream is told of each signal, however many streams there are, and from the moment on in
//! which it is made. Signals are not counted: those of the same kind that arrive before the stream
//! is looked at are one, as they may be in the kernel already. Signals of different kinds come in
//! no particular order.
//!
//! # What a signal does else
//!
//! A signal that was asked for once is not acted upon by the kernel any more: the process is not
//! ended by it, also after all streams are gone. For the second Ctrl-C to end it, end it in your
//! code. A forked child has the handlers of its parent until it runs another program.

mod number;
mod signals;

pub use number::Signal;
pub use signals::{Signals, ctrl_c};
