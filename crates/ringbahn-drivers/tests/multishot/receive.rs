//! Data in buffers of a group: exact, and every buffer comes back.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::thread;

use futures::StreamExt;
use ringbahn_core::event::{Position, ReadMulti, ReadProvided, RecvMulti, RecvProvided};
use ringbahn_core::{ForeignRing, SharedFd};

use crate::scene;
use crate::subject::{Subject, assert_full, begin, datagrams, receive_when_there_is_a_buffer};

pub(crate) fn streams() -> (SharedFd, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    (SharedFd::from(OwnedFd::from(near)), far)
}

/// Bytes of which each tells where it is, nearly.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8 ^ (n >> 8) as u8).collect()
}

on_both_drivers! {
    a_stream_of_bytes_arrives_whole,
    an_overflow_loses_no_bytes,
    a_pipe_is_read_to_its_end,
    a_dropped_stream_gives_back_what_nobody_has_read,
    a_stopped_stream_loses_nothing,
    a_buffer_outlives_everything_else,
    a_buffer_is_the_readers_alone,
    a_group_of_another_ring_is_refused,
    a_regular_file_is_refused,
    a_terminal_is_read_line_by_line,
    a_failed_connection_is_told_once,
    one_receive_takes_one_buffer,
    one_read_takes_one_buffer,
    an_abandoned_receive_gives_its_buffer_back,
    ids_of_groups_that_have_gone_are_used_again,
}

fn a_stream_of_bytes_arrives_whole<S: Subject>() {
    let driver = S::make(2, 8).unwrap();
    let group = driver.buffers(5, 1000);
    let (near, mut far) = streams();
    let sent = pattern(1 << 20);
    let writer = thread::spawn({
        let sent = sent.clone();
        move || {
            let mut rest = &sent[..];
            for length in [1, 999, 1000, 1001, 70_000].into_iter().cycle() {
                let (part, others) = rest.split_at(length.min(rest.len()));
                far.write_all(part).unwrap();
                rest = others;
                if rest.is_empty() {
                    break;
                }
            }
        }
    });
    let mut received = Vec::new();
    let mut pieces = 0;
    let mut data = driver.clone().stream(RecvMulti::new(near, &group));
    while let Some(piece) = driver.run(data.next()) {
        let piece = piece.unwrap();
        assert!(!piece.is_empty() && piece.len() <= 1000);
        received.extend_from_slice(&piece);
        pieces += 1;
    }
    writer.join().unwrap();
    assert_eq!(received.len(), sent.len());
    assert!(received == sent, "the bytes are not those that were sent");
    assert!(group.returns() >= pieces);
    assert!(driver.run(data.next()).is_none());
    drop(data);
    assert_full(&driver, &group);
    driver.end();
}

fn an_overflow_loses_no_bytes<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    let group = driver.buffers(64, 16);
    let mut far = Vec::new();
    let mut data = Vec::new();
    for _ in 0..8 {
        let (near, end) = streams();
        let mut stream = driver.clone().stream(RecvMulti::new(near, &group));
        begin(&driver, &mut stream);
        data.push(stream);
        far.push(end);
    }
    let sent = pattern(4096);
    for round in 0..8 {
        let part = &sent[round * 512..][..512];
        for end in &mut far {
            end.write_all(part).unwrap();
        }
        for stream in &mut data {
            let mut received = Vec::new();
            while received.len() < part.len() {
                received.extend_from_slice(&driver.run(stream.next()).unwrap().unwrap());
            }
            assert_eq!(received, part);
        }
    }
    drop(data);
    driver.until("all is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_pipe_is_read_to_its_end<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, 100);
    let (reader, mut writer) = scene::pipe();
    let mut data = driver.clone().stream(ReadMulti::new(reader, &group));
    begin(&driver, &mut data);
    let sent = pattern(3000);
    let mut received = Vec::new();
    for part in sent.chunks(300) {
        writer.write_all(part).unwrap();
        while received.len() % 300 != 0 || received.is_empty() {
            received.extend_from_slice(&driver.run(data.next()).unwrap().unwrap());
        }
        while received.len() < 300 * (received.len() / 300) {
            received.extend_from_slice(&driver.run(data.next()).unwrap().unwrap());
        }
    }
    drop(writer);
    while let Some(piece) = driver.run(data.next()) {
        received.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(received, sent);
    drop(data);
    assert_full(&driver, &group);
    driver.end();
}

fn a_dropped_stream_gives_back_what_nobody_has_read<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(16, 32);
    for read in 0..4 {
        let (near, far) = datagrams();
        let mut data = driver.clone().stream(RecvMulti::new(near, &group));
        begin(&driver, &mut data);
        for number in 0..8_u8 {
            far.send(&[number]).unwrap();
        }
        for number in 0..read {
            assert_eq!(driver.run(data.next()).unwrap().unwrap()[..], [number]);
        }
        drop(data);
        driver.until("the operation is over", || driver.so_far().in_flight == 0);
        assert_full(&driver, &group);
    }
    driver.end();
}

