//! Descriptors that Unix sockets pass: whose they are at every moment.
//!
//! Method: what is passed is one end of a pipe. As long as anybody has it open, the other end does
//! not see the end of the stream; so whether it leaks is asked of the pipe, and not of the numbers
//! of the process, which other tests have to do with.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};

use ringbahn::event::{ControlMessage, Received};
use ringbahn::{BufResultExt, Drive, Ring, SharedDriver};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::FdFlags;

use crate::bounded::block_on;
use crate::support::{driver, poll_once, wait_until};

const ROOM: usize = ControlMessage::space(8 * size_of::<OwnedFd>());

fn streams(driver: &SharedDriver) -> [Ring<UnixStream, SharedDriver>; 2] {
    let (near, far) = UnixStream::pair().unwrap();
    [near, far].map(|stream| Ring::new_on_driver(stream, driver.clone()))
}

/// A pipe whose writing end is to be passed.
fn passed() -> (PipeReader, ControlMessage) {
    let (reader, writer) = pipe().unwrap();
    (reader, ControlMessage::descriptors(vec![writer.into()]))
}

fn descriptors(received: Received) -> Vec<OwnedFd> {
    received.control.into_iter().flat_map(ControlMessage::into_descriptors).collect()
}

fn send<D: Drive + Clone + Unpin>(
    stream: &Ring<UnixStream, D>,
    bytes: &'static str,
    control: ControlMessage,
) {
    let (count, _) = block_on(stream.send_message([bytes], vec![control])).both().unwrap();
    assert_eq!(count, bytes.len());
}

/// Asserts that nobody holds the other end, or comes to let go of it.
fn is_let_go_of(mut reader: PipeReader) {
    let mut watched = [PollFd::new(&reader, PollFlags::IN)];
    let late = Timespec { tv_sec: 20, tv_nsec: 0 };
    assert_eq!(poll(&mut watched, Some(&late)), Ok(1), "somebody still holds it");
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
}

/// Asserts that what was received is the writing end, and closed on exec.
fn is_the_writing_end_of(descriptor: OwnedFd, reader: PipeReader) {
    assert!(rustix::io::fcntl_getfd(&descriptor).unwrap().contains(FdFlags::CLOEXEC));
    let mut writer = PipeWriter::from(descriptor);
    writer.write_all(b"passed").unwrap();
    drop(writer);
    let mut text = String::new();
    { reader }.read_to_string(&mut text).unwrap();
    assert_eq!(text, "passed");
}

#[test]
fn a_descriptor_is_passed_over_a_stream_and_is_the_receivers() {
    let Some(driver) = driver("a_descriptor_is_passed_over_a_stream") else { return };
    let [near, far] = streams(&driver);
    let (reader, control) = passed();
    send(&near, "take it", control);
    let buffers = [vec![0; 4], vec![0; 16]];
    let (received, buffers) = block_on(far.recv_message(buffers, ROOM)).both().unwrap();
    assert_eq!((received.count, &buffers.concat()[..]), (7, &b"take it"[..]));
    let mut descriptors = descriptors(received);
    assert_eq!(descriptors.len(), 1);
    is_the_writing_end_of(descriptors.remove(0), reader);
}

#[test]
fn many_descriptors_are_passed_at_once_in_order() {
    let Some(driver) = driver("many_descriptors_are_passed_at_once_in_order") else { return };
    let [near, far] = streams(&driver);
    let (readers, writers): (Vec<_>, Vec<_>) = (0..8).map(|_| pipe().unwrap()).unzip();
    let writers = writers.into_iter().map(OwnedFd::from).collect();
    send(&near, "x", ControlMessage::descriptors(writers));
    let (received, _) = block_on(far.recv_message([vec![0; 4]], ROOM)).both().unwrap();
    let descriptors = descriptors(received);
    assert_eq!(descriptors.len(), 8);
    for (descriptor, reader) in descriptors.into_iter().zip(readers) {
        is_the_writing_end_of(descriptor, reader);
    }
}

#[test]
fn a_descriptor_is_passed_with_a_datagram() {
    let Some(driver) = driver("a_descriptor_is_passed_with_a_datagram") else { return };
    let (near, far) = Ring::<UnixDatagram, _>::pair_on_driver(driver).unwrap();
    for length in [0, 5] {
        let (reader, control) = passed();
        let send = near.send_message([vec![7; length]], None, vec![control]);
        assert_eq!(block_on(send).both().unwrap().0, length);
        let (received, _) = block_on(far.recv_message([vec![0; 16]], ROOM)).both().unwrap();
        assert_eq!(received.count, length);
        is_the_writing_end_of(descriptors(received).remove(0), reader);
    }
}

