//! Messages in buffers of a group: with who sent them, and what came along.

use std::fs::File;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use futures::StreamExt;
use ringbahn_core::SharedFd;
use ringbahn_core::event::{ControlMessage, RecvMsgMulti, SendMsg};

use crate::scene;
use crate::subject::{Subject, assert_full, begin, datagrams};

on_both_drivers! {
    each_datagram_comes_with_its_sender,
    a_datagram_that_is_too_long_says_so,
    descriptors_come_along_and_are_owned,
    buffers_that_are_too_small_are_refused,
    a_stream_of_messages_ends_with_its_peer,
}

fn each_datagram_comes_with_its_sender<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(4, RecvMsgMulti::overhead(0) as u32 + 100);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut messages = driver.clone().stream(RecvMsgMulti::new(scene::shared(socket), &group));
    begin(&driver, &mut messages);
    let senders: Vec<_> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    for round in 0..20_usize {
        for (number, sender) in senders.iter().enumerate() {
            // Empty ones as well, which end no stream of datagrams.
            let data = vec![number as u8; round * 5];
            sender.send_to(&data, address).unwrap();
            let message = driver.run(messages.next()).unwrap().unwrap();
            assert_eq!(message[..], data);
            let from = message.address().and_then(|address| address.as_inet());
            assert_eq!(from, Some(sender.local_addr().unwrap()));
            assert!(!message.is_truncated());
        }
    }
    drop(messages);
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_datagram_that_is_too_long_says_so<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, RecvMsgMulti::overhead(0) as u32 + 4);
    let (near, far) = datagrams();
    let mut messages = driver.clone().stream(RecvMsgMulti::new(near, &group));
    far.send(b"hello").unwrap();
    far.send(b"hell").unwrap();
    let cut = driver.run(messages.next()).unwrap().unwrap();
    assert_eq!((&cut[..], cut.is_truncated()), (&b"hell"[..], true));
    let whole = driver.run(messages.next()).unwrap().unwrap();
    assert_eq!((&whole[..], whole.is_truncated()), (&b"hell"[..], false));
    drop((cut, whole, messages));
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

/// Sends a descriptor of `/dev/null`.
fn pass_null<S: Subject>(driver: &S, to: &SharedFd) {
    let null = OwnedFd::from(File::open("/dev/null").unwrap());
    let send = SendMsg::new(to.clone(), ["x"]).control(ControlMessage::descriptors(vec![null]));
    driver.run(driver.clone().submit(send)).0.unwrap();
}

fn descriptors_come_along_and_are_owned<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let space = ControlMessage::space(4);
    let group = driver.buffers(4, RecvMsgMulti::overhead(space) as u32 + 16);
    let (near, far) = UnixDatagram::pair().unwrap();
    let (near, far) = (SharedFd::from(OwnedFd::from(near)), SharedFd::from(OwnedFd::from(far)));
    let receive = RecvMsgMulti::new(near, &group).control_space(space);
    let mut messages = driver.clone().stream(receive);
    pass_null(&driver, &far);
    let mut message = driver.run(messages.next()).unwrap().unwrap();
    assert_eq!(message[..], *b"x");
    let control = message.take_control().remove(0);
    let passed = control.into_descriptors().remove(0);
    let target = std::fs::read_link(format!("/proc/self/fd/{}", passed.as_raw_fd())).unwrap();
    assert_eq!(target.to_str(), Some("/dev/null"));
    drop((message, messages));
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn buffers_that_are_too_small_are_refused<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, 32);
    let (near, far) = datagrams();
    far.send(b"hello").unwrap();
    let mut messages = driver.clone().stream(RecvMsgMulti::new(near, &group));
    let error = driver.run(messages.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
    assert!(driver.run(messages.next()).is_none());
    assert_full(&driver, &group);
    driver.end();
}

fn a_stream_of_messages_ends_with_its_peer<S: Subject>() {
    use std::io::Write as _;
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, 256);
    let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut messages = driver.clone().stream(RecvMsgMulti::new(OwnedFd::from(near), &group));
    far.write_all(b"hello").unwrap();
    assert_eq!(driver.run(messages.next()).unwrap().unwrap()[..], *b"hello");
    drop(far);
    assert!(driver.run(messages.next()).is_none());
    assert_full(&driver, &group);
    driver.end();
}
