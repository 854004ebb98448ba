//! `ringbahn cp`: copies files.
//!
//! The contents of each go by [`FileCopy`](ringbahn::fs::FileCopy), as those of
//! [`fs::copy`](ringbahn::fs::copy()) do.
//!
//! | module | what is in it |
//! |---|---|
//! | [`operand`] | what is copied to where, from the command line |
//! | [`tree`] | everything that is to be copied, several files at once |
//! | [`directory`], [`mod@file`], [`link`] | one of them |
//! | [`attributes`] | owner, permissions, times |
//! | [`place`] | where a file is, however deep |
//! | [`identity`] | which file it is, whatever it is called |
//! | [`progress`], [`failure`] | what people see |

use std::cell::Cell;
use std::process::ExitCode;

use futures::executor::block_on;
use ringbahn::DefaultDriver;

use crate::arguments::CpArguments;

mod attributes;
mod directory;
mod failure;
mod file;
mod identity;
mod link;
mod operand;
mod place;
mod progress;
mod tree;

use failure::Failure;
use identity::Made;
use progress::Progress;

/// What all that is copied has in common.
struct Context {
    is_recursive: bool,
    /// Whether the kernel may copy by itself.
    may_offload: bool,
    progress: Progress,
    made: Made,
    failures: Cell<u64>,
}

impl Context {
    /// Tells of a failure. The others go on.
    fn fail(&self, failure: &Failure) {
        self.progress.print(failure);
        self.failures.set(self.failures.get() + 1);
    }
}

/// Copies what the command line names, and says how it went.
pub(crate) fn run(arguments: &CpArguments) -> ExitCode {
    let context = Context {
        is_recursive: arguments.recursive,
        may_offload: !arguments.no_copy_file_range,
        progress: Progress::new(arguments.progress),
        made: Made::default(),
        failures: Cell::new(0),
    };
    if let Err(error) = DefaultDriver::shared() {
        context.progress.print(error);
        return ExitCode::from(2);
    }
    let operands = match operand::operands(&arguments.sources, &arguments.destination) {
        Ok(operands) => operands,
        Err(failure) => {
            context.progress.print(failure);
            return ExitCode::from(2);
        }
    };
    block_on(tree::copy(&context, operands));
    context.progress.finish();
    ExitCode::from(u8::from(context.failures.get() > 0))
}
