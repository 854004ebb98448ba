//! [`Verdict`]: what a case has found out, and the words in which it says so.

use std::any::Any;
use std::{fmt, io};

/// What a case yields: nothing to complain of, or why it has stopped.
pub(crate) type Verdict = Result<(), Stop>;

/// Why a case has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The driver is not what it should be.
    #[doc(hidden)]
    Failed(String),
    /// The case says nothing of this driver.
    #[doc(hidden)]
    Skipped(String),
    /// The driver says itself, by an error made for it, that it cannot do what the case is about.
    #[doc(hidden)]
    Unsupported(String),
}

impl Stop {
    pub(crate) fn failed(message: impl Into<String>) -> Stop {
        Stop::Failed(message.into())
    }

    pub(crate) fn skipped(reason: impl Into<String>) -> Stop {
        Stop::Skipped(reason.into())
    }

    /// The stop of a case that has panicked with `panic`.
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Stop {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Stop::Failed(format!("panicked: {}", text.unwrap_or("with something that is no text")))
    }
}

/// What a case needs of the machine failed, or an operation that should have succeeded.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        match says_unsupported(&error) {
            true => Stop::Unsupported(error.to_string()),
            false => Stop::Failed(format!("an error where none was expected: {error}")),
        }
    }
}

/// Whether an error is a driver's own statement that it does not do this. An `errno` of the kernel
/// is none, though some of them read as `Unsupported`.
pub(crate) fn says_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported && error.raw_os_error().is_none()
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Stop::Failed(text) | Stop::Skipped(text) | Stop::Unsupported(text)) = self;
        f.write_str(text)
    }
}

/// Stops the case with the words, unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err($crate::verdict::Stop::failed(format!($($words)+)));
        }
    };
}

/// Stops the case unless both values are the same; the words say what they are.
macro_rules! ensure_eq {
    ($found:expr, $expected:expr, $($words:tt)+) => {
        match (&$found, &$expected) {
            (found, expected) if found == expected => {}
            (found, expected) => {
                let what = format!($($words)+);
                let message = format!("{what}: {found:?} instead of {expected:?}");
                return Err($crate::verdict::Stop::failed(message));
            }
        }
    };
}

pub(crate) use {ensure, ensure_eq};
