//! What a test does where it cannot run: say so, where it is counted.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::fs::OpenOptions;
use std::io::Write;

/// Says that `test` does not run here. A skip is never a pass: `cargo xtask test` counts the
/// lines and compares them with the list of expected ones.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED: {test}: {reason}\n");
    eprint!("{line}");
    if let Some(log) = std::env::var_os("RINGBAHN_SKIP_LOG")
        && let Ok(mut log) = OpenOptions::new().create(true).append(true).open(log)
    {
        let _ = log.write_all(line.as_bytes());
    }
}

/// A driver of the given size, or `None` and a line in the log where there is no io_uring.
pub(crate) fn driver(
    test: &str,
    entries: u32,
    completions: u32,
) -> Option<ringbahn_drivers::SharedDriver> {
    let builder =
        ringbahn_drivers::SharedDriver::builder().entries(entries).completion_entries(completions);
    match builder.build() {
        Ok(driver) => Some(driver),
        Err(error) => {
            skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}

/// A driver of the given size for this thread, or `None` and a line in the log where there is no
/// io_uring.
pub(crate) fn local_driver(
    test: &str,
    entries: u32,
    completions: u32,
) -> Option<ringbahn_drivers::LocalDriver> {
    let builder =
        ringbahn_drivers::LocalDriver::builder().entries(entries).completion_entries(completions);
    match builder.build() {
        Ok(driver) => Some(driver),
        Err(error) => {
            skip(test, &format!("no io_uring: {error}"));
            None
        }
    }
}
