//! The cases, group by group.

pub(crate) mod backpressure;
pub(crate) mod cancel;
pub(crate) mod data;
pub(crate) mod errors;
pub(crate) mod leaks;
pub(crate) mod links;
pub(crate) mod registered;
pub(crate) mod repeats;
pub(crate) mod streams;
pub(crate) mod teardown;
pub(crate) mod threads;
pub(crate) mod wakers;
pub(crate) mod zero_copy;
