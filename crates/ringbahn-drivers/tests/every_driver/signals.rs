//! Operations of all kinds in a storm of signals.

use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ringbahn_core::Drive as _;
use ringbahn_core::event::{Position, Read, Timeout};

use crate::canary::{self, Canary};
use crate::home::{Home, end, home};
use crate::operations::everyday_work;
use crate::scene::pipe;

/// How often each thread is interrupted.
const PERIOD: Duration = Duration::from_millis(1);
/// Longer than the period by far: whoever begins anew at each signal never comes to the end.
const WAIT: Duration = Duration::from_millis(200);
/// How late an end may come on a machine with much else to do.
const LATE_MAX: Duration = Duration::from_secs(3);
const WORK_MIN: Duration = Duration::from_millis(300);

/// What becomes of a call that a signal interrupts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Interrupted {
    Fails,
    BeginsAnew,
}

static SIGNALS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_signal: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Signals to all threads of this process, until it is dropped.
pub(crate) struct Storm {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Storm {
    pub(crate) fn begin(interrupted: Interrupted) -> Storm {
        // SAFETY: all-zero bytes are a `sigaction` without flags and with an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_flags = match interrupted {
            Interrupted::Fails => 0,
            Interrupted::BeginsAnew => libc::SA_RESTART,
        };
        action.sa_sigaction = count as *const () as usize;
        // SAFETY: `action` is initialised, and the handler does nothing but count.
        assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) }, 0);
        let over = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let over = over.clone();
            move || {
                while !over.load(Ordering::Relaxed) {
                    signal_all();
                    // sleep: paces the storm.
                    thread::sleep(PERIOD);
                }
            }
        });
        Storm { over, thread: Some(thread) }
    }

    /// How many signals were handled so far.
    pub(crate) fn signals(&self) -> u64 {
        SIGNALS.load(Ordering::Relaxed)
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Sends every thread but this one a signal.
fn signal_all() {
    // SAFETY: the call names no memory.
    let (process, own) = (std::process::id(), unsafe { libc::gettid() });
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return };
    let threads = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
    for thread in threads.filter(|thread: &libc::pid_t| *thread != own) {
        // A thread may be gone by now.
        // SAFETY: the call names no memory.
        unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1) };
    }
}

/// What was waited for has come in time, and not before.
#[track_caller]
fn assert_in_time(begin: Instant) {
    let elapsed = begin.elapsed();
    assert!((WAIT..WAIT + LATE_MAX).contains(&elapsed), "after {elapsed:?}");
}

fn is_not_noticed<H: Home>(test: &str) {
    for interrupted in [Interrupted::Fails, Interrupted::BeginsAnew] {
        in_a_storm::<H>(test, interrupted);
    }
    canary::inspect();
}

/// Does all kinds of work while it is told to go on, and then waits twice.
fn work<H: Home>(home: &H, mut goes_on: impl FnMut(Instant) -> bool) {
    let begin = Instant::now();
    while goes_on(begin) {
        home.run(everyday_work(&home.driver()));
    }

    let begin = Instant::now();
    home.run(home.driver().submit(Timeout::new(WAIT))).unwrap();
    assert_in_time(begin);
    let (reader, _writer) = pipe();
    let begin = Instant::now();
    let read = home.driver().submit(Read::new(reader, Canary::new(), Position::Current));
    let (result, _) = home.run(read.timeout(WAIT));
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_in_time(begin);
    end(home);
}

fn in_a_storm<H: Home>(test: &str, interrupted: Interrupted) {
    let Some(home) = home::<H>(test, 4, 8) else { return };
    let storm = Storm::begin(interrupted);
    let before = storm.signals();
    work(&home, |begin| begin.elapsed() < WORK_MIN);
    let signals = storm.signals() - before;
    assert!(signals > 200, "that was no storm: {signals}");
}

/// Stops this process and continues it, again and again: the last thing is always the latter.
const STOPS: &str =
    "for round in $(seq 150); do kill -STOP $0 && kill -CONT $0 || exit 1; sleep 0.001; done";

fn are_not_noticed<H: Home>(test: &str) {
    let Some(home) = home::<H>(test, 4, 8) else { return };
    let mut stopper = Command::new("sh");
    let mut stopper = stopper.args(["-c", STOPS, &std::process::id().to_string()]).spawn().unwrap();
    let mut status = None;
    work(&home, |_| {
        status = stopper.try_wait().unwrap();
        status.is_none()
    });
    assert!(status.unwrap().success());
    canary::inspect();
}

on_every_driver!(a_storm_of_signals_is_not_noticed, is_not_noticed);
on_every_driver!(stops_of_the_whole_process_are_not_noticed, are_not_noticed);
