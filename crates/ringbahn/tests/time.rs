//! Sleeps, intervals and timeouts: when they end, in which order, and what is left behind.

#[path = "../../ringbahn-drivers/tests/support/local.rs"]
mod local;
#[path = "../../ringbahn-drivers/tests/support/scene.rs"]
mod scene;
#[path = "../../ringbahn-drivers/tests/support/skip.rs"]
mod skip;

#[path = "time/clocks.rs"]
mod clocks;
#[path = "time/ends.rs"]
mod ends;
#[path = "time/intervals.rs"]
mod intervals;
#[path = "time/many.rs"]
mod many;
#[path = "time/moody.rs"]
mod moody;
#[path = "time/one_kernel_timer.rs"]
mod one_kernel_timer;
#[path = "time/timeouts.rs"]
mod timeouts;
#[path = "time/wakers.rs"]
mod wakers;
