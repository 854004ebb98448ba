//! Child processes, waited for.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use ringbahn_core::event::{ChildChange, ChildState, WaitId};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_drivers::SharedDriver;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::on_both;
use crate::scene::{run, start};

/// A child in a group of its own, which ends with 3 when it has read a line.
fn child() -> Child {
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", "read line; exit 3"]).stdin(Stdio::piped()).process_group(0);
    shell.spawn().unwrap()
}

fn number(child: &Child) -> NonZeroU32 {
    NonZeroU32::new(child.id()).unwrap()
}

fn let_go(child: &mut Child) {
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
}

fn wait(driver: &SharedDriver, event: WaitId) -> std::io::Result<ChildState> {
    run(driver.clone().submit(event))
}

#[test]
fn a_child_is_waited_for_by_its_number_descriptor_or_group() {
    let test = "a_child_is_waited_for_by_its_number_descriptor_or_group";
    on_both(test, (6, 7), |driver| {
        for way in 0..3 {
            let mut child = child();
            let process = number(&child);
            let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
            let pidfd = SharedFd::new(Arc::new(pidfd));
            let event = match way {
                0 => WaitId::process(process),
                1 => WaitId::descriptor(pidfd).unwrap(),
                _ => WaitId::group(process),
            };
            let mut waiting = driver.clone().submit(event);
            start(&mut waiting);
            let_go(&mut child);
            let state = run(waiting).unwrap();
            assert_eq!((state.process, state.change), (process.get(), ChildChange::Exited(3)));
            assert_eq!(state.exit_status().unwrap().code(), Some(3));
            // It was taken away from others.
            assert_eq!(child.wait().unwrap_err().raw_os_error(), Some(libc::ECHILD));
            let again = wait(driver, WaitId::process(process)).unwrap_err();
            assert_eq!(again.raw_os_error(), Some(libc::ECHILD));
        }
    });
}

#[test]
fn a_child_that_is_only_looked_at_is_there_for_others() {
    on_both("a_child_that_is_only_looked_at_is_there_for_others", (6, 7), |driver| {
        let mut child = child();
        let look = || WaitId::process(number(&child)).keep(true);
        let mut waiting = driver.clone().submit(look());
        start(&mut waiting);
        kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
        let state = run(waiting).unwrap();
        let killed = ChildChange::Killed { signal: libc::SIGKILL, core_dumped: false };
        assert_eq!(state.change, killed);
        assert_eq!(wait(driver, look()).unwrap(), state);
        let status = child.wait().unwrap();
        assert_eq!(Some(status), state.exit_status());
        assert_eq!(status.signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn a_child_that_stops_and_goes_on_is_told_of() {
    on_both("a_child_that_stops_and_goes_on_is_told_of", (6, 7), |driver| {
        let mut child = child();
        let process = Pid::from_child(&child);
        let event = || WaitId::process(number(&child)).stopped(true).continued(true);
        let mut waiting = driver.clone().submit(event());
        start(&mut waiting);
        kill_process(process, Signal::STOP).unwrap();
        let state = run(waiting).unwrap();
        assert_eq!(
            (state.change, state.exit_status()),
            (ChildChange::Stopped(libc::SIGSTOP), None)
        );
        let mut waiting = driver.clone().submit(event());
        start(&mut waiting);
        kill_process(process, Signal::CONT).unwrap();
        assert_eq!(run(waiting).unwrap().change, ChildChange::Continued);
        let last = event();
        let_go(&mut child);
        assert_eq!(wait(driver, last).unwrap().change, ChildChange::Exited(3));
    });
}

#[test]
fn a_wait_that_is_cancelled_or_dropped_takes_nothing() {
    on_both("a_wait_that_is_cancelled_or_dropped_takes_nothing", (6, 7), |driver| {
        let mut child = child();
        for stopped in [false, true] {
            let event = || WaitId::process(number(&child)).stopped(stopped);
            let mut cancelled = driver.clone().submit(event());
            start(&mut cancelled);
            assert!(run(cancelled.cancel()).is_cancelled());
            let mut dropped = driver.clone().submit(event());
            start(&mut dropped);
        }
        crate::scene::until_idle(driver);
        let_go(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(3));
    });
}
