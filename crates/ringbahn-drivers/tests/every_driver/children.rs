//! Processes that fork, and that start others, with operations in flight.

use std::future::poll_fn;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use ringbahn_core::Drive as _;
use ringbahn_core::event::{
    Accept, Domain, Nop, OpenAt, OpenOptions, Position, Read, Socket, Timeout, Type,
};
use ringbahn_drivers::Report;

use crate::canary;
use crate::home::{Home, end, home, pending};
use crate::scene::{pipe, poll_once, shared};
use crate::watched::Watched;

/// What a forked child does, which must not come back: its exit code is the number of the check
/// that failed, or 0.
pub(crate) fn forked(child: impl FnOnce() -> i32) {
    // SAFETY: the other threads of this process sleep, or hold no lock that the child takes.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // A child that hangs is killed.
        // SAFETY: the call names no memory.
        unsafe { libc::alarm(10) };
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

/// Whether that is how a child is told that the driver is its parent's.
pub(crate) fn is_of_the_fork<T>(result: &io::Result<T>) -> bool {
    let Err(error) = result else { return false };
    error.kind() == io::ErrorKind::Unsupported && error.to_string().contains("fork")
}

fn is_told_and_does_no_harm<H: Home>(test: &str) {
    let Some(home) = home::<H>(test, 4, 8) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    let (reader, mut writer) = pipe();
    let (other_reader, _other_writer) = pipe();
    let read = |reader| Read::new(reader, Watched::new(&ends), Position::Current);
    let kept = pending(&home, read(reader));
    let dropped = pending(&home, read(other_reader.clone()));
    let timer = pending(&home, Timeout::new(Duration::from_millis(100)));
    let accept = pending(&home, Accept::new(shared(TcpListener::bind("127.0.0.1:0").unwrap())));
    let unpolled = Box::pin(home.driver().submit(read(other_reader)));
    let before = home.counters();
    let mut childs = Some((home, dropped, timer, accept, unpolled));

    forked(|| {
        let Some((home, mut dropped, timer, accept, mut unpolled)) = childs.take() else {
            return 1;
        };
        let Poll::Ready((result, buffer)) = poll_once(unpolled.as_mut()) else { return 2 };
        if !is_of_the_fork(&result) {
            return 3;
        }
        drop(buffer);
        if ends.load(Ordering::SeqCst) != 1 {
            return 4;
        }
        if poll_once(dropped.as_mut()).is_ready() {
            return 5;
        }
        drop((dropped, timer, accept));
        if ends.load(Ordering::SeqCst) != 1 {
            return 6; // The parent's kernel still has it.
        }
        if home.shut_down(Duration::from_secs(1)) != Report::default() {
            return 7;
        }
        let mut late = Box::pin(home.driver().submit(Nop));
        match poll_once(late.as_mut()) {
            Poll::Ready(result) if is_of_the_fork(&result) => {}
            _ => return 8,
        }
        drop(late);
        home.leave();
        // A driver of its own is as good as any.
        let Ok(own) = H::make(4, 8) else { return 9 };
        if own.run(own.driver().submit(Nop)).is_err() {
            return 10;
        }
        i32::from(own.shut_down(Duration::from_secs(5)).leaked != 0) * 11
    });

    let (home, mut dropped, timer, accept, unpolled) = childs.take().unwrap();
    assert_eq!(home.counters().submitted, before.submitted);
    assert_eq!(ends.load(Ordering::SeqCst), 0);
    drop(unpolled);
    writer.write_all(b"x").unwrap();
    let (count, buffer) = home.run(kept);
    assert_eq!((count.unwrap(), buffer.filled()), (1, &b"x"[..]));
    drop(buffer);
    home.run(timer).unwrap();
    assert!(home.run(poll_fn(|cx| dropped.as_mut().poll_cancel(cx))).is_cancelled());
    drop(dropped);
    drop(accept);
    home.run(home.driver().submit(Nop)).unwrap();
    end(&home);
    assert_eq!(ends.load(Ordering::SeqCst), 3);
    canary::inspect();
}

/// Which descriptors a child has that is started now, by their numbers.
pub(crate) fn inherited() -> String {
    let output = Command::new("ls").arg("/proc/self/fd").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn inherits_nothing<H: Home>(test: &str) {
    let before = inherited();
    let Some(home) = home::<H>(test, 8, 16) else { return };
    let (reader, _writer) = pipe();
    let read = pending(&home, Read::new(reader, canary::Canary::new(), Position::Current));
    let timer = pending(&home, Timeout::new(Duration::from_secs(3600)));
    // What operations open is the process's alone, too.
    let open = OpenAt::new("/dev/null", OpenOptions::new().read(true)).unwrap();
    let opened = home.run(home.driver().submit(open)).unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None);
    let socket = home.run(home.driver().submit(socket)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let listener = shared(listener);
    let accepted = home.run(home.driver().submit(Accept::new(listener.clone()))).unwrap();
    let accept = pending(&home, Accept::new(listener));
    assert_eq!(inherited(), before);
    drop((read, timer, accept, accepted, client, opened, socket));
    end(&home);
}

on_every_driver!(
    a_forked_child_is_told_so_and_does_no_harm_to_its_parent,
    is_told_and_does_no_harm
);
on_every_driver!(a_child_that_execs_inherits_nothing, inherits_nothing);
