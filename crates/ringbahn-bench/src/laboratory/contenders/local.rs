//! ringbahn on the driver of one thread.

use super::super::contender::{Abilities, Backend, Contender, Family};

mod echo;
mod nop;

pub(super) const LOCAL: Contender = Contender {
    name: "local",
    about: "ringbahn's driver of one thread, one level down: events, streams, provided buffers",
    family: Family::Ringbahn,
    backend: Backend::IoUring,
    abilities: Abilities { nop: Some(nop::nop), echo: Some(echo::echo), ..Abilities::NONE },
};
