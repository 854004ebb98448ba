//! The kernel's thread: when it is woken, whose it is, where it runs, and its end.

use std::fs;
use std::io;
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::Nop;
use ringbahn_drivers::Unavailable;

use crate::driven::end;
use crate::scene::{in_child, run, until};
use crate::{build, builder, driver};

/// The threads of this process that the kernel has started for submission queues, by number.
fn kernel_threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let paths = tasks.filter_map(|task| Some(task.ok()?.path()));
    let name = |path: &std::path::PathBuf| fs::read_to_string(path.join("comm"));
    let queues = paths.filter(|path| name(path).is_ok_and(|name| name.starts_with("iou-sqp")));
    queues.map(|path| path.to_string_lossy().into_owned()).collect()
}

#[test]
fn submissions_cost_no_system_call_while_the_thread_is_awake() {
    let test = "submissions_cost_no_system_call_while_the_thread_is_awake";
    let Some(driver) = build(test, builder(8, 16).idle(Duration::from_millis(50))) else { return };
    for _ in 0..500 {
        run(driver.clone().submit(Nop)).unwrap();
    }
    let counters = driver.counters();
    assert_eq!(counters.completed, 500);
    assert!(counters.enters < 50, "{counters:?}");
    end(&driver);
}

#[test]
fn a_thread_that_sleeps_is_woken() {
    let Some(driver) = build("a_thread_that_sleeps_is_woken", builder(1, 2)) else { return };
    let mut operations = 0;
    until("it has slept 3 times", || {
        run(driver.clone().submit(Nop)).unwrap();
        operations += 1;
        // sleep: it is to fall asleep; how often that has been, is counted.
        std::thread::sleep(Duration::from_millis(5));
        driver.counters().enters >= 3
    });
    assert_eq!(driver.counters().completed, operations);
    end(&driver);
}

#[test]
fn attached_drivers_share_one_thread_and_outlive_each_other() {
    let test = "kernel_thread::attached_drivers_share_one_thread_and_outlive_each_other";
    in_child(test, || {
        let first = driver(test, 1, 2).unwrap();
        let apart = driver(test, 1, 2).unwrap();
        assert_eq!(kernel_threads().len(), 2);
        let second = builder(1, 2).attach_to(&first).build().unwrap();
        assert_eq!(kernel_threads().len(), 2);
        for driver in [&first, &apart, &second] {
            run(driver.clone().submit(Nop)).unwrap();
        }
        for driver in [first, apart] {
            end(&driver);
        }
        until("the thread of nobody is gone", || kernel_threads().len() == 1);
        run(second.clone().submit(Nop)).unwrap();
        end(&second);
        drop(second);
        until("all threads are gone", || kernel_threads().is_empty());
    });
}

#[test]
fn the_thread_stays_on_the_processor_that_was_told() {
    let test = "kernel_thread::the_thread_stays_on_the_processor_that_was_told";
    in_child(test, || {
        let driver = builder(1, 2).cpu(0).build().unwrap();
        run(driver.clone().submit(Nop)).unwrap();
        let status = fs::read_to_string(format!("{}/status", kernel_threads()[0])).unwrap();
        let line = status.lines().find(|line| line.starts_with("Cpus_allowed_list")).unwrap();
        assert_eq!(line.split_whitespace().last(), Some("0"));
        end(&driver);
    });
}

#[test]
fn a_processor_that_is_not_there_is_an_error_that_names_it() {
    let test = "a_processor_that_is_not_there_is_an_error_that_names_it";
    if driver(test, 1, 2).is_none() {
        return;
    }
    let error = builder(1, 2).cpu(100_000).build().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("processor 100000"), "{error}");
    assert!(error.get_ref().unwrap().is::<Unavailable>());
}

#[test]
fn a_driver_that_is_dropped_unused_leaves_no_thread() {
    let test = "kernel_thread::a_driver_that_is_dropped_unused_leaves_no_thread";
    in_child(test, || {
        for _ in 0..5 {
            drop(driver(test, 1, 2).unwrap());
        }
        until("all threads are gone", || kernel_threads().is_empty());
    });
}
