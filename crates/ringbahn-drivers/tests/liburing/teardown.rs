//! Ends: of drivers, of processes, of the files that operations are about.

use std::env;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::process::Command;
use std::thread;
use std::time::Duration;

use ringbahn_core::event::{
    Interest, IntoSlot, Nop, OpenAt, OpenOptions, PollAdd, Position, Read, Recv, Splice, Timeout,
};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_drivers::{LocalDriver, SharedDriver, SqpollDriver};

use crate::scene::{descriptors, end, in_child, pipe, run, start, until};
use crate::skip;
use crate::subject::Subject;
use crate::support::{LONG, begin, pending_accept, pending_read, stream_pair};

on_both_drivers! {
    teardowns,
    file_closed_while_it_is_read,
    close_opath,
    io_wq_exit,
}

/// Drivers are made and dropped in a row, each after a little work.
fn teardowns<S: Subject>() {
    for _ in 0..50 {
        let driver = S::make(1, 2).unwrap();
        driver.run(driver.clone().submit(Nop)).unwrap();
        drop(driver);
    }
}

/// A file whose last handle goes while it is read is open until the read has ended.
fn file_closed_while_it_is_read<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (near, mut far) = stream_pair();
    let mut receive = driver.clone().submit(Recv::new(near, vec![0; 4]));
    begin(&driver, &mut receive);
    far.write_all(b"last").unwrap();
    assert_eq!(driver.run(receive).1, b"last");
    until("the socket is closed", || far.write_all(b"x").is_err());
    driver.end();
}

/// A descriptor that can only be asked for its path is read by nobody.
fn close_opath<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_PATH);
    let open = OpenAt::new("/dev/zero", &options).unwrap();
    let file: OwnedFd = driver.run(driver.clone().submit(open)).unwrap();
    let read = Read::new(file, vec![0; 1], Position::Current);
    let error = driver.run(driver.clone().submit(read)).0.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    driver.end();
}

/// A driver ends though a thread of the kernel is busy for it: with a pipe that nobody writes to.
fn io_wq_exit<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let ((from, _writer), (_to, to)) = (pipe(), pipe());
    let to = SharedFd::from(OwnedFd::from(to));
    let mut splice = driver.clone().submit(Splice::between_pipes(from, to, 16));
    begin(&driver, &mut splice);
    driver.end();
    assert!(driver.run(splice).is_err());
}

/// What a process had under way keeps none of its files open behind the driver.
#[test]
fn ring_leak() {
    let test = "teardown::ring_leak";
    in_child(test, || {
        let before = descriptors();
        for _ in 0..10 {
            let driver = SharedDriver::builder().entries(2).build().unwrap();
            let (near, far) = stream_pair();
            let mut receive = driver.clone().submit(Recv::new(near.clone(), vec![0; 1]));
            start(&mut receive);
            drop((near, receive, far));
            end(&driver);
        }
        until("all is closed", || descriptors() == before);
    });
}

/// Runs the test `test` once more in a process that ends with this exit code.
#[track_caller]
fn exits(test: &str, scenario: impl FnOnce()) {
    const CHILD: &str = "RINGBAHN_EXITING_CHILD";
    const CODE: i32 = 42;
    if env::var(CHILD).is_ok_and(|child| child == test) {
        scenario();
        std::process::exit(CODE);
    }
    if skip::driver(test, 1, 2).is_none() {
        return;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, test);
    command.env("ASAN_OPTIONS", "detect_leaks=0");
    let mut child = command.spawn().unwrap();
    let mut status = None;
    until("the process has ended", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(CODE));
}

/// A process ends with a poll under way.
#[test]
fn files_exit_hang_poll() {
    exits("teardown::files_exit_hang_poll", || {
        let driver = SharedDriver::builder().entries(2).build().unwrap();
        let (reader, writer) = pipe();
        let mut poll = driver.submit(PollAdd::new(reader, Interest::READABLE));
        start(&mut poll);
        std::mem::forget((poll, writer));
    });
}

/// A process ends with a timeout under way.
#[test]
fn files_exit_hang_timeout() {
    exits("teardown::files_exit_hang_timeout", || {
        let driver = SharedDriver::builder().entries(2).build().unwrap();
        let mut timeout = driver.submit(Timeout::new(LONG));
        start(&mut timeout);
        std::mem::forget(timeout);
    });
}

/// A process ends with everything as it is, on both drivers.
#[test]
fn exit_no_cleanup() {
    exits("teardown::exit_no_cleanup", || {
        let shared_one = SharedDriver::builder().entries(2).build().unwrap();
        let local = LocalDriver::builder().entries(2).build().unwrap();
        let (reader, writer) = pipe();
        let one = pending_read(&shared_one, &reader, 1);
        let other = pending_read(&local, &reader, 1);
        let (listener, _) = crate::support::listener();
        let accept = pending_accept(&shared_one, &listener);
        std::mem::forget((one, other, accept, writer, shared_one, local));
    });
}

