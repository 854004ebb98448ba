//! The fallback does what the kernel does: the same scenarios on both.
#![cfg(not(loom))]

#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use std::process::Command;
use std::time::{Duration, Instant};

use ringbahn_core::Drive;
use ringbahn_core::event::{Nop, Timeout};
use ringbahn_drivers::{Backend, LocalDriver, SharedDriver};

const SHORT: Duration = Duration::from_millis(20);

/// Runs `scenario` in a process of its own, where drivers take the fallback.
#[track_caller]
fn in_process_without_io_uring(test: &str, scenario: impl FnOnce()) {
    const CHOICE: &str = "RINGBAHN_IO_URING";
    if std::env::var_os(CHOICE).is_some_and(|choice| choice == "never") {
        return scenario();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHOICE, "never");
    let output = command.output().unwrap();
    let passed = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(output.status.success() && passed, "{output:?}");
}

#[test]
fn drivers_work_on_the_fallback_where_the_environment_says_so() {
    in_process_without_io_uring(
        "drivers_work_on_the_fallback_where_the_environment_says_so",
        || {
            let shared = SharedDriver::builder().entries(1).completion_entries(2).build().unwrap();
            assert_eq!(shared.backend(), Backend::Fallback);
            scene::run(shared.clone().submit(Nop)).unwrap();
            let begin = Instant::now();
            scene::run(shared.clone().submit(Timeout::new(SHORT))).unwrap();
            assert!(begin.elapsed() >= SHORT);
            assert_eq!(scene::end(&shared).completed, 0);

            let local = LocalDriver::builder().entries(1).completion_entries(2).build().unwrap();
            assert_eq!(local.backend(), Backend::Fallback);
            local.block_on(async {
                local.clone().submit(Nop).await.unwrap();
                let begin = Instant::now();
                local.clone().submit(Timeout::new(SHORT)).await.unwrap();
                assert!(begin.elapsed() >= SHORT);
            });
        },
    );
}
