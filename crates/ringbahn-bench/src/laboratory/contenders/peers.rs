//! The libraries for io_uring of crates.io, each as its own documentation and benchmarks use it.
//!
//! What has the same shape for all of them is written once, upon the trait
//! [`Library`](library::Library): tasks that read and write files, timers, wakes. Servers and
//! cancellation are each library's own.

use super::super::case::Case;
use super::super::contender::{Abilities, Contender};
use library::Names;

mod a10;
mod append;
mod compio;
mod give_way;
mod glommio;
mod library;
mod metadata;
mod monoio;
mod pages;
mod pieces;
mod read_random;
mod server;
mod timers;
mod tokio_uring;
mod wake;

/// All of them, in the order of the report.
pub(super) const ALL: [&Contender; 9] = [
    &monoio::DEFAULT,
    &monoio::TUNED,
    &compio::DEFAULT,
    &compio::TUNED,
    &a10::DEFAULT,
    &a10::TUNED,
    &tokio_uring::DEFAULT,
    &tokio_uring::TUNED,
    &glommio::DEFAULT,
];

/// What each of them does with files, upon [`Library`](library::Library): no library has chains.
const fn with_files<L: Names>() -> Abilities {
    Abilities {
        read_random: Some(read_random::read_random::<L>),
        read_sequential: Some(pieces::read::<L>),
        write_sequential: Some(pieces::write::<L>),
        copy: Some(pieces::copy::<L>),
        append: Some(append::append::<L>),
        declines: Case::is_chained,
        metadata: Some(metadata::metadata::<L>),
        ..Abilities::NONE
    }
}
