//! Threads that come and go while their operations are in flight, and processes that fork.
#![allow(unsafe_code)]

use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::thread;
use std::time::Duration;

use ringbahn_core::event::{Accept, Fsync, Nop, Position, Read, Timeout};
use ringbahn_core::{Drive, SharedFd, Submission};
use ringbahn_drivers::{Report, SharedDriver};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use canary::Canary;
use scene::{Wakes, end, pipe, poll_once, run, shared, start, until};
use watched::Watched;

fn read(driver: &SharedDriver, reader: &SharedFd) -> Submission<Read<Canary>, SharedDriver> {
    driver.clone().submit(Read::new(reader.clone(), Canary::new(), Position::Current))
}

/// Polls a future once, on a thread of its own that has ended when this returns.
fn started_elsewhere<F: Future<Output: Send> + Unpin + Send + 'static>(mut future: F) -> F {
    let thread = thread::spawn(move || {
        start(&mut future);
        future
    });
    thread.join().unwrap()
}

/// Tells a thread that it is over, also where a test fails: it would go on for ever.
struct Over(Arc<AtomicUsize>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(1, Ordering::SeqCst);
    }
}

#[test]
fn a_completion_comes_though_its_submitter_computes_without_a_single_call() {
    let test = "a_completion_comes_though_its_submitter_computes_without_a_single_call";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (reader, mut writer) = pipe();
    let mut read = read(&driver, &reader);
    let (computes, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let submitter = thread::spawn({
        let (computes, is_over) = (computes.clone(), is_over.clone());
        move || {
            start(&mut read);
            computes.store(1, Ordering::SeqCst);
            while is_over.load(Ordering::SeqCst) == 0 {
                std::hint::spin_loop();
            }
            read
        }
    });
    until("it computes", || computes.load(Ordering::SeqCst) > 0);
    writer.write_all(b"c").unwrap();
    let limit = Over(is_over);
    until("its operation has ended", || driver.counters().in_flight == 0);
    drop(limit);
    let (count, buffer) = run(submitter.join().unwrap());
    assert_eq!((count.unwrap(), buffer.filled()), (1, &b"c"[..]));
    end(&driver);
}

#[test]
fn reads_and_accepts_outlive_the_thread_that_has_submitted_them() {
    let test = "reads_and_accepts_outlive_the_thread_that_has_submitted_them";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    for round in 0..20_u8 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let reads: Vec<_> = (0..4)
            .map(|_| {
                let (reader, writer) = pipe();
                (started_elsewhere(read(&driver, &reader)), writer)
            })
            .collect();
        let accept = started_elsewhere(driver.clone().submit(Accept::new(shared(listener))));
        let timer = Timeout::new(Duration::from_millis(5));
        let timer = started_elsewhere(driver.clone().submit(timer));

        let client = TcpStream::connect(address).unwrap();
        let (_, peer) = run(accept).unwrap();
        assert_eq!(peer.as_inet(), client.local_addr().ok());
        run(timer).unwrap();
        for (read, mut writer) in reads {
            writer.write_all(&[round]).unwrap();
            let (count, buffer) = run(read);
            assert_eq!((count.unwrap(), buffer.filled()), (1, &[round][..]));
        }
    }
    assert!(
        driver.counters().repeated > 0,
        "no operation lost its thread: {:#?}",
        driver.counters()
    );
    end(&driver);
    canary::inspect();
}

#[test]
fn buffered_reads_of_a_file_outlive_their_thread() {
    let test = "buffered_reads_of_a_file_outlive_their_thread";
    let Some(driver) = skip::driver(test, 8, 16) else { return };
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    (0..64_u8).for_each(|block| file.write_all(&[block; canary::SIZE]).unwrap());
    file.sync_all().unwrap();
    // SAFETY: the call names no memory. What is not cached has to be waited for.
    unsafe {
        libc::posix_fadvise(std::os::fd::AsRawFd::as_raw_fd(&file), 0, 0, libc::POSIX_FADV_DONTNEED)
    };
    let file = shared(file);
    let (sender, receiver) = std::sync::mpsc::channel();
    for block in 0..64_u8 {
        let position = Position::At(u64::from(block) * canary::SIZE as u64);
        let event = Read::new(file.clone(), Canary::new(), position);
        let mut read = Box::pin(driver.clone().submit(event));
        let sender = sender.clone();
        thread::spawn(move || match poll_once(read.as_mut()) {
            std::task::Poll::Ready(output) => sender.send((block, Ok(output))).unwrap(),
            std::task::Poll::Pending => sender.send((block, Err(read))).unwrap(),
        });
    }
    drop(sender);
    for (block, read) in receiver {
        let (count, buffer) = read.unwrap_or_else(|pending| run(pending));
        assert_eq!(count.unwrap(), canary::SIZE);
        assert!(buffer.filled().iter().all(|byte| *byte == block), "block {block} was misread");
    }
    run(driver.clone().submit(Fsync::new(file))).unwrap();
    end(&driver);
    canary::inspect();
}

