//! Chains of either kind, how they break, the room they take, and events that want to be alone.
#![cfg(not(loom))]

#[path = "chains/breaks.rs"]
mod breaks;
#[path = "chains/cancels.rs"]
mod cancels;
#[path = "chains/drains.rs"]
mod drains;
#[path = "chains/kinds.rs"]
mod kinds;
#[path = "chains/room.rs"]
mod room;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "chains/subject.rs"]
mod subject;
