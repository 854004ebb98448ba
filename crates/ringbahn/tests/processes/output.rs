//! What children have written.

use ringbahn::DefaultDriver;
use ringbahn::process::{Command, Stdio};

use crate::bounded::block_on;
use crate::shell;
use crate::support::{driver, skip};

/// More than any pipe holds, on both streams, of which neither may wait for the other.
const MUCH: &str = "head -c 300000 /dev/zero & head -c 300000 /dev/zero >&2; wait; exit 5";

#[test]
fn both_streams_are_read_however_much_there_is() {
    let Some(driver) = driver("both_streams_are_read_however_much_there_is") else { return };
    let output = block_on(shell(MUCH).output_on_driver(driver)).unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn one_stream_that_fills_up_does_not_keep_the_other_waiting() {
    let Some(driver) = driver("one_stream_that_fills_up") else { return };
    // The one that is read first by somebody who reads one after the other comes last.
    for script in ["head -c 200000 /dev/zero; echo x >&2", "head -c 200000 /dev/zero >&2; echo x"] {
        let output = block_on(shell(script).output_on_driver(driver.clone())).unwrap();
        assert_eq!(output.stdout.len() + output.stderr.len(), 200_002);
    }
}

#[test]
fn the_input_is_empty_where_nothing_was_said() {
    let Some(driver) = driver("the_input_is_empty_where_nothing_was_said") else { return };
    let output = block_on(Command::new("/bin/cat").output_on_driver(driver)).unwrap();
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
}

#[test]
fn what_was_decided_stays_and_what_was_not_is_captured() {
    let Some(driver) = driver("what_was_decided_stays") else { return };
    let mut command = shell("cat; echo out; echo err >&2");
    command.stderr(Stdio::null()).stdin(crate::support::file(b"in\n"));
    let output = block_on(command.output_on_driver(driver)).unwrap();
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"in\nout\n"[..], &b""[..]));
}

#[test]
fn a_command_may_run_again_and_inherits_again() {
    let Some(driver) = driver("a_command_may_run_again_and_inherits_again") else { return };
    let mut command = shell("exit 0");
    for _ in 0..2 {
        assert!(block_on(command.output_on_driver(driver.clone())).unwrap().status.success());
    }
    let mut child = command.spawn_on_driver(driver).unwrap();
    assert!(child.stdin.is_none() && child.stdout.is_none() && child.stderr.is_none());
    assert!(block_on(child.wait()).unwrap().success());
}

#[test]
fn a_status_does_not_wait_for_somebody_who_reads() {
    let Some(driver) = driver("a_status_does_not_wait_for_somebody_who_reads") else { return };
    let mut command = shell("head -c 200000 /dev/zero; exit 4");
    command.stdout(Stdio::piped()).stdin(Stdio::piped());
    assert_eq!(block_on(command.status_on_driver(driver)).unwrap().code(), Some(4));
}

#[test]
fn the_driver_of_the_process_does_as_well() {
    if let Err(error) = DefaultDriver::shared() {
        return skip("the_driver_of_the_process_does_as_well", &format!("no io_uring: {error}"));
    }
    assert!(block_on(shell("exit 0").status()).unwrap().success());
    assert_eq!(block_on(shell("echo hello").output()).unwrap().stdout, b"hello\n");
    let child = shell("echo hello").stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(block_on(child.wait_with_output()).unwrap().stdout, b"hello\n");
}