#[test]
fn a_future_polled_on_two_threads_wakes_the_second() {
    let test = "a_future_polled_on_two_threads_wakes_the_second";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for _ in 0..100 {
        let (reader, mut writer) = pipe();
        let mut read = read(&driver, &reader);
        let (first, waker) = Wakes::new();
        assert!(Pin::new(&mut read).poll(&mut Context::from_waker(&waker)).is_pending());
        let (second, waker) = Wakes::new();
        let mut read = thread::spawn(move || {
            assert!(Pin::new(&mut read).poll(&mut Context::from_waker(&waker)).is_pending());
            read
        })
        .join()
        .unwrap();
        writer.write_all(&[0x5A]).unwrap();
        until("the second was woken", || second.count() == 1);
        assert_eq!(first.count(), 0);
        assert!(poll_once(Pin::new(&mut read)).is_ready());
    }
    end(&driver);
    canary::inspect();
}

#[test]
fn wakers_outlive_their_executor() {
    let test = "wakers_outlive_their_executor";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    let waked = read(&driver, &reader);
    let dropped = read(&driver, &reader);
    // The executor of these wakers is a thread, which has gone when they are used.
    let (mut waked, dropped) = thread::spawn(move || {
        let (mut waked, mut dropped) = (waked, dropped);
        let mut pool = futures::executor::LocalPool::new();
        pool.run_until(std::future::poll_fn(|cx| {
            assert!(Pin::new(&mut waked).poll(cx).is_pending());
            assert!(Pin::new(&mut dropped).poll(cx).is_pending());
            std::task::Poll::Ready(())
        }));
        (waked, dropped)
    })
    .join()
    .unwrap();
    drop(dropped);
    writer.write_all(&[0x5A; 2 * canary::SIZE]).unwrap();
    until("the first one has ended", || poll_once(Pin::new(&mut waked)).is_ready());
    end(&driver);
    canary::inspect();
}

/// What a forked child does, which must not come back: its exit code is the number of the check
/// that failed, or 0.
fn forked(child: impl FnOnce() -> i32) {
    // SAFETY: this process has no thread that holds a lock which the child takes: the helper
    // sleeps, and the only other one is this.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let code = child();
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is a place to write to.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the check of that number failed in the child");
}

#[test]
fn a_forked_child_is_told_so_and_does_no_harm_to_its_parent() {
    let test = "a_forked_child_is_told_so_and_does_no_harm_to_its_parent";
    scene::in_child(test, || {
        let driver = skip::driver(test, 2, 4).unwrap();
        let ends = Arc::new(AtomicUsize::new(0));
        let (reader, mut writer) = pipe();
        let event = Read::new(reader, Watched::new(&ends), Position::Current);
        let mut kept = driver.clone().submit(event);
        start(&mut kept);
        let (other_reader, _other_writer) = pipe();
        let new = || Read::new(other_reader.clone(), Watched::new(&ends), Position::Current);
        let mut dropped = driver.clone().submit(new());
        start(&mut dropped);
        let unpolled = driver.clone().submit(new());
        let before = driver.counters();
        let mut childs = Some((dropped, unpolled, driver.clone()));

        forked(|| {
            let Some((mut dropped, unpolled, driver)) = childs.take() else { return 1 };
            let (result, buffer) = run(unpolled);
            let Err(error) = result else { return 2 };
            if error.kind() != io::ErrorKind::Unsupported || !error.to_string().contains("fork") {
                return 3;
            }
            drop(buffer);
            if ends.load(Ordering::SeqCst) != 1 {
                return 4;
            }
            if poll_once(Pin::new(&mut dropped)).is_ready() {
                return 5;
            }
            drop(dropped);
            if ends.load(Ordering::SeqCst) != 1 {
                return 6; // The parent's kernel still has it.
            }
            if run(driver.shutdown(Duration::from_secs(1))) != Report::default() {
                return 7;
            }
            drop(driver);
            // A driver of its own is as good as any.
            let Ok(own) = SharedDriver::builder().entries(1).build() else { return 8 };
            if run(own.clone().submit(Nop)).is_err() {
                return 9;
            }
            let report = run(own.shutdown(Duration::from_secs(5)));
            i32::from(report.leaked != 0) * 10
        });

        let after = driver.counters();
        assert_eq!((before.submitted, before.completed), (after.submitted, after.completed));
        let (dropped, unpolled, other) = childs.take().unwrap();
        drop((unpolled, other));
        writer.write_all(b"x").unwrap();
        let (count, buffer) = run(kept);
        assert_eq!((count.unwrap(), buffer.filled()), (1, &b"x"[..]));
        drop(buffer);
        assert!(run(dropped.cancel()).is_cancelled());
        end(&driver);
        assert_eq!(ends.load(Ordering::SeqCst), 3);
        canary::inspect();
    });
}

#[test]
fn a_child_that_execs_has_none_of_the_rings_descriptors() {
    let test = "a_child_that_execs_has_none_of_the_rings_descriptors";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    run(driver.clone().submit(Nop)).unwrap();
    let mut child = std::process::Command::new("ls")
        .args(["-l", "/proc/self/fd"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut listing = String::new();
    child.stdout.take().unwrap().read_to_string(&mut listing).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!listing.contains("io_uring") && !listing.contains("eventfd"), "{listing}");
    end(&driver);
}