fn a_stopped_stream_loses_nothing<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(16, 32);
    let (near, far) = datagrams();
    let mut data = driver.clone().stream(RecvMulti::new(near.clone(), &group));
    begin(&driver, &mut data);
    for number in 0..8_u8 {
        far.send(&[number]).unwrap();
    }
    let mut received = vec![driver.run(data.next()).unwrap().unwrap()[0]];
    Pin::new(&mut data).stop();
    while let Some(piece) = driver.run(data.next()) {
        received.push(piece.unwrap()[0]);
    }
    // What it has left is still in the socket.
    let mut others = driver.clone().stream(RecvMulti::new(near, &group));
    while received.len() < 8 {
        received.push(driver.run(others.next()).unwrap().unwrap()[0]);
    }
    assert_eq!(received, (0..8).collect::<Vec<_>>());
    drop((data, others));
    driver.until("all is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_buffer_outlives_everything_else<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, 32);
    let (near, far) = datagrams();
    let mut data = driver.clone().stream(RecvMulti::new(near, &group));
    begin(&driver, &mut data);
    far.send(b"still here").unwrap();
    let mut buffer = driver.run(data.next()).unwrap().unwrap();
    drop((data, group));
    driver.end();
    drop(driver);
    assert_eq!(buffer[..], *b"still here");
    buffer.make_ascii_uppercase();
    thread::spawn(move || assert_eq!(buffer[..], *b"STILL HERE")).join().unwrap();
}

fn a_buffer_is_the_readers_alone<S: Subject>() {
    let driver = S::make(1, 8).unwrap();
    let group = driver.buffers(8, 32);
    let (near, far) = datagrams();
    let mut data = driver.clone().stream(RecvMulti::new(near.clone(), &group));
    let mut kept = Vec::new();
    for number in 0..100_u8 {
        far.send(&[number; 32]).unwrap();
        let mut buffer = driver.run(data.next()).unwrap().unwrap();
        assert_eq!(buffer[..], [number; 32]);
        buffer.advance(8);
        buffer.truncate(16);
        buffer.fill(!number);
        kept.push((number, buffer));
        for (number, buffer) in &kept {
            assert_eq!(buffer[..], [!number; 16], "a buffer was written to after it was given out");
        }
        if kept.len() == 5 {
            kept.remove(usize::from(number) % 5);
        }
    }
    drop((kept, data));
    driver.until("the operation is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_group_of_another_ring_is_refused<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let other = S::make(1, 4).unwrap();
    let group = other.buffers(2, 32);
    let (near, far) = datagrams();
    far.send(b"x").unwrap();
    let mut data = driver.clone().stream(RecvMulti::new(near.clone(), &group));
    let error = driver.run(data.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>()), "{error}");
    assert!(driver.run(data.next()).is_none());
    let single = driver.run(driver.clone().submit(RecvProvided::new(near.clone(), &group)));
    assert_eq!(single.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(driver.so_far().submitted, 0);
    let single = other.run(other.clone().submit(RecvProvided::new(near, &group)));
    assert_eq!(single.unwrap().unwrap()[..], *b"x");
    assert_full(&other, &group);
    driver.end();
    other.end();
}

fn a_regular_file_is_refused<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, 32);
    let file = File::open("/proc/self/exe").unwrap();
    let mut data = driver.clone().stream(ReadMulti::new(scene::shared(file), &group));
    let error = driver.run(data.next()).unwrap().unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBADFD), "{error}");
    assert!(driver.run(data.next()).is_none());
    assert_full(&driver, &group);
    driver.end();
}

/// The two ends of a pseudo-terminal, the program's and the terminal's.
#[allow(unsafe_code)]
fn terminal() -> (File, File) {
    let (mut near, mut far) = (-1, -1);
    // SAFETY: the two numbers are written, and nothing else is asked for.
    let made = unsafe {
        libc::openpty(
            &raw mut near,
            &raw mut far,
            std::ptr::null_mut(),
            std::ptr::null(),
            std::ptr::null(),
        )
    };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: they are new and belong to nobody else.
    let owned = |number| unsafe { File::from_raw_fd(number) };
    (owned(near), owned(far))
}

fn a_terminal_is_read_line_by_line<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(4, 64);
    let (mut terminal, program) = terminal();
    let mut data = driver.clone().stream(ReadMulti::new(scene::shared(program), &group));
    begin(&driver, &mut data);
    for line in ["hello\n", "x\n", "\n"] {
        terminal.write_all(line.as_bytes()).unwrap();
        let mut received = Vec::new();
        while received.len() < line.len() {
            received.extend_from_slice(&driver.run(data.next()).unwrap().unwrap());
        }
        assert_eq!(received, line.as_bytes());
    }
    drop(data);
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_failed_connection_is_told_once<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, 32);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    let mut data = driver.clone().stream(RecvMulti::new(scene::shared(near), &group));
    begin(&driver, &mut data);
    // A connection that is closed at once is reset.
    socket2::SockRef::from(&far).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(far);
    let error = driver.run(data.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert!(driver.run(data.next()).is_none());
    assert_full(&driver, &group);
    driver.end();
}

