//! The simulated kernel: what it executes, what goes wrong in it, and that the same seed does the
//! same.

#[path = "sim/files.rs"]
mod files;
#[path = "sim/streams.rs"]
mod streams;
#[path = "sim/support.rs"]
mod support;
#[path = "sim/sockets.rs"]
mod sockets;
#[path = "sim/time.rs"]
mod time;
