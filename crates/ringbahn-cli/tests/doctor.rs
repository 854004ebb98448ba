//! `ringbahn doctor`, as somebody runs it, on this machine and where something is forbidden.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use std::thread;

use ringbahn_core::event::EVENTS;
use ringbahn_drivers::Setup;
use ringbahn_drivers::survey::{FEATURES, Listing, OPCODES, REGISTER_OPERATIONS, SETUP_FLAGS};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use serde_json::Value;

const SYS_SETUP: i64 = 425;
const SYS_ENTER: i64 = 426;
const SYS_REGISTER: i64 = 427;
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

fn doctor(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringbahn"));
    command.arg("doctor").args(arguments).output().expect("the command can be started")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("the command prints JSON")
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

/// Whether there is io_uring; a line in the log where there is none.
fn has_io_uring(test: &str) -> bool {
    let unavailable = Setup::new(8).build().err();
    if let Some(unavailable) = &unavailable {
        skip(test, &format!("no io_uring: {unavailable}"));
    }
    unavailable.is_none()
}

/// What the doctor says where `call` fails with `errno`.
fn doctor_without(call: i64, errno: u32, arguments: &'static [&str]) -> Output {
    let run = move || {
        let rules = BTreeMap::from([(call, Vec::new())]);
        let architecture = std::env::consts::ARCH.try_into().expect("it can be filtered here");
        let action = SeccompAction::Errno(errno);
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, architecture);
        let program: BpfProgram = filter.unwrap().try_into().unwrap();
        // Of this thread and whatever it starts, for good.
        seccompiler::apply_filter(&program).unwrap();
        doctor(arguments)
    };
    thread::spawn(run).join().unwrap()
}

fn row<'a>(report: &'a Value, table: &str, name: &str) -> &'a Value {
    let mut rows = report[table].as_array().unwrap().iter();
    rows.find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {table}"))
}

#[test]
fn the_report_has_every_row_of_every_table_whether_io_uring_works_or_not() {
    let tables: [(&str, &[Listing]); 4] = [
        ("setup_flags", SETUP_FLAGS),
        ("features", FEATURES),
        ("opcodes", OPCODES),
        ("register_operations", REGISTER_OPERATIONS),
    ];
    for output in [doctor(&["--json"]), doctor_without(SYS_SETUP, EPERM, &["--json"])] {
        let report = json(&output);
        assert_eq!(report["status"], output.status.code().unwrap());
        for (name, table) in tables {
            let rows = report[name].as_array().unwrap();
            assert!(rows.len() >= table.len());
            for (row, listing) in rows.iter().zip(table) {
                assert_eq!(row["name"], *listing.name);
                assert_eq!(row["number"], listing.number);
                assert_eq!(row["since"], listing.since.unwrap().to_string());
                let standings = ["works", "known", "refused", "missing", "untested"];
                assert!(standings.contains(&row["standing"].as_str().unwrap()), "{row}");
            }
        }
    }
}

#[test]
fn where_io_uring_works_the_verdict_is_yes_and_the_tables_agree_with_a_ring() {
    let test = "where_io_uring_works_the_verdict_is_yes_and_the_tables_agree_with_a_ring";
    if !has_io_uring(test) {
        return;
    }
    let output = doctor(&["--json"]);
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!(report["io_uring_works"], true);
    assert_eq!(report["driver"]["works"], true);
    assert_eq!(report["driver"]["backend"], "io_uring");
    assert!(report["unavailable"].is_null());
    // A ring has just been made, and a NOP has gone through it.
    assert_eq!(row(&report, "system_calls", "io_uring_enter")["standing"], "works");
    let probe = Setup::new(1).build().unwrap().handle.probe().unwrap();
    for listing in OPCODES {
        let known = probe.supports(u8::try_from(listing.number).unwrap());
        let standing = &row(&report, "opcodes", &listing.name)["standing"];
        assert_eq!(standing == "known", known, "{}", listing.name);
    }
    assert_eq!(row(&report, "opcodes", "NOP")["standing"], "known");
}

#[test]
fn events_that_the_kernel_lacks_are_those_of_operations_it_does_not_know() {
    let test = "events_that_the_kernel_lacks_are_those_of_operations_it_does_not_know";
    if !has_io_uring(test) {
        return;
    }
    let report = json(&doctor(&["--json"]));
    let probe = Setup::new(1).build().unwrap().handle.probe().unwrap();
    let missing = report["missing_events"].as_array().unwrap();
    for event in EVENTS {
        let Some(opcode) = event.opcode else { continue };
        let found = missing.iter().find(|row| row["name"] == event.name);
        match found.map(|row| row["outcome"].as_str().unwrap()) {
            None | Some("in_part") => assert!(probe.supports(opcode), "{}", event.name),
            Some("beside" | "fails") => assert!(!probe.supports(opcode), "{}", event.name),
            Some(other) => panic!("{}: {other}", event.name),
        }
    }
    let text = String::from_utf8(doctor(&[]).stdout).unwrap();
    let heading = "events of ringbahn that this kernel cannot execute";
    assert_eq!(text.contains(heading), !missing.is_empty(), "{text}");
}

