//! The ring by hand, in the form that is known to be the fastest.

use super::super::contender::{Abilities, Backend, Contender, Family};

mod nop;
mod ring;

pub(super) const RAW: Contender = Contender {
    name: "raw",
    about: "the ring by hand, through the crate io-uring: one thread, its work deferred to it",
    family: Family::Raw,
    backend: Backend::IoUring,
    abilities: Abilities { nop: Some(nop::nop), ..Abilities::NONE },
};
