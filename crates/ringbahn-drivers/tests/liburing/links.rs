//! Chains: what goes on, what breaks, and what waits for what.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use ringbahn_core::event::{
    Accept, Close, EventExt as _, Interest, Nop, PollAdd, Position, Read, Recv, Send, Write,
};

use crate::scene::{pipe, shared};
use crate::subject::Subject;
use crate::support::{begin, is_cancelled, listener, pending_read, stream_pair};

on_both_drivers! {
    link,
    link_of_two_rounds,
    link_fail,
    link_drain,
    linked_defer_close,
    submit_link_fail,
    accept_link,
    poll_link,
    hardlink,
}

/// The steps of a chain run one after the other.
fn link<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let file = shared(tempfile::tempfile().unwrap());
    let chain = Write::new(file.clone(), "first", Position::At(0))
        .link(Write::new(file.clone(), "F", Position::At(0)))
        .link(Read::new(file, vec![0; 5], Position::At(0)));
    let (((first, _), (second, _)), (third, read)) = driver.run(driver.clone().submit(chain));
    assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), (5, 1, 5));
    assert_eq!(read, b"First");
    driver.end();
}

/// Chains side by side do not get into each other's way.
fn link_of_two_rounds<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (reader, mut writer) = pipe();
    let waiting = Read::new(reader, vec![0; 1], Position::Current).link(Nop);
    let mut waiting = driver.clone().submit(waiting);
    begin(&driver, &mut waiting);
    let (first, second) = driver.run(driver.clone().submit(Nop.link(Nop)));
    assert!(first.is_ok() && second.is_ok());
    writer.write_all(b"w").unwrap();
    let ((_, read), last) = driver.run(waiting);
    last.unwrap();
    assert_eq!(read, b"w");
    driver.end();
}

/// A step that fails keeps those behind it from starting, and no other.
fn link_fail<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let read_only = shared(File::open("/dev/null").unwrap());
    let chain = Nop.link(Write::new(read_only, "x", Position::Current)).link(Nop).link(Nop);
    let (((first, (second, _)), third), fourth) = driver.run(driver.clone().submit(chain));
    first.unwrap();
    assert!(second.is_err() && !is_cancelled(&second));
    assert!(is_cancelled(&third) && is_cancelled(&fourth));
    driver.run(driver.clone().submit(Nop)).unwrap();
    driver.end();
}

/// What is to run alone is refused by a ring that others use, and nothing of it is submitted.
fn link_drain<S: Subject>() {
    let driver = S::make(8, 16).unwrap();
    let (reader, _writer) = pipe();
    let _read = pending_read(&driver, &reader, 1);
    let error = driver.run(driver.clone().submit(Nop.drained())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(driver.so_far().submitted, 1);
    driver.end();
}

/// A file is closed at the end of a chain that has written to it.
fn linked_defer_close<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (mut far, near) = std::os::unix::net::UnixStream::pair().unwrap();
    let duplicate: OwnedFd = near.try_clone().unwrap().into();
    let chain = Send::new(shared(near), "last words").link(Close::new(duplicate));
    let ((sent, _), closed) = driver.run(driver.clone().submit(chain));
    assert_eq!(sent.unwrap(), 10);
    closed.unwrap();
    let mut received = String::new();
    std::io::Read::read_to_string(&mut far, &mut received).unwrap();
    assert_eq!(received, "last words");
    driver.end();
}

/// A chain that cannot start fails as a whole, and neighbours do not notice.
fn submit_link_fail<S: Subject>() {
    let driver = S::make(8, 16).unwrap();
    let broken = shared(File::options().write(true).open("/dev/null").unwrap());
    let mut neighbour = driver.clone().submit(Nop);
    let chain = Read::new(broken, vec![0; 1], Position::Current).link(Nop).link(Nop);
    let mut chain = Box::pin(driver.clone().submit(chain));
    let ((outputs, last), own) =
        driver.run(async { (chain.as_mut().await, (&mut neighbour).await) });
    let ((first, _), second) = outputs;
    assert!(first.is_err() && is_cancelled(&second) && is_cancelled(&last));
    own.unwrap();
    driver.end();
}

/// A step that waits for a connection starts the next one when it has one.
fn accept_link<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (listener, address) = listener();
    let chain = Accept::new(listener).link(Nop);
    let mut chain = driver.clone().submit(chain);
    begin(&driver, &mut chain);
    let client = TcpStream::connect(address).unwrap();
    let (accepted, last) = driver.run(chain);
    let (_, peer) = accepted.unwrap();
    assert_eq!(peer.as_inet(), client.local_addr().ok());
    last.unwrap();
    driver.end();
}

/// A read behind a poll of the same file finds what the poll has waited for.
fn poll_link<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let (near, mut far) = stream_pair();
    let chain = PollAdd::new(near.clone(), Interest::READABLE).link(Recv::new(near, vec![0; 8]));
    let mut chain = driver.clone().submit(chain);
    begin(&driver, &mut chain);
    far.write_all(b"polled").unwrap();
    let (ready, (received, buffer)) = driver.run(chain);
    assert!(ready.unwrap().is_readable());
    assert_eq!((received.unwrap(), &buffer[..]), (6, &b"polled"[..]));
    driver.end();
}

/// A chain of the harder kind goes on behind a failure.
fn hardlink<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let read_only = shared(File::open("/dev/null").unwrap());
    let chain = Write::new(read_only, "x", Position::Current).then(Nop);
    let ((written, _), last) = driver.run(driver.clone().submit(chain));
    assert!(written.is_err());
    last.unwrap();
    driver.end();
}