#[test]
fn a_descriptor_whose_receiver_drops_it_is_closed() {
    let Some(driver) = driver("a_descriptor_whose_receiver_drops_it_is_closed") else { return };
    let [near, far] = streams(&driver);
    let (reader, control) = passed();
    send(&near, "x", control);
    let output = block_on(far.recv_message([vec![0; 4]], ROOM));
    drop(output);
    is_let_go_of(reader);
}

#[test]
fn a_descriptor_that_there_is_no_room_for_is_closed() {
    let Some(driver) = driver("a_descriptor_that_there_is_no_room_for_is_closed") else { return };
    let [near, far] = streams(&driver);
    let (reader, control) = passed();
    send(&near, "x", control);
    let (received, _) = block_on(far.recv_message([vec![0; 4]], 0)).both().unwrap();
    assert!(received.is_control_truncated() && received.control.is_empty());
    is_let_go_of(reader);

    // Nor is it kept by a receive of bytes alone.
    let (reader, control) = passed();
    send(&near, "x", control);
    assert_eq!(block_on(far.recv(vec![0; 4])).both().unwrap().0, 1);
    is_let_go_of(reader);
}

#[test]
fn a_descriptor_that_an_abandoned_receive_has_brought_is_the_next_ones() {
    let Some(driver) = driver("a_descriptor_that_an_abandoned_receive_has_brought") else { return };
    let [near, far] = streams(&driver);
    let mut receive = far.recv_message([vec![0; 16]], ROOM);
    assert!(poll_once(&mut receive).is_pending());
    let before = driver.counters().completed;
    let (reader, control) = passed();
    send(&near, "hello", control);
    wait_until("it has been received", || driver.counters().completed >= before + 2);
    drop(receive);

    // A part of the bytes brings it, and the rest comes without.
    let (received, [bytes]) = block_on(far.recv_message([vec![0; 2]], ROOM)).both().unwrap();
    assert_eq!((received.count, &bytes[..]), (2, &b"he"[..]));
    is_the_writing_end_of(descriptors(received).remove(0), reader);
    let (received, [bytes]) = block_on(far.recv_message([vec![0; 9]], ROOM)).both().unwrap();
    assert_eq!((received.count, &bytes[..3]), (3, &b"llo"[..]));
    assert!(received.control.is_empty());
}

#[test]
fn two_messages_that_abandoned_receives_have_brought_stay_apart() {
    let Some(driver) = driver("two_messages_that_abandoned_receives_have_brought") else { return };
    let [near, far] = streams(&driver);
    let mut readers = Vec::new();
    let mut receives = Vec::new();
    for _ in 0..2 {
        let mut receive = far.recv_message([vec![0; 16]], ROOM);
        assert!(poll_once(&mut receive).is_pending());
        receives.push(receive);
    }
    for text in ["one", "two"] {
        let before = driver.counters().completed;
        let (reader, control) = passed();
        send(&near, text, control);
        readers.push(reader);
        wait_until("it has been received", || driver.counters().completed >= before + 2);
    }
    drop(receives);
    // Which of the two receives got which is the kernel's affair.
    let mut texts = Vec::new();
    for _ in 0..2 {
        let (received, [bytes]) = block_on(far.recv_message([vec![0; 16]], ROOM)).both().unwrap();
        let text = String::from_utf8(bytes[..received.count].to_vec()).unwrap();
        let descriptors = descriptors(received);
        assert_eq!(descriptors.len(), 1);
        let reader = readers[usize::from(text == "two")].try_clone().unwrap();
        is_the_writing_end_of(descriptors.into_iter().next().unwrap(), reader);
        texts.push(text);
    }
    texts.sort_unstable();
    assert_eq!(texts, ["one", "two"]);
}

