//! [`Survey`]: what this machine's io_uring can do, found out by doing.
//!
//! | table | how it is found out |
//! |---|---|
//! | [`SYSTEM_CALLS`] | each is called without a ring, or makes one |
//! | [`SETUP_FLAGS`] | a ring of one entry is made with each |
//! | [`FEATURES`] | a ring tells them |
//! | [`OPCODES`] | the kernel is probed |
//! | [`REGISTER_OPERATIONS`] | each is tried on a ring that nobody uses, with as little as will do |
//!
//! A survey says nothing about speed, and a kernel that knows an operation may still refuse it for
//! a file of some kind.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use crate::sys::register_trial::query;
use crate::sys::setup::setup;
use crate::sys::uapi::Params;
use crate::{Policy, Probe, Setup, Unavailable};

mod advice;
mod attempts;
mod capability;
mod enter_flags;
mod events;
mod features;
mod limits;
mod listing;
mod machine;
mod opcodes;
mod register_operations;
mod setup_flags;
mod system_calls;
mod zero_copy_receive;

pub use advice::{Advice, Weight};
pub use capability::{Capability, Standing};
pub use enter_flags::ENTER_FLAGS;
pub use events::{MissingEvent, MissingOutcome};
pub use features::FEATURES;
pub use limits::{Limit, Limits, Seccomp};
pub use listing::{KernelVersion, Listing, Usage};
pub use machine::{Container, Machine, Substitute};
pub use opcodes::OPCODES;
pub use register_operations::REGISTER_OPERATIONS;
pub use setup_flags::SETUP_FLAGS;
pub use system_calls::SYSTEM_CALLS;
pub use zero_copy_receive::{NoZeroCopyReceive, Obstacle, zero_copy_receive};

/// What this machine's io_uring can do, for this process, now.
///
/// It is made by doing: rings are made, used and closed again. They are made on a thread of their
/// own, since some settings are the thread's, and nothing stays open or registered.
///
/// # Examples
///
/// ```
/// use ringbahn_drivers::Survey;
///
/// # fn main() -> std::io::Result<()> {
/// let survey = Survey::take()?;
/// println!("Linux {}", survey.machine.release);
/// match &survey.unavailable {
///     None => println!("io_uring works here"),
///     Some(reason) => println!("{reason}"),
/// }
/// for advice in survey.advice() {
///     println!("{}: {}", advice.what, advice.change);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Kernel
///
/// Any; where there is no io_uring it says why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Survey {
    /// The kernel, and what this process runs in.
    pub machine: Machine,
    /// Why there can be no ring here; `None` where one was made and a NOP has gone through it.
    pub unavailable: Option<Unavailable>,
    /// The system calls.
    pub system_calls: Vec<Capability>,
    /// The flags of `io_uring_setup`, and then what the kernel has beyond the table.
    pub setup_flags: Vec<Capability>,
    /// The features, and then what the kernel has beyond the table.
    pub features: Vec<Capability>,
    /// The operations, and then what the kernel has beyond the table.
    pub opcodes: Vec<Capability>,
    /// The operations of `io_uring_register`, and then what the kernel has beyond the table.
    pub register_operations: Vec<Capability>,
    /// What the machine allows this process.
    pub limits: Limits,
}

impl Survey {
    /// Takes the survey. It makes some thirty rings, one after the other, and blocks meanwhile:
    /// usually for some milliseconds, and for seconds where locked memory is short.
    ///
    /// # Errors
    ///
    /// That of starting a thread. That there is no io_uring is no error, but
    /// [`unavailable`](Survey::unavailable).
    pub fn take() -> io::Result<Survey> {
        let thread = thread::Builder::new().name("ringbahn-survey".to_owned());
        let thread = thread.spawn(Survey::take_here)?;
        thread.join().map_err(|_| io::Error::other("the thread of the survey has panicked"))
    }

    /// What to change on this machine, what weighs most first.
    pub fn advice(&self) -> Vec<Advice> {
        advice::advise(self)
    }

    fn take_here() -> Survey {
        // First of all, while nothing has been pinned that the kernel has yet to give back.
        let unavailable = Setup::new(8).policy(Policy::Require).build().err();
        let mut params = Params::default();
        let base = attempts::patiently(|| setup(4, &mut params));
        let system_calls = system_calls::survey(&base);
        let mut survey = Survey {
            machine: Machine::read(),
            unavailable,
            system_calls,
            setup_flags: setup_flags::untested(),
            features: features::untested(),
            opcodes: opcodes::untested(None),
            register_operations: register_operations::untested(None),
            limits: Limits::read(),
        };
        if let Ok(base) = base {
            survey.features = features::survey(params.features);
            survey.explore(&base);
        }
        survey
    }

    /// Finds out what takes a ring to find out.
    fn explore(&mut self, base: &OwnedFd) {
        let known = query().ok();
        self.setup_flags = setup_flags::survey(base.as_fd(), known.map(|known| known.setup_flags));
        let register = self.system_calls.iter().find(|call| call.listing.number == 427);
        if let Some(Standing::Refused(errno)) = register.map(|call| call.standing) {
            self.opcodes = opcodes::untested(Some(errno));
            self.register_operations = register_operations::refused(errno);
            return;
        }
        self.opcodes = match Probe::of(base.as_fd()) {
            Ok(probe) => opcodes::survey(&probe),
            Err(error) => opcodes::untested(error.raw_os_error()),
        };
        let count = known.map(|known| known.register_operations);
        self.register_operations = register_operations::survey(count);
    }
}

/// The whole of a table, with one standing.
fn all(table: &[Listing], standing: Standing) -> Vec<Capability> {
    table.iter().map(|listing| Capability::new(listing, standing)).collect()
}

/// What the kernel has under a number beyond a table.
fn beyond(number: u32) -> Capability {
    Capability::new(&Listing::nameless(number), Standing::Known(None))
}

/// The bits of `known` beyond a table.
fn nameless(table: &[Listing], known: Option<u64>) -> impl Iterator<Item = Capability> {
    let known = known.unwrap_or_default();
    let bits = table.len() as u32..u64::BITS;
    bits.filter(move |bit| known & 1 << bit != 0).map(beyond)
}

#[cfg(all(test, not(loom)))]
mod tests;
