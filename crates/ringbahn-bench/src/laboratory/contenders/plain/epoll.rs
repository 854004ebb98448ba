//! One thread with epoll, and calls that do not wait.

use super::super::super::contender::{Abilities, Backend, Contender, Family};

mod accept;
mod connections;
mod echo;
mod set;
mod timers;
mod wake;

pub(in super::super) const EPOLL: Contender = Contender {
    name: "epoll",
    about: "one thread with epoll by hand, told for as long as something is there to be read",
    family: Family::Plain,
    backend: Backend::Epoll,
    abilities: Abilities {
        echo: Some(echo::echo),
        accept: Some(accept::accept),
        idle: Some(echo::idle),
        timers: Some(timers::timers),
        wake: Some(wake::wake),
        ..Abilities::NONE
    },
};