#[test]
fn nothing_that_is_passed_is_lost_however_many_receives_are_dropped() {
    const COUNT: u8 = 200;
    let Some(driver) = driver("nothing_that_is_passed_is_lost") else { return };
    let [near, far] = streams(&driver);
    let sender = std::thread::spawn(move || {
        let one = |index: u8| {
            let (reader, control) = passed();
            let sent = near.send_message([vec![index]], vec![control]);
            assert_eq!(block_on(sent).both().unwrap().0, 1);
            reader
        };
        (0..COUNT).map(one).collect::<Vec<_>>()
    });
    let mut random = 0x2545_f491_u32;
    let (mut dropped, mut next) = (0, 0);
    while next < COUNT {
        let mut receive = far.recv_message([vec![0; 4]], ROOM);
        let output = match poll_once(&mut receive) {
            std::task::Poll::Ready(output) => output,
            std::task::Poll::Pending => {
                random ^= random << 13;
                random ^= random >> 17;
                random ^= random << 5;
                if random & 3 != 0 {
                    dropped += 1;
                    continue;
                }
                block_on(receive)
            }
        };
        let (received, [bytes]) = output.both().unwrap();
        let mut descriptors = descriptors(received);
        assert_eq!((&bytes[..], descriptors.len()), (&[next][..], 1));
        PipeWriter::from(descriptors.remove(0)).write_all(&[next]).unwrap();
        next += 1;
    }
    for (index, mut reader) in sender.join().unwrap().into_iter().enumerate() {
        let mut words = Vec::new();
        reader.read_to_end(&mut words).unwrap();
        assert_eq!(words, [index as u8], "{dropped} receives were dropped");
    }
}

#[test]
fn a_descriptor_that_nobody_takes_from_a_handle_is_closed_with_it() {
    let Some(driver) = driver("a_descriptor_that_nobody_takes_from_a_handle") else { return };
    // As well where another kind of receive takes the bytes.
    for takes_bytes in [false, true] {
        let [near, far] = streams(&driver);
        let mut receive = far.recv_message([vec![0; 16]], ROOM);
        assert!(poll_once(&mut receive).is_pending());
        let before = driver.counters().completed;
        let (reader, control) = passed();
        send(&near, "hello", control);
        wait_until("it has been received", || driver.counters().completed >= before + 2);
        drop(receive);
        if takes_bytes {
            let (count, bytes) = block_on(far.recv(vec![0; 5])).both().unwrap();
            assert_eq!((count, &bytes[..]), (5, &b"hello"[..]));
            is_let_go_of(reader);
        } else {
            drop(far);
            is_let_go_of(reader);
        }
    }
}

#[test]
fn a_descriptor_in_a_send_that_is_dropped_is_closed() {
    let Some(driver) = driver("a_descriptor_in_a_send_that_is_dropped_is_closed") else { return };
    let [near, far] = streams(&driver);
    // Never started.
    let (reader, control) = passed();
    drop(near.send_message(["x"], vec![control]));
    is_let_go_of(reader);

    // Under way, since the peer has no room.
    let full = loop {
        let mut send = near.send_message([vec![0; 1 << 16]], Vec::new());
        if poll_once(&mut send).is_pending() {
            break send;
        }
    };
    // For a single byte there may be room still.
    let (reader, send) = loop {
        let (reader, control) = passed();
        let mut send = near.send_message(["x"], vec![control]);
        if poll_once(&mut send).is_pending() {
            break (reader, send);
        }
    };
    drop((send, full));
    drop((near, far));
    is_let_go_of(reader);
}

#[test]
fn a_descriptor_in_a_socket_that_nobody_reads_is_closed_with_it() {
    let Some(driver) = driver("a_descriptor_in_a_socket_that_nobody_reads") else { return };
    let [near, far] = streams(&driver);
    let (reader, control) = passed();
    send(&near, "x", control);
    drop((near, far));
    is_let_go_of(reader);
}

#[test]
fn a_send_that_is_refused_closes_what_it_was_to_pass() {
    let Some(driver) = driver("a_send_that_is_refused_closes_what_it_was_to_pass") else { return };
    let (near, _far) = crate::support::connection();
    let near = Ring::new_on_driver(near, driver);
    let (reader, control) = passed();
    // Connections of the internet pass no descriptors, and some kernels say so.
    let _ = block_on(near.send_message(["x"], vec![control]));
    is_let_go_of(reader);
}

#[test]
fn a_passed_file_can_be_read() {
    let Some(driver) = driver("a_passed_file_can_be_read") else { return };
    let [near, far] = streams(&driver);
    let file = crate::support::file(b"contents");
    send(&near, "x", ControlMessage::descriptors(vec![file.into()]));
    let (received, _) = block_on(far.recv_message([vec![0; 4]], ROOM)).both().unwrap();
    let file = File::from(descriptors(received).remove(0));
    let file = Ring::new_on_driver(file, driver);
    let (count, bytes) = block_on(file.read_at(Vec::with_capacity(16), 0)).both().unwrap();
    assert_eq!((count, &bytes[..]), (8, &b"contents"[..]));
}
