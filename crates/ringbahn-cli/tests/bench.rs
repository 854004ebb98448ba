//! `ringbahn bench`, in the smallest measurement there is.

use serde_json::Value;

#[path = "support/support.rs"]
mod support;
use support::{has_ring, ringbahn, text};

#[test]
fn a_measurement_is_reported_as_json() {
    if !has_ring("a_measurement_is_reported_as_json") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let small = ["--workload", "nop", "--contender", "local", "--rounds", "1", "--milliseconds"];
    let arguments = [&["bench", "run"], &small[..], &["5", "--json", "report.json"]].concat();
    let output = ringbahn(directory.path(), &arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));

    let report = std::fs::read(directory.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let rows = report["cases"][0]["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["contender"].as_str().unwrap()).collect();
    assert_eq!(names, ["raw", "local"]);
    // The ring by hand needs a newer kernel than the library does.
    let row = &rows[1];
    assert_eq!(row["failure"], Value::Null);
    assert_eq!(row["rounds"][0]["backend"], "io-uring");
    assert!(row["rounds"][0]["operations"].as_u64().unwrap() > 0, "{row}");
}

#[test]
fn what_the_laboratory_tells_its_processes_is_not_for_users() {
    let directory = tempfile::tempdir().unwrap();
    let output = ringbahn(directory.path(), &["bench", "--help"]).output().unwrap();
    let help = text(&output.stdout);
    assert!(output.status.success() && help.contains("  run "), "{help}");
    assert!(!help.contains("trial"), "{help}");
}
