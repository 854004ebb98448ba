//! Children whose handles are dropped: what goes on, and that no zombie stays.

use std::io::{PipeReader, Read};
use std::time::Duration;

use ringbahn::process::{Child, Stdio};
use ringbahn::{Drive, SharedDriver};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::bounded::block_on;
use crate::shell;
use crate::support::{driver, poll_once, wait_until};

fn pid<D: Drive + Clone + Unpin>(child: &Child<D>) -> Pid {
    Pid::from_raw(child.id().cast_signed()).unwrap()
}

/// Whether its status was taken, so that the process is no child any more.
fn was_reaped(id: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(id), options).is_err_and(|error| error == rustix::io::Errno::CHILD)
}

/// A child that runs until it is killed, or until what it reads has ended, and then says so.
fn patient(driver: &SharedDriver, kill: bool) -> (Child<SharedDriver>, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = shell("read line; printf 'it went on'");
    command.stdin(Stdio::piped()).stdout(writer).kill_on_drop(kill);
    (command.spawn_on_driver(driver.clone()).unwrap(), reader)
}

fn last_words(mut reader: PipeReader) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_dropped_child_goes_on_and_leaves_no_zombie() {
    let Some(driver) = driver("a_dropped_child_goes_on_and_leaves_no_zombie") else { return };
    let (mut child, words) = patient(&driver, false);
    let id = pid(&child);
    let input = child.stdin.take();
    drop(child);
    assert!(!was_reaped(id), "it is still there");
    drop(input);
    assert_eq!(last_words(words), "it went on");
    wait_until("its status is taken", || was_reaped(id));
}

#[test]
fn a_child_may_be_killed_with_its_handle() {
    let Some(driver) = driver("a_child_may_be_killed_with_its_handle") else { return };
    let (mut child, words) = patient(&driver, true);
    let (id, _input) = (pid(&child), child.stdin.take());
    drop(child);
    assert_eq!(last_words(words), "");
    wait_until("its status is taken", || was_reaped(id));
}

#[test]
fn a_wait_that_is_dropped_kills_nobody() {
    let Some(driver) = driver("a_wait_that_is_dropped_kills_nobody") else { return };
    let (mut child, words) = patient(&driver, true);
    let input = child.stdin.take();
    assert!(poll_once(&mut Box::pin(child.wait())).is_pending());
    assert_eq!(child.try_wait().unwrap(), None);
    drop(input);
    assert_eq!(last_words(words), "it went on");
    assert!(block_on(child.wait()).unwrap().success());
}

#[test]
fn an_output_that_is_dropped_may_kill_its_child() {
    let Some(driver) = driver("an_output_that_is_dropped_may_kill_its_child") else { return };
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = shell("exec sleep 600");
    command.stdin(writer).kill_on_drop(true);
    let mut output = Box::pin(command.output_on_driver(driver));
    assert!(poll_once(&mut output).is_pending());
    drop(output);
    // Its input is the only writing end of this pipe, but for that in the command.
    drop(command);
    assert_eq!(last_words(reader), "");
}

#[test]
fn a_child_that_has_ended_is_no_zombie_after_its_handle() {
    let Some(driver) = driver("a_child_that_has_ended_is_no_zombie") else { return };
    let (reader, writer) = std::io::pipe().unwrap();
    let child = {
        let mut command = shell("exit 0");
        command.stdout(writer).spawn_on_driver(driver).unwrap()
    };
    let id = pid(&child);
    assert_eq!(last_words(reader), "");
    // It has closed the pipe, and so may end any moment.
    drop(child);
    wait_until("its status is taken", || was_reaped(id));
}

#[test]
fn many_dropped_children_leave_no_zombies() {
    let Some(driver) = driver("many_dropped_children_leave_no_zombies") else { return };
    let mut ids = Vec::new();
    for round in 0..12 {
        let mut command = shell(if round % 2 == 0 { "exec sleep 600" } else { "exit 0" });
        let child = command.kill_on_drop(true).spawn_on_driver(driver.clone()).unwrap();
        ids.push(pid(&child));
    }
    wait_until("their status is taken", || ids.iter().all(|&id| was_reaped(id)));
}

#[test]
fn a_dropped_child_outlives_its_driver() {
    let Some(driver) = driver("a_dropped_child_outlives_its_driver") else { return };
    let (mut child, words) = patient(&driver, false);
    let (id, input) = (pid(&child), child.stdin.take().unwrap());
    let input = block_on(input.into_inner()).unwrap();
    drop(child);
    block_on(driver.shutdown(Duration::from_secs(10)));
    drop(input);
    assert_eq!(last_words(words), "it went on");
    wait_until("its status is taken", || was_reaped(id));
}
