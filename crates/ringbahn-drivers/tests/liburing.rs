//! The scenarios of liburing's own tests, written anew for drivers, each under its name there.
//!
//! Every scenario runs on the shared and on the local driver, unless it is about another one. What
//! a name says is in the comment of its function; the ones of liburing that are about its own
//! functions, and not about what a ring does, have no counterpart.
#![cfg(not(loom))]
#![allow(unsafe_code)]

#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

#[path = "multishot/subject.rs"]
#[macro_use]
#[allow(dead_code, reason = "no program needs all of it")]
mod subject;

#[path = "liburing/buffers.rs"]
mod buffers;
#[path = "liburing/cancels.rs"]
mod cancels;
#[path = "liburing/files.rs"]
mod files;
#[path = "liburing/links.rs"]
mod links;
#[path = "liburing/network.rs"]
mod network;
#[path = "liburing/queues.rs"]
mod queues;
#[path = "liburing/support.rs"]
mod support;
#[path = "liburing/teardown.rs"]
mod teardown;
#[path = "liburing/time.rs"]
mod time;
