//! The ring by hand, in the form that is known to be the fastest.

use super::super::contender::{Abilities, Backend, Contender, Family};

mod accept;
mod append;
mod buffers;
mod cancel;
mod connections;
mod copy;
mod echo;
mod metadata;
mod nop;
mod pieces;
mod read_random;
mod ring;
mod sequential;
mod timers;
mod wake;

pub(super) const RAW: Contender = Contender {
    name: "raw",
    about: "the ring by hand, through the crate io-uring: one thread, its work deferred to it",
    family: Family::Raw,
    backend: Backend::IoUring,
    abilities: Abilities {
        nop: Some(nop::nop),
        read_random: Some(read_random::read_random),
        read_sequential: Some(sequential::read),
        write_sequential: Some(sequential::write),
        copy: Some(copy::copy),
        append: Some(append::append),
        metadata: Some(metadata::metadata),
        echo: Some(echo::echo),
        accept: Some(accept::accept),
        idle: Some(echo::idle),
        timers: Some(timers::timers),
        cancel: Some(cancel::cancel),
        wake: Some(wake::wake),
        ..Abilities::NONE
    },
};
