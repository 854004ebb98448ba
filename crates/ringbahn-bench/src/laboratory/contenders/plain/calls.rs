//! System calls that block, and a thread for each that is to be on its way.

use super::super::super::case::Case;
use super::super::super::contender::{Abilities, Backend, Contender, Family};

mod append;
mod copy;
mod metadata;
mod network;
mod read_random;
mod sequential;
mod timers;
mod wake;

/// How many connections have a thread each, at most.
const CONNECTIONS: u32 = 64;

pub(in super::super) const CALLS: Contender = Contender {
    name: "calls",
    about: "system calls that block, with a thread for each read or connection that is on its way",
    family: Family::Plain,
    backend: Backend::Calls,
    abilities: Abilities {
        read_random: Some(read_random::read_random),
        read_sequential: Some(sequential::read),
        write_sequential: Some(sequential::write),
        copy: Some(copy::copy),
        append: Some(append::append),
        metadata: Some(metadata::metadata),
        echo: Some(network::echo),
        accept: Some(network::accept),
        timers: Some(timers::timers),
        wake: Some(wake::wake),
        declines,
        ..Abilities::NONE
    },
};

fn declines(case: &Case) -> bool {
    matches!(case, Case::Echo(echo) if echo.connections > CONNECTIONS)
}
