//! Children that are started, waited for and killed.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;

use futures::io::{AsyncReadExt, AsyncWriteExt};
use ringbahn::process::{Command, Stdio};

use crate::bounded::block_on;
use crate::shell;
use crate::support::{driver, local_driver, poll_once};

#[test]
fn the_status_is_that_of_the_child_as_often_as_it_is_asked_for() {
    let Some(driver) = driver("the_status_is_that_of_the_child") else { return };
    let mut child = shell("exit 7").spawn_on_driver(driver).unwrap();
    for _ in 0..2 {
        assert_eq!(block_on(child.wait()).unwrap().code(), Some(7));
        assert_eq!(child.try_wait().unwrap().unwrap().code(), Some(7));
    }
    child.kill().unwrap();
}

#[test]
fn a_wait_may_be_dropped_and_begun_anew() {
    let Some(driver) = driver("a_wait_may_be_dropped_and_begun_anew") else { return };
    let mut command = Command::new("/bin/cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn_on_driver(driver.clone()).unwrap();
    // It reads as long as its input is open, which a wait would drop.
    let input = child.stdin.take();
    for _ in 0..3 {
        assert!(poll_once(&mut Box::pin(child.wait())).is_pending());
        assert_eq!(child.try_wait().unwrap(), None);
    }
    drop(input);
    assert!(block_on(child.wait()).unwrap().success());
}

#[test]
fn a_wait_drops_the_input_so_that_the_child_does_not_wait_for_more() {
    let Some(driver) = driver("a_wait_drops_the_input") else { return };
    let mut command = Command::new("/bin/cat");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn_on_driver(driver);
    let mut child = child.unwrap();
    assert!(child.stdin.is_some() && child.stdout.is_none() && child.stderr.is_none());
    assert!(block_on(child.wait()).unwrap().success());
    assert!(child.stdin.is_none());
}

#[test]
fn a_child_is_talked_to_through_its_pipes() {
    let Some(driver) = driver("a_child_is_talked_to_through_its_pipes") else { return };
    let mut command = shell("cat; echo done >&2");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn_on_driver(driver).unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    block_on(async {
        for word in [&b"one"[..], b"two"] {
            input.write_all(word).await.unwrap();
            input.flush().await.unwrap();
            let mut echo = vec![0; word.len()];
            output.read_exact(&mut echo).await.unwrap();
            assert_eq!(echo, word);
        }
        input.close().await.unwrap();
        assert_eq!(output.read(&mut [0; 8]).await.unwrap(), 0);
        let mut errors = String::new();
        child.stderr.as_mut().unwrap().read_to_string(&mut errors).await.unwrap();
        assert_eq!(errors, "done\n");
        assert!(child.wait().await.unwrap().success());
    });
}

#[test]
fn a_pipe_goes_on_to_another_child() {
    let Some(driver) = driver("a_pipe_goes_on_to_another_child") else { return };
    block_on(async {
        let mut first = shell("echo hello");
        let mut first = first.stdout(Stdio::piped()).spawn_on_driver(driver.clone()).unwrap();
        let pipe = first.stdout.take().unwrap().into_inner().await.unwrap();
        let mut second = Command::new("/bin/cat");
        let output = second.stdin(pipe).output_on_driver(driver).await.unwrap();
        assert_eq!(output.stdout, b"hello\n");
        assert!(first.wait().await.unwrap().success());
    });
}

#[test]
fn a_killed_child_has_ended_by_a_signal() {
    let Some(driver) = driver("a_killed_child_has_ended_by_a_signal") else { return };
    let mut child = shell("exec sleep 600").spawn_on_driver(driver).unwrap();
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    assert_eq!(block_on(child.wait()).unwrap().signal(), Some(libc::SIGKILL));
}

#[test]
fn a_child_gets_what_it_was_given() {
    let Some(driver) = driver("a_child_gets_what_it_was_given") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = shell("pwd -P; echo $ONE-$TWO-$THREE-$HOME; echo $1 $2");
    command.args(["zero", "first"]).arg("second").current_dir(folder.path());
    command.env("GONE", "x").env_clear().envs([("ONE", "1"), ("TWO", "2"), ("THREE", "3")]);
    command.env_remove("TWO").env("HOME", "here");
    let output = block_on(command.output_on_driver(driver)).unwrap();
    let path = folder.path().canonicalize().unwrap();
    let expected = format!("{}\n1--3-here\nfirst second\n", path.display());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!(command.get_ref().get_program(), "/bin/sh");
}

#[test]
fn a_child_may_have_another_name_and_a_group_of_its_own() {
    let Some(driver) = driver("a_child_may_have_another_name") else { return };
    let mut command = shell("echo $0; exec sleep 600");
    command.arg0("sh").arg("known as this").process_group(0).stdout(Stdio::piped());
    let mut child = command.spawn_on_driver(driver).unwrap();
    block_on(async {
        let mut name = vec![0; 14];
        child.stdout.as_mut().unwrap().read_exact(&mut name).await.unwrap();
        assert_eq!(name, b"known as this\n");
    });
    let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    assert_eq!(rustix::process::getpgid(Some(id)).unwrap(), id);
    child.kill().unwrap();
    block_on(child.wait()).unwrap();
}

#[test]
fn a_program_that_is_not_there_is_an_error_of_spawn() {
    let Some(driver) = driver("a_program_that_is_not_there") else { return };
    let error = Command::new("/nonexistent/program").spawn_on_driver(driver.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = block_on(Command::new("/").output_on_driver(driver)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn many_children_end_in_any_order() {
    let Some(driver) = driver("many_children_end_in_any_order") else { return };
    let children: Vec<_> = (0..8)
        .map(|code| shell(&format!("exit {code}")).spawn_on_driver(driver.clone()).unwrap())
        .collect();
    let waits = children.into_iter().map(|mut child| async move { child.wait().await });
    let statuses = block_on(futures::future::join_all(waits));
    let codes: Vec<_> = statuses.into_iter().map(|status| status.unwrap().code()).collect();
    assert_eq!(codes, (0..8).map(Some).collect::<Vec<_>>());
}

#[test]
fn a_child_on_a_driver_of_one_thread() {
    let Some(driver) = local_driver("a_child_on_a_driver_of_one_thread") else { return };
    let status = driver.block_on(shell("exit 3").status_on_driver(driver.clone()));
    assert_eq!(status.unwrap().code(), Some(3));
    let output = driver.block_on(shell("echo hello").output_on_driver(driver.clone()));
    assert_eq!(output.unwrap().stdout, b"hello\n");
}

#[test]
fn a_status_that_somebody_else_has_taken_is_an_error() {
    let Some(driver) = driver("a_status_that_somebody_else_has_taken") else { return };
    let mut child = shell("exit 0").spawn_on_driver(driver).unwrap();
    let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::waitpid(Some(id), rustix::process::WaitOptions::empty()).unwrap();
    let error = block_on(child.wait()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ECHILD));
}