/// A process ends while another thread of it waits for a read.
#[test]
fn read_before_exit() {
    exits("teardown::read_before_exit", || {
        let driver = SharedDriver::builder().entries(2).build().unwrap();
        let (reader, writer) = pipe();
        let read = pending_read(&driver, &reader, 1);
        thread::spawn(move || run(read));
        std::mem::forget(writer);
        run(driver.clone().submit(Nop)).unwrap();
    });
}

/// A child of `fork` is told that the driver is its parent's, and the parent goes on.
#[test]
fn across_fork() {
    let test = "teardown::across_fork";
    in_child(test, || {
        let driver = SharedDriver::builder().entries(2).build().unwrap();
        let (reader, mut writer) = pipe();
        let read = pending_read(&driver, &reader, 1);
        // SAFETY: the other threads sleep, or hold no lock that the child takes.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            let refused = crate::scene::poll_once(Pin::new(&mut driver.clone().submit(Nop)));
            let told = matches!(refused, std::task::Poll::Ready(Err(_)));
            // SAFETY: ends the process without running anything of the parent's.
            unsafe { libc::_exit(i32::from(!told)) };
        }
        let mut status = 0;
        // SAFETY: `status` is a place to write to.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child was not told");
        writer.write_all(b"p").unwrap();
        assert_eq!(run(read).1, b"p");
        end(&driver);
    });
}

/// A table of registered files goes with its driver though a file of it is being read.
#[test]
fn file_exit_unreg() {
    let Some(driver) = skip::driver("file_exit_unreg", 2, 4) else { return };
    let table = driver.direct_table(2).unwrap();
    let mut options = OpenOptions::new();
    options.read(true);
    let open = OpenAt::new("/dev/zero", &options).unwrap();
    let file = run(driver.clone().submit(IntoSlot::new(open, &table))).unwrap();
    let read = Read::new(file, vec![1; 8], Position::Current);
    let (count, buffer) = run(driver.clone().submit(read));
    assert_eq!((count.unwrap(), buffer), (8, vec![0; 8]));
    drop(table);
    end(&driver);
}

/// Slots are closed in another order than they were opened in, with reads under way.
#[test]
fn ooo_file_unreg() {
    let Some(driver) = skip::driver("ooo_file_unreg", 4, 8) else { return };
    let table = driver.direct_table(8).unwrap();
    let mut options = OpenOptions::new();
    options.read(true);
    let mut files: Vec<_> = (0..8)
        .map(|_| {
            let open = OpenAt::new("/dev/zero", &options).unwrap();
            SharedFd::from(run(driver.clone().submit(IntoSlot::new(open, &table))).unwrap())
        })
        .collect();
    for place in [5, 0, 3, 1] {
        drop(files.remove(place));
        let read = Read::new(files[0].clone(), vec![1; 4], Position::Current);
        assert_eq!(run(driver.clone().submit(read)).1, [0; 4]);
    }
    assert_eq!(table.open(), 4);
    drop(files);
    until("all slots are free", || table.open() == 0);
    end(&driver);
}

/// A driver whose queue a thread of the kernel watches ends with a poll under way.
#[test]
fn sqpoll_exit_hang() {
    let Ok(driver) = SqpollDriver::builder().entries(2).build() else {
        return skip::skip("sqpoll_exit_hang", "no io_uring: no kernel thread");
    };
    let (reader, _writer) = pipe();
    let mut poll = driver.clone().submit(PollAdd::new(reader, Interest::READABLE));
    start(&mut poll);
    let report = run(driver.shutdown(Duration::from_secs(10)));
    assert_eq!((report.cancelled, report.leaked), (1, 0));
}

/// Such a driver ends unused.
#[test]
fn sqpoll_disable_exit() {
    for _ in 0..5 {
        match SqpollDriver::builder().entries(1).build() {
            Ok(driver) => drop(driver),
            Err(_) => {
                return skip::skip("sqpoll_disable_exit", "no io_uring: no kernel thread");
            }
        }
    }
}

/// What has ended is told when the thread of the driver asks the kernel, and not before.
#[test]
fn defer_taskrun() {
    let Some(driver) = skip::local_driver("defer_taskrun", 2, 4) else { return };
    let (reader, mut writer) = pipe();
    let read = pending_read(&driver, &reader, 1);
    writer.write_all(b"o").unwrap();
    assert_eq!(driver.counters().completed, 0);
    assert_eq!(driver.block_on(read).1, b"o");
    driver.end();
}
