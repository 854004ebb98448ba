//! The contenders, each in a file of its own.

use super::contender::Contender;

mod local;
mod raw;
mod runtime;
mod serving;
mod smol;
mod tokio;
mod tokio_fs;

/// All there are in this build, in the order of the report.
pub(crate) fn all() -> Vec<&'static Contender> {
    vec![&raw::RAW, &local::LOCAL, &tokio::TOKIO, &tokio::TOKIO_2, &tokio_fs::TOKIO_FS, &smol::SMOL]
}

/// The one of this name.
pub(crate) fn named(name: &str) -> Option<&'static Contender> {
    all().into_iter().find(|contender| contender.name == name)
}
