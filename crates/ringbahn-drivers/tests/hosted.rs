//! The driver that lives in a runtime: on tokio, with one thread and with several, and on smol.
#![allow(unsafe_code)]

#[path = "hosted/ends.rs"]
mod ends;
#[path = "hosted/forks.rs"]
mod forks;
#[path = "hosted/hosts.rs"]
mod hosts;
#[path = "hosted/lacking.rs"]
mod lacking;
#[path = "hosted/operations.rs"]
mod operations;
#[path = "hosted/pauses.rs"]
mod pauses;
#[path = "hosted/quiet.rs"]
mod quiet;
#[path = "hosted/runtimes.rs"]
mod runtimes;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "hosted/turns.rs"]
mod turns;
#[path = "hosted/wakers.rs"]
mod wakers;