#[test]
fn the_text_begins_with_the_verdict() {
    let output = doctor(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let verdict = match output.status.code() {
        Some(0) => "io_uring works here: yes\n",
        Some(1) => "io_uring works here: no: ",
        status => panic!("status {status:?}"),
    };
    assert!(text.starts_with(verdict), "{text}");
    for part in ["\nlimits\n", "RLIMIT_MEMLOCK", "SINGLE_ISSUER", "READV", "REGISTER_PROBE"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains('\x1b'), "colours, though it is no terminal");
}

#[test]
fn a_sandbox_is_status_1_with_the_reason_and_what_to_change() {
    if !has_io_uring("a_sandbox_is_status_1_with_the_reason_and_what_to_change") {
        return;
    }
    for (call, errno, reason) in [
        (SYS_SETUP, EPERM, "blocked"),
        (SYS_SETUP, ENOSYS, "missing"),
        (SYS_ENTER, EPERM, "blocked"),
    ] {
        let output = doctor_without(call, errno, &["--json"]);
        let report = json(&output);
        assert_eq!(output.status.code(), Some(1), "{report}");
        assert_eq!(report["io_uring_works"], false);
        assert_eq!(report["driver"]["works"], true);
        assert_eq!(report["driver"]["backend"], "fallback");
        assert_eq!(report["unavailable"]["reason"], reason);
        assert_eq!(report["unavailable"]["errno"], errno);
        assert!(report["unavailable"]["hint"].as_str().unwrap().contains("seccomp"), "{report}");
        assert_eq!(report["advice"][0]["weight"], "fatal");
        assert_eq!(report["limits"]["seccomp"], "filter");
    }
    let output = doctor_without(SYS_SETUP, EPERM, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("io_uring works here: no: io_uring is blocked"), "{text}");
    assert!(text.contains("change:  ") && text.contains("seccomp profile"), "{text}");
}

#[test]
fn a_forbidden_register_is_named_and_the_driver_works_all_the_same() {
    if !has_io_uring("a_forbidden_register_is_named_and_the_driver_works_all_the_same") {
        return;
    }
    let output = doctor_without(SYS_REGISTER, EPERM, &["--json"]);
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!(row(&report, "system_calls", "io_uring_register")["standing"], "refused");
    assert_eq!(row(&report, "register_operations", "REGISTER_FILES")["standing"], "refused");
    assert_eq!(row(&report, "opcodes", "NOP")["standing"], "untested");
    let advice = report["advice"].as_array().unwrap();
    let about = |what: &&Value| what["what"].as_str().unwrap().contains("io_uring_register");
    let found = advice.iter().find(about).unwrap_or_else(|| panic!("{report}"));
    assert_eq!(found["weight"], "lack");
    assert!(found["change"].as_str().unwrap().contains("seccomp"), "{found}");
}

#[test]
fn without_locked_memory_it_is_status_1_with_the_limit() {
    let test = "without_locked_memory_it_is_status_1_with_the_limit";
    if !has_io_uring(test) {
        return;
    }
    // Another user may not be allowed to go where this program is.
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("ringbahn");
    fs::copy(env!("CARGO_BIN_EXE_ringbahn"), &program).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -l 0 && exec \"$0\" doctor --json"]).arg(&program);
    // A process that is limited cannot be looked through for leaks.
    command.env("ASAN_OPTIONS", "detect_leaks=0").current_dir("/");
    if rustix::process::geteuid().is_root() {
        // The limit does not count for root; it counts for all processes of a user together.
        let number = 300_000 + std::process::id();
        command.uid(number).gid(number);
    }
    let output = command.output().unwrap();
    let report = json(&output);
    if report["io_uring_works"] == true {
        return skip(test, "no limit of locked memory for rings");
    }
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert_eq!(report["unavailable"]["reason"], "locked_memory");
    assert_eq!(report["limits"]["locked_memory_bytes"]["soft"], 0);
    let hint = report["unavailable"]["hint"].as_str().unwrap();
    assert!(hint.contains("RLIMIT_MEMLOCK is 0 KiB") && hint.contains("ulimit -l"), "{hint}");
}
