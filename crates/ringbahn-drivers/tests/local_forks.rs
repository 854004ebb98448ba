//! Processes that fork while they have a local driver.
#![allow(unsafe_code)]

use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Position, Read};
use ringbahn_drivers::{LocalDriver, Report};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use local::end;
use scene::{pipe, poll_once};
use watched::Watched;

/// What a forked child does, which must not come back: its exit code is the number of the check
/// that failed, or 0.
fn forked(child: impl FnOnce() -> i32) {
    // SAFETY: this process has one thread that does anything, and that is this.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // A child that hangs is killed.
        // SAFETY: the call names no memory.
        unsafe { libc::alarm(20) };
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

fn is_of_the_fork<T>(result: io::Result<T>) -> bool {
    let Err(error) = result else { return false };
    error.kind() == io::ErrorKind::Unsupported && error.to_string().contains("fork")
}

fn scenario(test: &str, inside: bool) {
    let driver = local::driver(test, 2, 4).unwrap();
    let ends = Arc::new(AtomicUsize::new(0));
    let (reader, mut writer) = pipe();
    let (other_reader, _other_writer) = pipe();
    let read = |reader| Read::new(reader, Watched::new(&ends), Position::Current);
    let mut kept = driver.clone().submit(read(reader));
    let mut dropped = driver.clone().submit(read(other_reader.clone()));
    // The bell is in flight, too.
    driver.block_on(async {
        let _ = local::poll_once(Pin::new(&mut kept)).await;
        let _ = local::poll_once(Pin::new(&mut dropped)).await;
    });
    driver
        .block_on(
            driver.clone().submit(ringbahn_core::event::Timeout::new(Duration::from_millis(1))),
        )
        .unwrap();
    let unpolled = driver.clone().submit(read(other_reader.clone()));
    let late = driver.clone().submit(read(other_reader));
    let before = driver.counters();
    let mut childs = Some((dropped, unpolled, late, driver.clone()));

    let mut in_child = || {
        let Some((mut dropped, mut unpolled, late, driver)) = childs.take() else { return 1 };
        let std::task::Poll::Ready((result, buffer)) = poll_once(Pin::new(&mut unpolled)) else {
            return 2;
        };
        if !is_of_the_fork(result) {
            return 3;
        }
        drop(buffer);
        if ends.load(Ordering::SeqCst) != 1 {
            return 4;
        }
        if poll_once(Pin::new(&mut dropped)).is_ready() {
            return 5;
        }
        drop(dropped);
        if ends.load(Ordering::SeqCst) != 1 {
            return 6; // The parent's kernel still has it.
        }
        if !is_of_the_fork(driver.block_on(driver.clone().submit(Nop))) {
            return 7;
        }
        if !is_of_the_fork(driver.block_on(late).0) {
            return 8;
        }
        // Futures run, and wake each other.
        driver.block_on(async {
            for _ in 0..100 {
                local::yields().await;
            }
        });
        let (sender, receiver) = futures::channel::oneshot::channel();
        let other = std::thread::spawn(move || sender.send(7));
        if driver.block_on(receiver) != Ok(7) || other.join().is_err() {
            return 9;
        }
        if driver.shutdown(Duration::from_secs(1)) != Report::default() {
            return 10;
        }
        if !is_of_the_fork(driver.block_on(driver.clone().submit(Nop))) {
            return 11;
        }
        drop(driver);
        // A driver of its own is as good as any.
        let Ok(own) = LocalDriver::builder().entries(1).build() else { return 12 };
        if own.block_on(own.clone().submit(Nop)).is_err() {
            return 13;
        }
        i32::from(own.shutdown(Duration::from_secs(5)).leaked != 0) * 14
    };
    if inside {
        driver.block_on(async { forked(&mut in_child) });
    } else {
        forked(&mut in_child);
    }

    let after = driver.counters();
    assert_eq!((before.submitted, before.completed), (after.submitted, after.completed));
    assert_eq!(ends.load(Ordering::SeqCst), 0);
    let (dropped, unpolled, late, other) = childs.take().unwrap();
    drop((unpolled, late, other));
    writer.write_all(b"x").unwrap();
    let (count, buffer) = driver.block_on(kept);
    assert_eq!((count.unwrap(), buffer.filled()), (1, &b"x"[..]));
    drop(buffer);
    assert!(driver.block_on(dropped.cancel()).is_cancelled());
    end(&driver);
    assert_eq!(ends.load(Ordering::SeqCst), 4);
    canary::inspect();
}

#[test]
fn a_child_of_a_local_driver_is_told_so_and_does_no_harm_to_its_parent() {
    let test = "a_child_of_a_local_driver_is_told_so_and_does_no_harm_to_its_parent";
    scene::in_child(test, || scenario(test, false));
}

#[test]
fn a_child_forked_by_a_future_is_told_so_and_does_no_harm_to_its_parent() {
    let test = "a_child_forked_by_a_future_is_told_so_and_does_no_harm_to_its_parent";
    scene::in_child(test, || scenario(test, true));
}

/// A waker of the parent's that a child uses: the eventfd is one for both.
#[test]
fn a_wake_in_a_child_does_not_wake_the_parent() {
    let test = "a_wake_in_a_child_does_not_wake_the_parent";
    scene::in_child(test, || {
        let driver = local::driver(test, 1, 2).unwrap();
        let mut waker = None;
        driver.block_on(std::future::poll_fn(|cx| {
            waker = Some(cx.waker().clone());
            std::task::Poll::Ready(())
        }));
        let waker = waker.unwrap();
        let mut polls = 0;
        let (reader, writer) = io::pipe().unwrap();
        // Forked while the parent is awake, the child thinks that it wakes a thread that sleeps.
        forked(|| {
            drop(writer.try_clone());
            (0..1000).for_each(|_| waker.wake_by_ref());
            0
        });
        let timer = ringbahn_core::event::Timeout::new(Duration::from_millis(100));
        let mut timer = driver.clone().submit(timer);
        driver
            .block_on(std::future::poll_fn(|cx| {
                polls += 1;
                std::future::Future::poll(Pin::new(&mut timer), cx)
            }))
            .unwrap();
        assert!(polls <= 2, "{polls} polls");
        drop((reader, waker));
        end(&driver);
    });
}

#[test]
fn a_child_that_execs_has_none_of_a_local_rings_descriptors() {
    let test = "a_child_that_execs_has_none_of_a_local_rings_descriptors";
    let Some(driver) = local::driver(test, 1, 2) else { return };
    driver.block_on(driver.clone().submit(Nop)).unwrap();
    let mut child = std::process::Command::new("ls")
        .args(["-l", "/proc/self/fd"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut listing = String::new();
    child.stdout.take().unwrap().read_to_string(&mut listing).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!listing.contains("io_uring") && !listing.contains("eventfd"), "{listing}");
    end(&driver);
}
