//! The command, as somebody runs it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The stops that are to be in every report, in this order.
const STOPS: &[&str] = &[
    "driver up",
    "write, read back",
    "vectored",
    "copy a file",
    "fsync, statx, truncate",
    "errors",
    "echo over IPv4",
    "echo over IPv6",
    "zero-copy send",
    "linked pair",
    "timeouts",
    "cancel",
    "Ring: copy a file",
    "Ring: seek",
    "Ring: echo",
    "shutdown",
    "balance",
];

fn ringbahn(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringbahn"))
        .args(arguments)
        .output()
        .expect("the command can be started")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the command prints text")
}

/// Says that `test` does not run here. A skip is never a pass: `cargo xtask test` counts the
/// lines and compares them with the list of expected ones.
fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED: {test}: {reason}\n");
    eprint!("{line}");
    if let Some(log) = std::env::var_os("RINGBAHN_SKIP_LOG")
        && let Ok(mut log) = OpenOptions::new().create(true).append(true).open(log)
    {
        let _ = log.write_all(line.as_bytes());
    }
}

/// Makes the tour in `directory`; `None`, and a line in the log, where there is no io_uring.
fn tour(test: &str, directory: &Path, options: &[&str]) -> Option<Output> {
    let directory = directory.to_str().expect("the directory has a plain name");
    let output = ringbahn(&[&["tour", directory], options].concat());
    if output.status.code() != Some(2) {
        return Some(output);
    }
    let errors = text(&output.stderr);
    let line = errors.lines().find(|line| line.contains("is not available: "));
    let line = line.unwrap_or_else(|| panic!("status 2 without the reason: {errors}"));
    skip(test, &format!("no io_uring: {line}"));
    None
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

#[test]
fn a_tour_holds_at_every_stop_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let test = "a_tour_holds_at_every_stop_and_leaves_nothing_behind";
    let Some(output) = tour(test, directory.path(), &[]) else { return };
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}{}", text(&output.stderr));
    let mut lines = report.lines();
    for stop in STOPS {
        let row = lines.find(|line| line.starts_with(&format!("  {stop}  ")));
        let row = row.unwrap_or_else(|| panic!("no stop {stop} in its place in\n{report}"));
        assert!(row.ends_with("  held") || row.ends_with("  not possible here"), "{row}");
    }
    let end = report.lines().last().unwrap();
    assert!(end.contains(" on 2 drivers, all held"), "{end}");
    assert!(!report.contains('\x1b'), "colours, though it is no terminal");
    assert!(is_empty(directory.path()));
}

#[test]
fn the_report_is_there_as_json() {
    let directory = tempfile::tempdir().unwrap();
    let test = "the_report_is_there_as_json";
    let Some(output) = tour(test, directory.path(), &["--json"]) else { return };
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!(report["status"], 0);
    let drivers = report["drivers"].as_array().unwrap();
    let names: Vec<_> = drivers.iter().map(|driver| &driver["name"]).collect();
    assert_eq!(names, ["shared", "local"]);
    for driver in drivers {
        let stops = driver["stops"].as_array().unwrap();
        let names: Vec<_> = stops.iter().map(|stop| stop["name"].as_str().unwrap()).collect();
        assert_eq!(names, STOPS);
        for stop in stops {
            assert!(["held", "impossible"].contains(&stop["verdict"].as_str().unwrap()), "{stop}");
            assert!(stop["duration_us"].is_u64() && stop["backend"] == "io_uring");
        }
        let counters = &driver["counters"];
        assert!(counters["submitted"].as_u64().unwrap() > 1000);
        assert_eq!(counters["submitted"], counters["completed"]);
        assert_eq!(counters["in_flight"], 0);
        assert_eq!(counters["descriptors_before"], counters["descriptors_after"]);
    }
    assert!(is_empty(directory.path()));
}

#[test]
fn without_io_uring_it_is_held_on_the_fallback_and_says_so() {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        let test = "without_io_uring_it_is_held_on_the_fallback_and_says_so";
        return skip(test, "strace is not installed, or may not trace");
    }
    let directory = tempfile::tempdir().unwrap();
    for errno in ["EPERM", "ENOSYS"] {
        let output = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=io_uring_setup", "-e"])
            .arg(format!("inject=io_uring_setup:error={errno}"))
            .args([env!("CARGO_BIN_EXE_ringbahn"), "tour"])
            .arg(directory.path())
            // A process that is traced cannot be looked through for leaks.
            .env("ASAN_OPTIONS", "detect_leaks=0")
            .output()
            .unwrap();
        let (report, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{report}{errors}");
        assert!(report.contains("fallback") && report.contains("all held"), "{report}");
        assert!(!report.contains("  io_uring  "), "{report}");
        assert!(is_empty(directory.path()));
    }
}

#[test]
fn where_io_uring_is_required_and_missing_it_is_status_2_with_what_to_do() {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        let test = "where_io_uring_is_required_and_missing_it_is_status_2_with_what_to_do";
        return skip(test, "strace is not installed, or may not trace");
    }
    let directory = tempfile::tempdir().unwrap();
    for (errno, reason, hint) in [
        ("EPERM", "io_uring is blocked on this machine", "seccomp"),
        ("ENOSYS", "this kernel has no io_uring", "run Linux"),
    ] {
        for options in [&[][..], &["--json"]] {
            let output = Command::new("strace")
                .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=io_uring_setup", "-e"])
                .arg(format!("inject=io_uring_setup:error={errno}"))
                .args([env!("CARGO_BIN_EXE_ringbahn"), "tour"])
                .arg(directory.path())
                .args(options)
                // A process that is traced cannot be looked through for leaks.
                .env("ASAN_OPTIONS", "detect_leaks=0")
                .env("RINGBAHN_IO_URING", "require")
                .output()
                .unwrap();
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{errors}");
            // Where the kernel's switch is off as well, that is what to turn first.
            let hinted = errors.contains(hint) || errors.contains("io_uring_disabled");
            assert!(errors.contains(reason) && hinted, "{errors}");
            assert!(text(&output.stdout).contains("no driver is available"));
            assert!(!errors.contains("panicked"), "{errors}");
            assert!(is_empty(directory.path()));
        }
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_status_2_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    // Nobody can make anything in /proc, not even root.
    for unusable in [&directory.path().join("missing"), &file, Path::new("/proc")] {
        let output = ringbahn(&["tour", unusable.to_str().unwrap()]);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(&format!("{}", unusable.display())), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_command_says_what_it_is_and_refuses_what_it_does_not_know() {
    let version = ringbahn(&["--version"]);
    assert_eq!(text(&version.stdout), format!("ringbahn {}\n", env!("CARGO_PKG_VERSION")));
    assert!(text(&ringbahn(&["--help"]).stdout).contains("tour"));
    assert!(text(&ringbahn(&["tour", "--help"]).stdout).contains("--json"));
    for wrong in [&[][..], &["turn"], &["tour", "--no-such-option"]] {
        assert_eq!(ringbahn(wrong).status.code(), Some(2));
    }
}
