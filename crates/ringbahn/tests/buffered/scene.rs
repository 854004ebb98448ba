//! What the tests with groups of buffers share.

use std::future::poll_fn;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use ringbahn::{Backend, BufferGroup, Drive, SharedDriver, event};
use smol::block_on as run;

use super::support::skip;

/// Runs `scenario` with a driver and a group of so many buffers of that size, and fails where it
/// does not end.
pub(crate) fn play(
    test: &str,
    (count, size): (u16, u32),
    scenario: impl FnOnce(SharedDriver, BufferGroup) + Send + 'static,
) {
    let driver = match SharedDriver::builder().entries(8).completion_entries(16).build() {
        Ok(driver) if driver.backend() == Backend::IoUring => driver,
        Ok(_) => return skip(test, "no io_uring: the fallback has a scene of its own"),
        Err(error) => return skip(test, &format!("no io_uring: {error}")),
    };
    let group = driver.buffer_group(count, size).unwrap();
    in_time(move || scenario(driver, group));
}

/// Runs `work` on a thread of its own, and fails where it does not end.
pub(crate) fn in_time(work: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || {
        // Dropped by a panic as well.
        let _sender = sender;
        work();
    });
    let ended: Result<(), _> = receiver.recv_timeout(Duration::from_secs(60));
    assert_eq!(ended, Err(RecvTimeoutError::Disconnected), "it does not end");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// How many buffers of the group are not out: so many as can be had.
pub(crate) fn free(driver: &SharedDriver, group: &BufferGroup) -> usize {
    take_all(driver, group).len()
}

/// Takes all buffers of the group that are not out.
pub(crate) fn take_all(
    driver: &SharedDriver,
    group: &BufferGroup,
) -> Vec<ringbahn::ProvidedBuffer> {
    let (near, mut far) = UnixStream::pair().unwrap();
    let near = std::os::fd::OwnedFd::from(near);
    let socket = ringbahn::SharedFd::from(near);
    let mut taken = Vec::new();
    loop {
        far.write_all(&vec![0; group.size() as usize]).unwrap();
        let receive = event::RecvProvided::new(socket.clone(), group);
        match run(driver.clone().submit(receive)) {
            Ok(buffer) => taken.push(buffer.unwrap()),
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS));
                return taken;
            }
        }
    }
}

/// Is pending once.
pub(crate) async fn next_turn() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Numbers that look random and are the same each time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// One from 1 to `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound + 1
    }
}
