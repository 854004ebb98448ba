//! The contenders, each in a file of its own.

use super::contender::Contender;

mod deadlines;
mod files;
mod local;
mod memory;
mod plain;
mod raw;
mod waker;

/// All there are in this build, in the order of the report.
pub(crate) fn all() -> Vec<&'static Contender> {
    vec![&raw::RAW, &plain::CALLS, &plain::EPOLL, &local::LOCAL]
}

/// The one of this name.
pub(crate) fn named(name: &str) -> Option<&'static Contender> {
    all().into_iter().find(|contender| contender.name == name)
}
