//! Streams of what one operation yields with many CQEs: every item arrives once and belongs to
//! somebody, whoever lags, drops, stops or runs out of buffers, and whatever the kernel ends.
//!
//! Each scenario runs on both drivers. `RINGBAHN_MULTISHOT_ROUNDS` says how many rounds the random
//! ones take; 10 000 unless told.

#[path = "support/filter.rs"]
mod filter;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

#[path = "multishot/subject.rs"]
#[macro_use]
mod subject;

#[path = "multishot/accept.rs"]
mod accept;
#[path = "multishot/bundles.rs"]
mod bundles;
#[path = "multishot/messages.rs"]
mod messages;
#[path = "multishot/processes.rs"]
mod processes;
#[path = "multishot/queues.rs"]
mod queues;
#[path = "multishot/random.rs"]
mod random;
#[path = "multishot/random_queues.rs"]
mod random_queues;
#[path = "multishot/receive.rs"]
mod receive;
#[path = "multishot/scarcity.rs"]
mod scarcity;
#[path = "multishot/sends.rs"]
mod sends;
#[path = "multishot/ticks.rs"]
mod ticks;
