//! The reactor: the thread that waits for descriptors and times.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::engine::Core;
use super::epoll::Change;
use super::schedule::Ready;
use super::thread::spawn;

/// Starts the reactor of an engine. It ends when the engine goes.
///
/// # Errors
///
/// `WouldBlock` where the limit of threads has been reached; those of `epoll_ctl(2)`.
pub(super) fn start(core: &Arc<Core>) -> io::Result<JoinHandle<()>> {
    let timer = core.timer.as_raw_fd();
    let added = core.epoll.change(Change::Add, timer, libc::EPOLLIN as u32);
    added.map_err(io::Error::from_raw_os_error)?;
    let core = core.clone();
    spawn("ringbahn-reactor", move || run(&core))
}

fn run(core: &Arc<Core>) {
    let timer = core.timer.as_raw_fd();
    let mut events = Vec::new();
    let mut ready = Ready::new();
    loop {
        core.epoll.wait(&mut events);
        for event in &events {
            if event.fd == timer {
                if !core.fire_timers(&mut ready) {
                    return;
                }
            } else if !core.tell_polls(event.fd, &mut ready) {
                core.wake(event.fd, event.events, &mut ready);
            }
            core.run(&mut ready);
        }
    }
}
