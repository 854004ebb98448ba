//! The contenders, each in a file of its own.

use super::contender::Contender;

mod deadlines;
mod files;
mod memory;
#[cfg(feature = "peers")]
mod peers;
mod plain;
mod raw;
mod ringbahn;
mod runtime;
mod serving;
mod smol;
mod tokio;
mod tokio_fs;
mod waker;

/// All there are in this build, in the order of the report.
pub(crate) fn all() -> Vec<&'static Contender> {
    let mut all = vec![&raw::RAW, &plain::CALLS, &plain::EPOLL];
    all.extend(ringbahn::ALL);
    all.extend([&tokio::TOKIO, &tokio::TOKIO_2, &tokio_fs::TOKIO_FS, &smol::SMOL]);
    #[cfg(feature = "peers")]
    all.extend(peers::ALL);
    all
}

/// The one of this name.
pub(crate) fn named(name: &str) -> Option<&'static Contender> {
    all().into_iter().find(|contender| contender.name == name)
}
