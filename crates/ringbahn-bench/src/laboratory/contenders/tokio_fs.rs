//! tokio's own files, which each remember where they are and have a buffer.

use super::super::case::Case;
use super::super::contender::{Abilities, Backend, Contender, Family};

mod append;
mod copy;
mod metadata;
mod read_random;
mod read_whole;
mod sequential;

pub(super) const TOKIO_FS: Contender = Contender {
    name: "tokio-fs",
    about: "tokio on one thread, with tokio::fs as it comes: seek, then read",
    family: Family::Peer,
    backend: Backend::Epoll,
    abilities: Abilities {
        read_random: Some(read_random::read_random),
        read_sequential: Some(sequential::read_sequential),
        write_sequential: Some(sequential::write_sequential),
        copy: Some(copy::copy),
        append: Some(append::append),
        metadata: Some(metadata::metadata),
        read_whole: Some(read_whole::read_whole),
        declines,
        ..Abilities::NONE
    },
};

/// The buffer of a file is not aligned as `O_DIRECT` asks for, and calls come one at a time.
fn declines(case: &Case) -> bool {
    case.is_chained() || matches!(case, Case::ReadRandom(read) if read.direct)
}
