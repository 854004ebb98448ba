//! Runs every example, as a user would, and looks at what it says.
//!
//! Cargo builds the examples with the tests, unless a single test is asked for; then it is
//! `cargo build --examples` that does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[path = "support/support.rs"]
mod support;
use support::skip;

/// The examples, and parts of what they print, in order.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("echo_on_local", &["echoed 10000 bytes on 4 connections; 0 operations leaked\n"]),
    ("echo_on_smol", &["echoed 10000 bytes on 4 connections; 0 operations leaked\n"]),
    ("echo_on_tokio", &["echoed 10000 bytes on 4 connections; 0 operations leaked\n"]),
    ("many_files", &["300 files, 0 not read, sum b2c7e6321fc2e162\n"]),
    (
        "metrics_prometheus",
        &[
            "HTTP/1.1 200 OK\n",
            "submitted_total{driver=\"main\",opcode=\"ACCEPT\"} ",
            "duration_seconds_count{driver=\"main\",opcode=\"ACCEPT\"} ",
        ],
    ),
    ("own_driver", &["50 reads at 500 per second took ["]),
    ("own_event", &["made do with 1 buffer\n", "the file has 1048576 bytes now\n"]),
    ("read_file", &["which begin with \"[package]\"\n"]),
    ("select_loop", &["20 clients, 40000 bytes, and nothing lost; "]),
    ("timeouts", &["the answer to question ", " is \"late\"\n"]),
    (
        "wal_append",
        &[
            "40 records of 8 writers in ",
            "41 records after the crash; 21 bytes of an unfinished one cut off\n",
        ],
    ),
];

/// What an example ends with where there is no io_uring.
const UNAVAILABLE: i32 = 77;

/// Far more than any of them takes.
const TIME_MAX: Duration = Duration::from_secs(60);

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The program of an example: cargo puts it beside the folder of this one.
fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let profile = this.parent().and_then(Path::parent).expect("a test is in `<profile>/deps`");
    let program = profile.join("examples").join(name);
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let source = sources().join(name).with_extension("rs");
    assert!(
        modified(&program) >= modified(&source),
        "{} is not built, or of an older source; build it with `cargo build --examples`, and with \
         the profile and target of this test",
        program.display()
    );
    program
}

/// Runs a program to its end.
fn run(mut command: Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + TIME_MAX;
    // They say so little that no pipe is ever full.
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{command:?} does not end: {:?}", child.wait_with_output());
        }
        // sleep: a pause between two looks; orders nothing.
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn every_example_runs_and_says_what_it_should() {
    for (name, parts) in EXAMPLES {
        let output = run(Command::new(program(name)));
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(UNAVAILABLE) {
            let reason = complained.trim();
            assert!(!reason.is_empty(), "{name} does not say why it cannot run");
            skip(&format!("examples::{name}"), &format!("no io_uring: {reason}"));
            continue;
        }
        assert!(output.status.success(), "{name}: {}\n{said}{complained}", output.status);
        let mut rest = &said[..];
        for part in *parts {
            match rest.split_once(part) {
                Some((_, behind)) => rest = behind,
                None => panic!("{name} does not say {part:?}, but:\n{said}"),
            }
        }
        assert!(complained.is_empty(), "{name} complains: {complained}");
    }
}

#[test]
fn where_there_can_be_no_ring_every_example_says_so() {
    for (name, _) in EXAMPLES {
        let mut command = Command::new("sh");
        // Beside the standard streams there is room for one descriptor, and a ring takes two.
        command.args(["-c", "ulimit -n 4 && exec \"$0\""]).arg(program(name));
        let output = run(command);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(UNAVAILABLE), "{name}: {complained}");
        assert!(!complained.is_empty(), "{name} does not say why it cannot run");
    }
}

#[test]
fn no_example_is_forgotten() {
    let files = fs::read_dir(sources()).unwrap().map(|entry| entry.unwrap().path());
    let there: BTreeSet<String> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_string()).collect();
    let listed: BTreeSet<String> = EXAMPLES.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(there, listed, "list each example with what it prints, and nothing else");
}
