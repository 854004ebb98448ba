//! What scenarios share: futures polled by hand, waits with an end, and processes of their own.
#![allow(dead_code, reason = "no scenario needs all of it")]

use std::future::Future;
use std::io::{self, PipeWriter};
use std::os::fd::AsFd;
use std::pin::{Pin, pin};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use ringbahn_core::SharedFd;
use ringbahn_drivers::{Report, SharedDriver};

/// How long anything may take that is to happen at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// One poll, with nobody to be woken.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future that has to wait.
#[track_caller]
pub(crate) fn start<F: Future + Unpin>(future: &mut F) {
    assert!(poll_once(Pin::new(future)).is_pending(), "it has not waited");
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future, and fails where it does not end in time.
#[track_caller]
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    let end = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let now = Instant::now();
        assert!(now < end, "the future has not ended in time");
        thread::park_timeout(end - now);
    }
}

/// Waits until `condition` holds, and fails where it does not in time.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        // sleep: paces the looking; nothing depends on how long it is.
        thread::sleep(Duration::from_micros(200));
    }
}

/// Waits until the kernel has let go of everything.
#[track_caller]
pub(crate) fn until_idle(driver: &SharedDriver) {
    until("nothing is in flight", || {
        let counters = driver.counters();
        counters.in_flight == 0 && counters.submitted == counters.completed
    });
}

/// A shutdown after which all accounts balance.
#[track_caller]
pub(crate) fn end(driver: &SharedDriver) -> Report {
    let report = run(driver.shutdown(Duration::from_secs(10)));
    let counters = driver.counters();
    assert_eq!(report.leaked, 0, "{counters:#?}");
    assert_eq!(counters.submitted, counters.completed, "{counters:#?}");
    assert_eq!((counters.in_flight, counters.unknown_cqes), (0, 0), "{counters:#?}");
    report
}

/// How often somebody was woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Wakes>, Waker) {
        let wakes = Arc::new(Wakes::default());
        (wakes.clone(), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs a closure when it is woken.
pub(crate) struct OnWake<F>(pub(crate) F);

impl<F: Fn() + Send + Sync + 'static> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// A waker that runs `action`.
pub(crate) fn on_wake(action: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(OnWake(action)))
}

pub(crate) fn pipe() -> (SharedFd, PipeWriter) {
    let (reader, writer) = io::pipe().unwrap();
    (shared(reader), writer)
}

pub(crate) fn shared<T: AsFd + Send + Sync + 'static>(file: T) -> SharedFd {
    SharedFd::new(Arc::new(file))
}

/// How many descriptors this process has open. For processes of their own only.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// How many threads this process has, less the kernel's workers, which go when it suits them.
pub(crate) fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| !name.starts_with("iou-")).count()
}

const CHILD: &str = "RINGBAHN_SCENARIO_CHILD";

/// Whether this is the process that [`in_child`] has started for `test`.
pub(crate) fn is_child(test: &str) -> bool {
    std::env::var(CHILD).is_ok_and(|child| child == test)
}

/// Runs `scenario` in a process of its own: this program once more, with nothing but `test`.
/// Skipped where there is no io_uring.
#[track_caller]
pub(crate) fn in_child(test: &str, scenario: impl FnOnce()) {
    in_child_of(&[], test, scenario);
}

/// As [`in_child`], started by the program `wrapper[0]` with the other arguments before its own.
#[track_caller]
pub(crate) fn in_child_of(wrapper: &[&str], test: &str, scenario: impl FnOnce()) {
    if is_child(test) {
        return scenario();
    }
    if crate::skip::driver(test, 1, 2).is_none() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(this),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(this);
            command
        }
    };
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, test);
    // A process that is traced, filtered or limited cannot be looked through for leaks.
    command.env("ASAN_OPTIONS", "detect_leaks=0");
    let output = command.output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprint!("{err}");
    let passed = output.status.success() && out.contains("1 passed");
    assert!(passed, "the process of {test} has failed: {}\n{out}{err}", output.status);
}

/// As [`in_child`], with calls of `io_uring_enter` tampered with: `tampering` is what strace's
/// `inject=io_uring_enter:` says. Skipped where there is no strace.
#[track_caller]
pub(crate) fn in_child_with_enters(tampering: &str, test: &str, scenario: impl FnOnce()) {
    if is_child(test) {
        return scenario();
    }
    let works = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        return crate::skip::skip(test, "strace is not installed, or not allowed to trace");
    }
    let inject = format!("inject=io_uring_enter:{tampering}");
    let log = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=io_uring_enter", "-e"];
    in_child_of(&[&log[..], &[&inject]].concat(), test, scenario);
}
