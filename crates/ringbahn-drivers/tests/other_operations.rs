//! Operations that neither read nor write: executed by the kernel and by the fallback, or refused
//! by an error that says so.
#![cfg(not(loom))]

use ringbahn_drivers::survey::KernelVersion;
use ringbahn_drivers::{Backend, Policy, SharedDriver};

#[path = "other_operations/children.rs"]
mod children;
#[path = "other_operations/commands.rs"]
mod commands;
#[path = "other_operations/epoll.rs"]
mod epoll;
#[path = "other_operations/futexes.rs"]
mod futexes;
#[path = "other_operations/limits.rs"]
mod limits;
#[path = "other_operations/rings.rs"]
mod rings;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "other_operations/sockets.rs"]
mod sockets;
#[path = "other_operations/targets.rs"]
mod targets;

/// A small driver, which takes every operation through its queue.
fn driver(policy: Policy) -> std::io::Result<SharedDriver> {
    let builder = SharedDriver::builder().entries(4).completion_entries(8);
    builder.serve_at_once(false).policy(policy).build()
}

/// A driver on io_uring; or `None` and a line in the log where there is none, or where the kernel
/// is older than `since`.
fn on_kernel(test: &str, since: (u16, u16)) -> Option<SharedDriver> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let since = KernelVersion::parse(&format!("{}.{}", since.0, since.1)).unwrap();
    if KernelVersion::parse(&release).is_some_and(|version| version < since) {
        skip::skip(test, &format!("the kernel is older than {since}"));
        return None;
    }
    driver(Policy::Require).map_err(|error| skip::skip(test, &format!("no io_uring: {error}"))).ok()
}

/// Runs a scenario on a driver on io_uring, where there is one and the kernel is new enough, and on
/// the fallback; and ends the drivers, which are to have nothing left.
fn on_both(test: &str, since: (u16, u16), scenario: impl Fn(&SharedDriver)) {
    let fallback = driver(Policy::Never).expect("the fallback works everywhere");
    for driver in on_kernel(test, since).into_iter().chain([fallback]) {
        scenario(&driver);
        scene::until_idle(&driver);
        scene::end(&driver);
    }
}

fn is_fallback(driver: &SharedDriver) -> bool {
    driver.backend() == Backend::Fallback
}
