//! The standard streams by their module. What they are connected to is tried in
//! `standard_streams`.

use futures::io::{AsyncReadExt, AsyncWriteExt};
use ringbahn::DefaultDriver;
use ringbahn::process::{Command, Stdio};

use crate::bounded::block_on;
use crate::support::skip;

const CHILD: &str = "RINGBAHN_TEST_STDIO";

/// Not a test of its own: what the child does.
#[test]
fn child_process() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    block_on(async {
        let mut text = String::new();
        ringbahn::stdio::stdin().read_to_string(&mut text).await.unwrap();
        let mut output = ringbahn::stdio::stdout();
        output.write_all(text.to_uppercase().as_bytes()).await.unwrap();
        output.close().await.unwrap();
        let mut errors = ringbahn::stdio::stderr();
        errors.write_all(b"complaint").await.unwrap();
        errors.flush().await.unwrap();
    });
    std::process::exit(9);
}

#[test]
fn a_child_reads_and_writes_its_streams() {
    if let Err(error) = DefaultDriver::shared() {
        return skip("a_child_reads_and_writes_its_streams", &format!("no io_uring: {error}"));
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "stdio::child_process", "--nocapture", "--quiet"]).env(CHILD, "");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    block_on(async {
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"words").await.unwrap();
        input.close().await.unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(9));
        assert!(output.stdout.ends_with(b"WORDS"), "{:?}", output.stdout);
        assert_eq!(output.stderr, b"complaint");
    });
}
