//! The two halves of a ring, and the handle by which both reach the kernel.
//!
//! ```text
//!                 SubmissionQueue                    CompletionQueue
//!   reserve ──► fill ──► publish                 reap ◄── CQEs
//!                  tail │  ▲ head            tail │  ▲ head
//!                       ▼  │                      │  ▼
//!                ┌─────────────── memory shared with the kernel ──┐
//!                └────────────────────────────────────────────────┘
//!                       ▲ RingHandle::enter ▲ RingHandle::poll_readable
//! ```
//!
//! Each half has one owner and takes `&mut self`, so a driver decides what guards it: nothing in a
//! driver bound to a thread, a lock in one that is shared. The handle needs neither.

pub(crate) mod beside;
pub(crate) mod completion;
#[cfg(any(test, loom, feature = "fuzzing"))]
#[cfg_attr(
    any(loom, feature = "fuzzing"),
    allow(dead_code, reason = "the models and the fuzz targets use a part of it")
)]
pub(crate) mod fake_kernel;
mod groups;
pub(crate) mod handle;
pub(crate) mod index;
#[cfg(all(test, loom))]
mod loom_model;
pub(crate) mod mapped;
pub(crate) mod memory;
mod place;
pub(crate) mod registry;
mod resize;
pub(crate) mod rings;
pub(crate) mod submission;
mod waits;
pub(crate) mod width;
