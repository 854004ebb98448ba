//! What drivers tell of themselves, opcode by opcode: every entry is counted once as it comes and
//! once as it ends, whatever becomes of its future and whoever executes it.
//!
//! Each scene is written once, and run on each driver.
#![cfg(not(loom))]

#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

#[macro_use]
#[path = "metrics/home.rs"]
mod home;

#[path = "metrics/balance.rs"]
mod balance;
#[path = "metrics/ends.rs"]
mod ends;
#[path = "metrics/latencies.rs"]
mod latencies;
#[path = "metrics/prometheus.rs"]
mod prometheus;
#[path = "metrics/ways.rs"]
mod ways;
