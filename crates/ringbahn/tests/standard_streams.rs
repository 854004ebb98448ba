//! The standard streams of a process, whatever they are: pipes, files, a terminal, /dev/null.
//!
//! Method: the test runs itself as a child, which copies its standard input to its standard output
//! by ringbahn.

use std::fs::File;
use std::io::{Read, Seek, Write, pipe};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use futures::executor::block_on;
use futures::{AsyncReadExt, AsyncWriteExt};
use ringbahn::Ring;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, poll_once, skip};

const CHILD: &str = "RINGBAHN_TEST_CHILD";

/// A child that plays the part `part`.
fn child(part: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_process", "--nocapture", "--quiet"]).env(CHILD, part);
    command
}

/// Not a test of its own: what the children do.
#[test]
fn child_process() {
    let Some(part) = std::env::var_os(CHILD) else { return };
    let Some(driver) = driver("child_process") else { std::process::exit(3) };
    let mut input = Ring::new_on_driver(std::io::stdin(), driver.clone());
    let mut output = Ring::new_on_driver(std::io::stdout(), driver.clone());
    let mut errors = Ring::new_on_driver(std::io::stderr(), driver);
    block_on(async {
        if part == "line" {
            let mut line = [0; 5];
            input.read_exact(&mut line).await.unwrap();
            errors.write_all(&line).await.unwrap();
        } else {
            ringbahn::io::copy(&mut input, &mut output).await.unwrap();
            errors.write_all(b"done").await.unwrap();
        }
        output.close().await.unwrap();
        // Still open: it is the process's.
        let mut errors =
            Ring::new_on_driver(errors.into_inner().await.unwrap(), input.driver().clone());
        errors.flush().await.unwrap();
    });
    // Without the words of the test harness.
    std::process::exit(0);
}

/// What the harness says before the child begins, with `--quiet`.
fn without_harness(output: &[u8]) -> &[u8] {
    output.strip_prefix(b"\nrunning 1 test\n").unwrap_or(output)
}

fn available(test: &str) -> bool {
    driver(test).is_some()
}

#[test]
fn pipes() {
    if !available("pipes") {
        return;
    }
    let bytes: Vec<u8> = (0..60_000_u32).flat_map(u32::to_be_bytes).collect();
    for non_blocking in [false, true] {
        let (input, mut to_child) = pipe().unwrap();
        let (mut from_child, output) = pipe().unwrap();
        let watch = input.try_clone().unwrap();
        if non_blocking {
            fcntl_setfl(&input, OFlags::NONBLOCK).unwrap();
            fcntl_setfl(&output, OFlags::NONBLOCK).unwrap();
        }
        let mut child = child("copy")
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(output))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let sent = bytes.clone();
        let sender = std::thread::spawn(move || to_child.write_all(&sent).unwrap());
        let mut got = Vec::new();
        from_child.read_to_end(&mut got).unwrap();
        sender.join().unwrap();
        assert!(without_harness(&got) == bytes, "{} bytes came", got.len());
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(errors, "done");
        assert!(child.wait().unwrap().success());
        let flags = fcntl_getfl(&watch).unwrap();
        assert_eq!(flags.contains(OFlags::NONBLOCK), non_blocking);
    }
}

#[test]
fn files() {
    if !available("files") {
        return;
    }
    let bytes: Vec<u8> = (0..60_000_u32).flat_map(u32::to_be_bytes).collect();
    for append in [false, true] {
        let mut input = file(&bytes);
        input.seek(std::io::SeekFrom::Start(8)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        std::fs::write(&path, "head").unwrap();
        let mut output = File::options().write(!append).append(append).open(&path).unwrap();
        if !append {
            output.write_all(b"HEAD").unwrap();
        }
        let status = child("copy")
            .stdin(Stdio::from(input.try_clone().unwrap()))
            .stdout(Stdio::from(output.try_clone().unwrap()))
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        // The positions are those that the child has left.
        assert_eq!(input.stream_position().unwrap(), bytes.len() as u64);
        output.write_all(b"tail").unwrap();
        let got = std::fs::read(&path).unwrap();
        let head: &[u8] = if append { b"head" } else { b"HEAD" };
        assert_eq!(&got[..4], head);
        let middle = without_harness(&got[4..]);
        assert!(middle == [&bytes[8..], b"tail"].concat());
    }
}

#[test]
fn a_file_is_read_no_further_than_was_asked_for() {
    if !available("a_file_is_read_no_further_than_was_asked_for") {
        return;
    }
    let mut input = file(b"line\nrest");
    let output = child("line")
        .stdin(Stdio::from(input.try_clone().unwrap()))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(output.stderr, b"line\n");
    let mut rest = String::new();
    input.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "rest");
}

#[test]
fn nothing() {
    if !available("nothing") {
        return;
    }
    let mut child = child("copy");
    child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = child.output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stderr, b"done");
}

/// Both sides of a terminal, or `None` and a line in the log.
fn terminal(test: &str) -> Option<(File, File)> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let Ok(controller) = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY) else {
        skip(test, "no pseudo-terminals");
        return None;
    };
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let flags = OFlags::NOCTTY.bits().cast_signed();
    let mut options = File::options();
    options.read(true).write(true).custom_flags(flags);
    let terminal = options.open(name.to_str().unwrap()).unwrap();
    Some((File::from(controller), terminal))
}

#[test]
fn a_terminal() {
    if !available("a_terminal") {
        return;
    }
    let Some((mut controller, terminal)) = terminal("a_terminal") else { return };
    let mut child = child("line")
        .stdin(Stdio::from(terminal))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    controller.write_all(b"line\n").unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "line\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_terminal_in_non_blocking_mode_is_waited_for_and_stays_in_it() {
    let test = "a_terminal_in_non_blocking_mode_is_waited_for";
    let Some(driver) = driver(test) else { return };
    let Some((mut controller, terminal)) = terminal(test) else { return };
    let flags = fcntl_getfl(&terminal).unwrap();
    fcntl_setfl(&terminal, flags | OFlags::NONBLOCK).unwrap();
    let mut terminal = Ring::new_on_driver(terminal, driver);
    let mut line = [0; 5];
    for _ in 0..2 {
        assert!(poll_once(&mut terminal.read(&mut line)).is_pending());
    }
    controller.write_all(b"line\n").unwrap();
    block_on(terminal.read_exact(&mut line)).unwrap();
    assert_eq!(&line, b"line\n");
    assert!(poll_once(&mut terminal.read(&mut line)).is_pending());
    let terminal = block_on(terminal.into_inner()).unwrap();
    assert!(fcntl_getfl(&terminal).unwrap().contains(OFlags::NONBLOCK));
}
