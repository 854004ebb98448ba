//! The libraries for io_uring of crates.io, each as its own documentation and benchmarks use it.
//!
//! What has the same shape for all of them is written once, upon the trait
//! [`Library`](library::Library): tasks that read and write files, timers, wakes. Servers and
//! cancellation are each library's own.

use super::super::contender::Contender;

mod append;
mod give_way;
mod library;
mod metadata;
mod monoio;
mod pages;
mod pieces;
mod read_random;
mod server;
mod timers;
mod wake;

/// All of them, in the order of the report.
pub(super) const ALL: [&Contender; 2] = [&monoio::DEFAULT, &monoio::TUNED];
