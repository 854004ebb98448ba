//! The contenders, each in a file of its own.

use super::contender::Contender;

mod local;
#[cfg(feature = "peers")]
mod peers;
mod raw;

/// All there are in this build, in the order of the report.
pub(crate) fn all() -> Vec<&'static Contender> {
    #[allow(unused_mut, reason = "there are more in a build with other libraries")]
    let mut all: Vec<&Contender> = vec![&raw::RAW, &local::LOCAL];
    #[cfg(feature = "peers")]
    all.extend(peers::ALL);
    all
}

/// The one of this name.
pub(crate) fn named(name: &str) -> Option<&'static Contender> {
    all().into_iter().find(|contender| contender.name == name)
}