fn one_receive_takes_one_buffer<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(1, 4);
    let (near, mut far) = streams();
    let (other_near, mut other_far) = streams();
    let receive = || driver.clone().submit(RecvProvided::new(near.clone(), &group));
    // Two wait, and the one buffer is good for either.
    let mut first = driver.clone().submit(RecvProvided::new(other_near, &group));
    let mut second = receive();
    driver.run(async {
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
    });
    other_far.write_all(b"abc").unwrap();
    assert_eq!(driver.run(first).unwrap().unwrap()[..], *b"abc");
    far.write_all(b"defghi").unwrap();
    let buffer = driver.run(second).unwrap().unwrap();
    assert_eq!(buffer[..], *b"defg");

    let before = group.returns();
    let error = driver.run(receive()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS));
    let mut returned = group.returned_after(before);
    driver.run(async { assert!(futures::poll!(&mut returned).is_pending()) });
    drop(buffer);
    driver.run(returned);
    assert_eq!(driver.run(receive()).unwrap().unwrap()[..], *b"hi");
    drop(far);
    assert!(driver.run(receive()).unwrap().is_none());
    assert_full(&driver, &group);
    driver.end();
}

fn one_read_takes_one_buffer<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(2, 64);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&pattern(100)).unwrap();
    let file = scene::shared(file);
    let read = |at| {
        let event = ReadProvided::new(file.clone(), &group, Position::At(at));
        driver.run(driver.clone().submit(event)).unwrap()
    };
    assert_eq!(read(0).unwrap()[..], pattern(100)[..64]);
    assert_eq!(read(64).unwrap()[..], pattern(100)[64..]);
    assert!(read(100).is_none());
    assert_full(&driver, &group);
    driver.end();
}

fn an_abandoned_receive_gives_its_buffer_back<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(1, 4);
    let (near, far) = datagrams();
    for _ in 0..50 {
        let mut receive = driver.clone().submit(RecvProvided::new(near.clone(), &group));
        driver.run(async { assert!(futures::poll!(&mut receive).is_pending()) });
        far.send(b"x").unwrap();
        // It may have received already, or be stopped before it does.
        drop(receive);
        driver.until("it is over", || driver.so_far().in_flight == 0);
        let _ = far.send(b"y");
        assert!(receive_when_there_is_a_buffer(&driver, &near, &group).unwrap().is_some());
        while let Some(one) = {
            let mut rest = driver.clone().submit(RecvProvided::new(near.clone(), &group));
            driver.run(async { futures::poll!(&mut rest).is_ready() }).then_some(())
        } {
            let () = one;
        }
        driver.until("it is over", || driver.so_far().in_flight == 0);
    }
    assert_full(&driver, &group);
    driver.end();
}

fn ids_of_groups_that_have_gone_are_used_again<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    // The other thread may not unregister what belongs to a ring of this one.
    let first = driver.buffers(1, 16);
    thread::spawn(move || drop(first)).join().unwrap();
    let many: Vec<_> = (0..100).map(|_| driver.buffers(2, 16)).collect();
    for group in &many {
        assert_full(&driver, group);
    }
    drop(many);
    for _ in 0..1000 {
        let group = driver.buffers(1, 16);
        assert_full(&driver, &group);
    }
    driver.end();
}

#[test]
fn a_stream_outlives_the_thread_that_began_it() {
    use ringbahn_core::Drive as _;
    use ringbahn_drivers::SharedDriver;
    let test = "receive::a_stream_outlives_the_thread_that_began_it";
    crate::subject::play::<SharedDriver>(test, || {
        let driver = SharedDriver::make(1, 4).unwrap();
        let group = driver.buffers(2, 32);
        let (near, far) = datagrams();
        let mut data = driver.clone().stream(RecvMulti::new(near, &group));
        for number in 0..20_u8 {
            // The kernel ends what a thread has submitted that exits, and ringbahn goes on with it.
            data = thread::spawn({
                let driver = driver.clone();
                move || {
                    begin(&driver, &mut data);
                    data
                }
            })
            .join()
            .unwrap();
            far.send(&[number]).unwrap();
            assert_eq!(driver.run(data.next()).unwrap().unwrap()[..], [number]);
        }
        drop(data);
        driver.until("it is over", || driver.so_far().in_flight == 0);
        assert_full(&driver, &group);
        driver.end();
    });
}
