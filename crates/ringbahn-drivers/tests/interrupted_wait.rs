//! A driver of a few lines, in safe code, that submits and waits in one system call; and what it
//! is told when a signal ends the wait after the submission.
//!
//! The kernel then says how many entries it has taken, and not that it was interrupted. A driver
//! that took this for the end of the wait would read an empty queue as an answer.
#![allow(unsafe_code)]

use std::io::{self, Write};
use std::os::unix::thread::JoinHandleExt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use ringbahn_core::event::{Position, Read};
use ringbahn_core::{Batch, CancelTarget, Completion, Drive, Reservation, Shared, SharedFd};
use ringbahn_drivers::{Queues, Setup};

#[path = "support/skip.rs"]
mod skip;

/// Submits and waits in one call, on the thread that polls.
#[derive(Clone)]
struct Waiting {
    queues: Arc<Mutex<Queues>>,
    /// How often the kernel has taken entries, and yet nothing had completed.
    interruptions: Arc<AtomicU32>,
}

impl Drive for Waiting {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut queues = self.queues.lock().unwrap();
        match queues.submission.reserve(count)? {
            Some(reservation) => Poll::Ready(Ok(prepare(reservation, cx))),
            None => Poll::Ready(Err(io::ErrorKind::StorageFull.into())),
        }
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        let mut queues = self.queues.lock().unwrap();
        queues.submission.publish();
        let mut submitted = 0;
        while queues.completion.is_empty() {
            match queues.handle.enter(1) {
                Ok(count) => {
                    submitted += count;
                    let interrupted = count > 0 && queues.completion.is_empty();
                    self.interruptions.fetch_add(u32::from(interrupted), Ordering::SeqCst);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let mut batch = Batch::new();
        queues.completion.reap(&mut batch, usize::MAX);
        drop(queues);
        let aftermath = batch.run();
        assert!(aftermath.resubmissions.is_empty() && aftermath.panics == 0);
        Poll::Ready(Ok(submitted))
    }

    fn cancel(self: Pin<&mut Self>, _target: CancelTarget) {
        unreachable!("every operation here has ended when its future is polled again")
    }
}

extern "C" fn ignore(_signal: libc::c_int) {}

#[test]
fn a_wait_that_a_signal_ends_after_the_submission_tells_the_count_and_is_taken_up_again() {
    let test =
        "a_wait_that_a_signal_ends_after_the_submission_tells_the_count_and_is_taken_up_again";
    let queues = match Setup::new(1).completion_entries(2).build() {
        Ok(queues) => queues,
        Err(error) => return skip::skip(test, &format!("no io_uring: {error}")),
    };
    // SAFETY: all-zero bytes are a `sigaction` without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = ignore as *const () as usize;
    // SAFETY: `action` is initialised, and the handler does nothing.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) }, 0);

    let interruptions = Arc::new(AtomicU32::new(0));
    let driver =
        Waiting { queues: Arc::new(Mutex::new(queues)), interruptions: interruptions.clone() };
    let (reader, mut writer) = io::pipe().unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let waiter = thread::spawn({
        let ended = ended.clone();
        move || {
            let event = Read::new(
                SharedFd::new(Arc::new(reader)),
                Vec::with_capacity(8),
                Position::Current,
            );
            let mut read = pin!(driver.submit(event));
            let polled = read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            ended.store(true, Ordering::SeqCst);
            polled
        }
    });
    while interruptions.load(Ordering::SeqCst) == 0 {
        // SAFETY: the thread has not been joined, so its handle is good.
        unsafe { libc::pthread_kill(waiter.as_pthread_t(), libc::SIGUSR1) };
        // sleep: spares the processor between signals; any number of them will do.
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!ended.load(Ordering::SeqCst), "an interruption was taken for an answer");
    writer.write_all(b"at last").unwrap();
    match waiter.join().unwrap() {
        Poll::Ready((result, buffer)) => {
            assert_eq!((result.unwrap(), &buffer[..]), (7, &b"at last"[..]));
        }
        Poll::Pending => panic!("the read has not ended"),
    }
}
