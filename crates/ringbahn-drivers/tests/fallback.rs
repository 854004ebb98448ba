//! Drivers on the fallback: each scenario in a process in which no ring is asked for.
//!
//! What entries ask for, and what is answered, is compared with the kernel in the unit tests of
//! the engine. Here is what drivers make of it.
#![cfg(not(loom))]
#![allow(unsafe_code)] // For fork.

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

#[path = "fallback/ends.rs"]
mod ends;
#[path = "fallback/load.rs"]
mod load;

use std::process::Command;
use std::time::{Duration, Instant};

use ringbahn_core::event::{Nop, Timeout};
use ringbahn_core::{Drive, opcode};
use ringbahn_drivers::{Backend, LocalDriver, Policy, Setup, SharedDriver};

const SHORT: Duration = Duration::from_millis(20);

/// Runs `scenario` in a process of its own, where drivers take the fallback.
#[track_caller]
fn without_io_uring(test: &str, scenario: impl FnOnce()) {
    const CHOICE: &str = "RINGBAHN_IO_URING";
    const CHILD: &str = "RINGBAHN_FALLBACK_CHILD";
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        return scenario();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    let output = command.env(CHOICE, "never").env(CHILD, test).output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let passed = output.status.success() && out.contains("1 passed");
    assert!(passed, "the process of {test} has failed: {}\n{out}{err}", output.status);
}

fn shared(entries: u32, completions: u32) -> SharedDriver {
    let builder = SharedDriver::builder().entries(entries).completion_entries(completions);
    let driver = builder.build().unwrap();
    assert_eq!(driver.backend(), Backend::Fallback);
    driver
}

#[test]
fn drivers_work_where_the_environment_forbids_io_uring() {
    without_io_uring("drivers_work_where_the_environment_forbids_io_uring", || {
        let driver = shared(1, 2);
        scene::run(driver.clone().submit(Nop)).unwrap();
        let begin = Instant::now();
        scene::run(driver.clone().submit(Timeout::new(SHORT))).unwrap();
        assert!(begin.elapsed() >= SHORT);
        scene::end(&driver);

        let local = LocalDriver::builder().entries(1).completion_entries(2).build().unwrap();
        assert_eq!(local.backend(), Backend::Fallback);
        local.block_on(async {
            local.clone().submit(Nop).await.unwrap();
            let begin = Instant::now();
            local.clone().submit(Timeout::new(SHORT)).await.unwrap();
            assert!(begin.elapsed() >= SHORT);
        });
    });
}

#[test]
fn the_fallback_is_asked_for_by_name_and_says_what_it_knows() {
    let queues = Setup::new(3).policy(Policy::Never).build().unwrap();
    assert_eq!(queues.handle.backend(), Backend::Fallback);
    assert_eq!(queues.handle.submission_entries(), 4);
    assert_eq!(queues.handle.completion_entries(), 8);
    let probe = queues.handle.probe().unwrap();
    // It hears of no other rings, has no queue of a card, takes no entries of 128 bytes, and has
    // neither legacy groups nor slots that are filled otherwise than by making files in them.
    let of_rings = [
        opcode::FILES_UPDATE,
        opcode::PROVIDE_BUFFERS,
        opcode::REMOVE_BUFFERS,
        opcode::MSG_RING,
        opcode::RECV_ZC,
        opcode::NOP128,
        opcode::URING_CMD128,
    ];
    for event in ringbahn_core::event::EVENTS {
        let Some(opcode) = event.opcode else { continue };
        assert_eq!(probe.supports(opcode), !of_rings.contains(&opcode), "{}", event.name);
    }
    assert!(probe.supports(opcode::NOP) && !probe.supports(255));
    let large = Setup::new(1 << 20).policy(Policy::Never);
    assert_eq!(large.clone().build().unwrap().submission.capacity(), 32_768);
    assert!(large.clamp(false).build().is_err());
}
