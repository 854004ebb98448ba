//! The primitives that are std's in use and loom's under the model checker, chosen once.
//!
//! The words of a ring are atomics that lie in memory shared with the kernel. std's `AtomicU32`
//! has the layout of the kernel's `u32`; loom's has not, so a loom build never maps a ring and
//! only runs queues over heap memory.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, Ordering};

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, Ordering};
