//! The end of drivers on the fallback, and of processes.

use std::io::Write;
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::{Accept, Nop, Position, Read, Timeout};
use ringbahn_drivers::{LocalDriver, Report, Setup};

use crate::{scene, shared, without_io_uring};

#[test]
fn a_shutdown_cancels_what_waits() {
    without_io_uring("ends::a_shutdown_cancels_what_waits", || {
        let driver = shared(2, 4);
        let (reader, _writer) = scene::pipe();
        let read = Read::new(reader, Vec::with_capacity(8), Position::Current);
        let mut read = Box::pin(driver.clone().submit(read));
        scene::start(&mut read);
        let mut timeout = Box::pin(driver.clone().submit(Timeout::new(Duration::from_secs(999))));
        scene::start(&mut timeout);
        let report = scene::run(driver.shutdown(Duration::from_secs(10)));
        assert_eq!(report, Report { completed: 0, cancelled: 2, leaked: 0 });
        assert!(scene::run(read).0.is_err());
        assert!(scene::run(timeout).is_err());
    });
}

#[test]
fn drivers_that_go_leave_no_descriptor_and_no_thread() {
    without_io_uring("ends::drivers_that_go_leave_no_descriptor_and_no_thread", || {
        let before = (scene::descriptors(), scene::threads());
        for _ in 0..3 {
            let driver = shared(2, 4);
            let (reader, mut writer) = scene::pipe();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let accept = Accept::new(scene::shared(listener));
            let mut accept = Box::pin(driver.clone().submit(accept));
            scene::start(&mut accept);
            writer.write_all(b"data").unwrap();
            let read = Read::new(reader, Vec::with_capacity(8), Position::Current);
            assert_eq!(scene::run(driver.clone().submit(read)).0.unwrap(), 4);
            drop((driver, accept));

            let local = LocalDriver::builder().entries(1).completion_entries(2).build().unwrap();
            local.block_on(local.clone().submit(Nop)).unwrap();
        }
        scene::until("all is given back", || (scene::descriptors(), scene::threads()) == before);
    });
}

#[test]
fn rings_that_go_in_any_order_are_gone_at_once() {
    without_io_uring("ends::rings_that_go_in_any_order_are_gone_at_once", || {
        let before = (scene::descriptors(), scene::threads());
        for order in 0..3 {
            let queues = Setup::new(1).completion_entries(2).build().unwrap();
            let handle = queues.handle.clone();
            match order {
                0 => drop((queues, handle)),
                1 => drop((handle, queues)),
                _ => drop((queues.submission, handle, queues.completion, queues.handle)),
            }
            assert_eq!((scene::descriptors(), scene::threads()), before);
        }
    });
}

#[test]
fn a_forked_child_is_refused_and_its_parent_goes_on() {
    without_io_uring("ends::a_forked_child_is_refused_and_its_parent_goes_on", || {
        let driver = shared(2, 4);
        let (reader, mut writer) = scene::pipe();
        let read = Read::new(reader, Vec::with_capacity(8), Position::Current);
        let mut read = Box::pin(driver.clone().submit(read));
        scene::start(&mut read);
        // SAFETY: the child leaves by `_exit`.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            let refused = scene::run(driver.clone().submit(Nop));
            let refused =
                refused.is_err_and(|error| error.kind() == std::io::ErrorKind::Unsupported);
            drop((driver, read));
            let own = shared(1, 2);
            let works = scene::run(own.clone().submit(Nop)).is_ok();
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(if refused && works { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: `status` is a valid place to write to.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status:#x}");
        writer.write_all(b"data").unwrap();
        assert_eq!(scene::run(read).0.unwrap(), 4);
        scene::end(&driver);
    });
}
