//! The threads of the kernel that do what cannot wait.

use std::fs;
use std::io::{self, Write as _};

use futures::future::join_all;
use ringbahn_core::Drive;
use ringbahn_core::event::Splice;
use ringbahn_drivers::WorkerLimits;

use crate::local::{end, in_time};
use crate::scene::{pipe, shared as file, start, until};
use crate::{known, local_here, shared};

/// The lists of processors that the workers of this thread may run on.
fn workers() -> Vec<String> {
    let tid = this_thread();
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let mut processors = Vec::new();
    for task in tasks {
        let path = task.unwrap().path();
        // A thread may end meanwhile.
        let Ok(name) = fs::read_to_string(path.join("comm")) else { continue };
        let Ok(status) = fs::read_to_string(path.join("status")) else { continue };
        if name.trim_end() == format!("iou-wrk-{tid}") {
            processors.push(allowed(&status));
        }
    }
    processors
}

fn allowed(status: &str) -> String {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.unwrap().trim().to_owned()
}

fn this_thread() -> String {
    let path = fs::read_link("/proc/thread-self").unwrap();
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn limits_are_told_changed_and_hold() {
    let test = "limits_are_told_changed_and_hold";
    // On a thread of its own, whose workers are its own: nobody else submits to its ring.
    in_time(move || {
        let Some(driver) = local_here(test) else { return };
        let registrar = driver.registrar();
        let Some(before) = known(test, registrar.worker_limits()) else { return };
        assert!(before.bounded > 0 && before.unbounded > 0);
        let one = WorkerLimits { bounded: 2, unbounded: 1 };
        assert_eq!(registrar.limit_workers(one).unwrap(), before);
        assert_eq!(registrar.worker_limits().unwrap(), one);

        // A splice from an empty pipe keeps its worker.
        let pipes: Vec<_> = (0..3).map(|_| (pipe(), io::pipe().unwrap())).collect();
        let mut splices: Vec<_> = pipes
            .iter()
            .map(|((from, _), (_, to))| {
                let to = file(to.try_clone().unwrap());
                driver.clone().submit(Splice::between_pipes(from.clone(), to, 1))
            })
            .collect();
        splices.iter_mut().for_each(start);
        until("a worker waits", || !workers().is_empty());
        assert_eq!(workers().len(), 1);
        // Each byte ends one, and lets the next one start.
        for ((_, writer), _) in &pipes {
            (&*writer).write_all(b"x").unwrap();
        }
        let moved = driver.block_on(join_all(splices));
        assert!(moved.into_iter().all(|moved| moved.unwrap() == 1));
        end(&driver);
    });
}

#[test]
fn each_kind_of_work_needs_a_worker() {
    let Some(driver) = shared("each_kind_of_work_needs_a_worker") else { return };
    for (bounded, unbounded) in [(0, 1), (1, 0)] {
        let limits = WorkerLimits { bounded, unbounded };
        let error = driver.registrar().limit_workers(limits).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn workers_run_on_the_processors_they_are_bound_to() {
    let test = "workers_run_on_the_processors_they_are_bound_to";
    // On a thread of its own, whose workers are its own: nobody else submits to its ring.
    in_time(move || {
        let Some(driver) = local_here(test) else { return };
        let registrar = driver.registrar();
        let mine = allowed(&fs::read_to_string("/proc/thread-self/status").unwrap());
        let first = mine.split([',', '-']).next().unwrap();
        let bound = registrar.bind_workers(&[first.parse().unwrap()]);
        let Some(()) = known(test, bound) else { return };
        let ((from, mut writer), (_reader, to)) = (pipe(), io::pipe().unwrap());
        let event = Splice::between_pipes(from, file(to), 1);
        let mut splice = driver.clone().submit(event);
        start(&mut splice);
        until("a worker waits", || !workers().is_empty());
        assert_eq!(workers(), [first]);
        registrar.unbind_workers().unwrap();
        writer.write_all(b"x").unwrap();
        assert_eq!(driver.block_on(splice).unwrap(), 1);
        end(&driver);
    });
}

#[test]
fn no_processors_are_not_enough() {
    let Some(driver) = shared("no_processors_are_not_enough") else { return };
    for processors in [&[][..], &[usize::MAX]] {
        let error = driver.registrar().bind_workers(processors).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
