//! A process that forks while a runtime has a driver.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read};
use ringbahn_drivers::{HostedDriver, Report};

use crate::hosts::{in_time, in_tokio, one_thread};
use crate::scene::{in_child, pipe, poll_once, run, start};

/// What a forked child does, which must not come back: its exit code is the number of the check
/// that failed, or 0.
fn forked(child: impl FnOnce() -> i32) {
    // SAFETY: the calling thread is the only one of this process.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let code = child();
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is a place to write to.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the check of that number failed in the child");
}

#[test]
fn a_forked_child_is_told_so_and_its_drops_leave_the_parents_reactor_alone() {
    let test = "forks::a_forked_child_is_told_so_and_its_drops_leave_the_parents_reactor_alone";
    in_child(test, || {
        in_time(move || {
            let runtime = one_thread();
            let driver = runtime.block_on(async { in_tokio(test, 4, 8).unwrap() });
            let (reader, mut writer) = pipe();
            let read =
                || driver.clone().submit(Read::new(reader.clone(), [0; 1], Position::Current));
            let mut kept = read();
            start(&mut kept);
            let mut dropped = read();
            start(&mut dropped);
            let mut childs = Some((runtime, dropped, read(), driver.clone()));

            forked(|| {
                let Some((runtime, mut dropped, unpolled, driver)) = childs.take() else {
                    return 1;
                };
                let Err(error) = run(unpolled).0 else { return 2 };
                if error.kind() != io::ErrorKind::Unsupported || !error.to_string().contains("fork")
                {
                    return 3;
                }
                if poll_once(Pin::new(&mut dropped)).is_ready() {
                    return 4;
                }
                drop(dropped);
                if run(driver.shutdown(Duration::from_secs(1))) != Report::default() {
                    return 5;
                }
                drop(driver);
                drop(runtime);
                let own = one_thread();
                let done = own.block_on(async {
                    let driver = HostedDriver::tokio()?;
                    driver.clone().submit(Nop).await?;
                    io::Result::Ok(driver.shutdown(Duration::from_secs(5)).await.leaked)
                });
                if done.is_ok_and(|leaked| leaked == 0) { 0 } else { 6 }
            });

            let (runtime, dropped, unpolled, _other) = childs.take().unwrap();
            drop(unpolled);
            assert!(driver.is_hosted());
            assert!(runtime.block_on(dropped.cancel()).is_cancelled());
            // The reactor still tells of the ring.
            runtime.block_on(async {
                let write = async {
                    tokio::task::yield_now().await;
                    writer.write_all(b"x").unwrap();
                };
                let ((_, bytes), ()) = futures::join!(kept, write);
                assert_eq!(bytes, *b"x");
                assert_eq!(driver.shutdown(Duration::from_secs(5)).await.leaked, 0);
            });
        });
    });
}
