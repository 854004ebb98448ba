//! What every driver must get right, whatever it runs on: its end, the ends of threads and
//! processes, signals, limits, and doing nothing.
//!
//! Each scene is written once, and run on each driver in a process of its own.
#![cfg(not(loom))]
#![allow(unsafe_code)]

#[path = "support/canary.rs"]
mod canary;
#[path = "support/filter.rs"]
mod filter;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

#[macro_use]
#[path = "every_driver/on.rs"]
mod on;

#[path = "every_driver/children.rs"]
mod children;
#[path = "every_driver/direct.rs"]
mod direct;
#[path = "every_driver/failing_enters.rs"]
mod failing_enters;
#[path = "every_driver/home.rs"]
mod home;
#[path = "every_driver/idle.rs"]
mod idle;
#[path = "every_driver/limits.rs"]
mod limits;
#[path = "every_driver/operations.rs"]
mod operations;
#[path = "every_driver/polled.rs"]
mod polled;
#[path = "every_driver/shutdown.rs"]
mod shutdown;
#[path = "every_driver/signals.rs"]
mod signals;
#[path = "every_driver/thread_exit.rs"]
mod thread_exit;
