//! The libraries for io_uring of crates.io, each as its own documentation and benchmarks use it.
//!
//! What has the same shape for all of them is written once, upon the trait
//! [`Library`](library::Library): tasks that read and write files, timers, wakes. Servers and
//! cancellation are each library's own.

use super::super::contender::Contender;

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
