//! Copies through a pipe: every byte once, whatever comes in between.

use std::fs::File;
use std::io::{ErrorKind, PipeWriter, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use ringbahn::event::{self, Position, Splice, Tee};
use ringbahn::io::{SpliceCopy, splice_copy};
use ringbahn::{Drive, Policy, SharedDriver, SharedFd};

#[path = "support/support.rs"]
mod support;
use support::{connection, file, local_driver, poll_once};

/// Runs a future, and fails where it does not end in time.
#[track_caller]
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let now = Instant::now();
        assert!(now < end, "the future has not ended in time");
        thread::park_timeout(end - now);
    }
}

const MIB: usize = 1 << 20;

/// Bytes of which no two neighbourhoods are alike.
fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut bytes = Vec::with_capacity(length + 4);
    while bytes.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend(state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Drivers upon the kernel, where there is io_uring, and upon the fallback.
fn drivers(test: &str) -> Vec<SharedDriver> {
    let build = |policy| SharedDriver::builder().entries(2).policy(policy).build();
    let mut drivers = vec![build(Policy::Never).unwrap()];
    match build(Policy::Require) {
        Ok(driver) => drivers.push(driver),
        Err(error) => support::skip(test, &format!("no io_uring: {error}")),
    }
    drivers
}

/// A peer never waits for longer than this.
fn bounded(socket: TcpStream) -> TcpStream {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

fn receive_all(far: TcpStream) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        bounded(far).read_to_end(&mut bytes).unwrap();
        bytes
    })
}

fn send_all(far: TcpStream, bytes: Vec<u8>) -> JoinHandle<()> {
    thread::spawn(move || bounded(far).write_all(&bytes).unwrap())
}

fn contents(path: &File) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0; path.metadata().unwrap().len() as usize];
    path.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[test]
fn a_large_file_goes_to_a_socket_byte_for_byte() {
    let bytes = pattern(16 * MIB);
    let source = file(&bytes);
    for driver in drivers("a_large_file_goes_to_a_socket") {
        let (near, far) = connection();
        let received = receive_all(far);
        let mut copy = SpliceCopy::new_on_driver(&source, 0.., &near, driver).unwrap();
        assert_eq!(block_on(copy.run()).unwrap(), 16 * MIB as u64);
        assert_eq!(block_on(copy.run()).unwrap(), 16 * MIB as u64, "there is nothing more");
        near.shutdown(Shutdown::Write).unwrap();
        assert!(received.join().unwrap() == bytes);
    }
}

#[test]
fn a_large_file_comes_from_a_socket_to_the_place_it_is_to_have() {
    let bytes = pattern(16 * MIB);
    for driver in drivers("a_large_file_comes_from_a_socket") {
        let (near, far) = connection();
        let sent = send_all(far, bytes.clone());
        let target = file(b"front");
        let copy = SpliceCopy::new_on_driver(&near, .., &target, driver).unwrap();
        let mut copy = copy.target_at(3).unwrap().pipe_size(MIB / 4).unwrap();
        assert_eq!(block_on(copy.run()).unwrap(), 16 * MIB as u64);
        sent.join().unwrap();
        let written = contents(&target);
        assert!(written[..3] == *b"fro" && written[3..] == bytes);
    }
}

#[test]
fn a_short_pipe_between_two_sockets_is_enough() {
    let bytes = pattern(MIB + 7);
    for driver in drivers("a_short_pipe_between_two_sockets") {
        let ((near, far), (out, end)) = (connection(), connection());
        let (sent, received) = (send_all(far, bytes.clone()), receive_all(end));
        let copy = SpliceCopy::new_on_driver(&near, .., &out, driver).unwrap();
        let mut copy = copy.pipe_size(4096).unwrap();
        assert_eq!(block_on(copy.run()).unwrap(), bytes.len() as u64);
        drop((copy, out));
        sent.join().unwrap();
        assert!(received.join().unwrap() == bytes);
    }
}

#[test]
fn sockets_in_non_blocking_mode_are_waited_for() {
    let bytes = pattern(4 * MIB);
    for driver in drivers("sockets_in_non_blocking_mode") {
        let ((near, far), (out, end)) = (connection(), connection());
        near.set_nonblocking(true).unwrap();
        out.set_nonblocking(true).unwrap();
        let (sent, received) = (send_all(far, bytes.clone()), receive_all(end));
        let mut copy = SpliceCopy::new_on_driver(&near, .., &out, driver).unwrap();
        assert_eq!(block_on(copy.run()).unwrap(), bytes.len() as u64);
        drop((copy, out));
        sent.join().unwrap();
        assert!(received.join().unwrap() == bytes);
    }
}

#[test]
fn a_range_is_copied_and_nothing_beside_it() {
    let bytes = pattern(100_000);
    let source = file(&bytes);
    for driver in drivers("a_range_is_copied") {
        let copied = |range: (std::ops::Bound<u64>, std::ops::Bound<u64>)| {
            let target = tempfile::tempfile().unwrap();
            let mut copy =
                SpliceCopy::new_on_driver(&source, range, &target, driver.clone()).unwrap();
            let count = block_on(copy.run()).unwrap();
            let written = contents(&target);
            assert_eq!(count, written.len() as u64);
            written
        };
        use std::ops::Bound::{Excluded, Included, Unbounded};
        assert!(copied((Included(10), Excluded(20))) == bytes[10..20]);
        assert!(copied((Excluded(10), Included(70_000))) == bytes[11..=70_000]);
        assert!(copied((Included(99_990), Excluded(200_000))) == bytes[99_990..]);
        assert!(copied((Included(200_000), Unbounded)).is_empty());
        assert!(copied((Included(20), Excluded(10))).is_empty());
        // Where it is: at its beginning, and then behind that.
        let mut at_start = source.try_clone().unwrap();
        std::io::Seek::rewind(&mut at_start).unwrap();
        assert!(copied((Unbounded, Excluded(10))) == bytes[..10]);
        assert!(copied((Unbounded, Excluded(90_000))) == bytes[10..90_010]);
    }
}

#[test]
fn a_peer_that_has_gone_is_an_error_and_what_it_has_not_got_is_kept() {
    let bytes = pattern(16 * MIB);
    let source = file(&bytes);
    for driver in drivers("a_peer_that_has_gone") {
        let (near, mut far) = connection();
        let mut copy = SpliceCopy::new_on_driver(&source, 0.., &near, driver).unwrap();
        let reader = thread::spawn(move || far.read_exact(&mut vec![0; MIB]).map(|()| drop(far)));
        let error = block_on(copy.run()).unwrap_err();
        let kinds = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
        assert!(kinds.contains(&error.kind()), "{error}");
        reader.join().unwrap().unwrap();
        assert!((MIB as u64..16 * MIB as u64).contains(&copy.copied()));
        // It still has what it could not give.
        assert!(block_on(copy.run()).is_err());
    }
}

#[test]
fn a_run_that_is_dropped_again_and_again_loses_nothing() {
    let bytes = pattern(MIB / 2);
    for driver in drivers("a_run_that_is_dropped_again_and_again") {
        let ((near, far), (out, end)) = (connection(), connection());
        let (sent, received) = (send_all(far, bytes.clone()), receive_all(end));
        let copy = SpliceCopy::new_on_driver(&near, .., &out, driver).unwrap();
        let mut copy = copy.pipe_size(8192).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let count = loop {
            let mut run = pin!(copy.run());
            if let Poll::Ready(result) = poll_once(&mut run) {
                break result.unwrap();
            }
            assert!(Instant::now() < deadline, "it makes no progress");
            thread::yield_now();
        };
        assert_eq!(count, bytes.len() as u64);
        drop((copy, out));
        sent.join().unwrap();
        assert!(received.join().unwrap() == bytes);
    }
}

#[test]
fn a_copy_that_is_dropped_while_it_waits_leaves_nothing_open() {
    for driver in drivers("a_copy_that_is_dropped_while_it_waits") {
        let ((near, _far), (out, _end)) = (connection(), connection());
        let name = support::referent(&near).unwrap();
        let mut copy = SpliceCopy::new_on_driver(&near, .., &out, driver.clone()).unwrap();
        assert!(poll_once(&mut pin!(copy.run())).is_pending());
        drop((copy, near));
        let deadline = Instant::now() + Duration::from_secs(20);
        while support::is_held(&name) || driver.counters().in_flight > 0 {
            assert!(Instant::now() < deadline, "the socket stays open");
            thread::yield_now();
        }
    }
}

#[test]
fn bytes_are_moved_from_pipe_to_pipe_and_put_into_two() {
    let pipe = || {
        let (reader, writer) = std::io::pipe().unwrap();
        (SharedFd::new(Arc::new(reader)), writer)
    };
    let owned = |writer: PipeWriter| SharedFd::from(OwnedFd::from(writer));
    for driver in drivers("bytes_are_moved_from_pipe_to_pipe") {
        let ((source, mut feed), (one, to_one), (two, to_two)) = (pipe(), pipe(), pipe());
        feed.write_all(b"sixteen bytes, !").unwrap();
        let tee = driver.clone().submit(Tee::new(source.clone(), owned(to_one), 7));
        assert_eq!(block_on(tee).unwrap(), 7);
        let splice = Splice::between_pipes(source.clone(), owned(to_two), 99);
        assert_eq!(block_on(driver.clone().submit(splice)).unwrap(), 16);
        for (reader, expected) in [(one, &b"sixteen"[..]), (two, b"sixteen bytes, !")] {
            let read = event::Read::new(reader, vec![0; 99], Position::Current);
            let (count, bytes) = block_on(driver.clone().submit(read));
            assert_eq!(&bytes[..count.unwrap()], expected);
        }
        // The source is empty and has come to its end.
        drop(feed);
        let (_reader, writer) = pipe();
        let splice = Splice::between_pipes(source, owned(writer), 99);
        assert_eq!(block_on(driver.clone().submit(splice)).unwrap(), 0);
    }
}

#[test]
fn a_place_that_there_is_not_and_files_that_are_no_pipes_are_invalid_input() {
    for driver in drivers("a_place_that_there_is_not") {
        let splice = |splice: Splice| block_on(driver.clone().submit(splice)).unwrap_err().kind();
        let (near, mut far) = connection();
        far.write_all(b"!").unwrap();
        let socket = SharedFd::new(Arc::new(near.try_clone().unwrap()));
        let (reader, writer) = std::io::pipe().unwrap();
        let (reader, writer) = (SharedFd::new(Arc::new(reader)), SharedFd::new(Arc::new(writer)));
        let at = Splice::into_pipe(socket.clone(), Position::At(3), writer.clone(), 8);
        assert_eq!(splice(at), ErrorKind::InvalidInput);
        let files = SharedFd::new(Arc::new(file(b"no pipe")));
        let at = Splice::into_pipe(files.clone(), Position::At(0), files.clone(), 8);
        assert_eq!(splice(at), ErrorKind::InvalidInput);
        let beyond = Splice::into_pipe(files, Position::At(u64::MAX), writer, 8);
        assert_eq!(splice(beyond), ErrorKind::InvalidInput);
        let itself = Splice::between_pipes(reader.clone(), reader, 8);
        assert!(block_on(driver.clone().submit(itself)).is_err());
        let copy = SpliceCopy::new_on_driver(&near, 3.., &far, driver.clone());
        assert_eq!(copy.unwrap_err().kind(), ErrorKind::NotSeekable);
        let copy = SpliceCopy::new_on_driver(&near, .., &far, driver.clone()).unwrap();
        assert_eq!(copy.target_at(3).unwrap_err().kind(), ErrorKind::NotSeekable);
    }
}

fn refuses_splices(from: &impl AsFd, to: &impl AsFd) -> bool {
    rustix::pipe::splice(from, None, to, None, 1, rustix::pipe::SpliceFlags::NONBLOCK)
        == Err(rustix::io::Errno::INVAL)
}

#[test]
fn a_source_that_cannot_be_spliced_is_read() {
    let read = || std::fs::read("/proc/self/environ").unwrap();
    if read().is_empty() {
        return support::skip("a_source_that_cannot_be_spliced_is_read", "no environment");
    }
    for driver in drivers("a_source_that_cannot_be_spliced") {
        let source = File::open("/proc/self/environ").unwrap();
        let (_reader, writer) = std::io::pipe().unwrap();
        if !refuses_splices(&source, &writer) {
            let test = "a_source_that_cannot_be_spliced_is_read";
            return support::skip(test, "this kernel splices from /proc");
        }
        let target = tempfile::tempfile().unwrap();
        let mut copy = SpliceCopy::new_on_driver(&source, 0.., &target, driver).unwrap();
        assert_eq!(block_on(copy.run()).unwrap(), read().len() as u64);
        assert!(contents(&target) == read());
    }
}

#[test]
fn a_target_that_cannot_be_spliced_to_is_written_with_what_was_taken() {
    let bytes = pattern(3 * MIB);
    for driver in drivers("a_target_that_cannot_be_spliced_to") {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let target = File::options().create(true).append(true).open(&path).unwrap();
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"!").unwrap();
        assert!(refuses_splices(&reader, &target));
        let (near, far) = connection();
        let sent = send_all(far, bytes.clone());
        let mut copy = SpliceCopy::new_on_driver(&near, .., &target, driver).unwrap();
        assert_eq!(block_on(copy.run()).unwrap(), bytes.len() as u64);
        sent.join().unwrap();
        assert!(std::fs::read(&path).unwrap() == bytes);
    }
}

#[test]
fn a_driver_of_one_thread_and_that_of_the_process_do_it_too() {
    let bytes = pattern(MIB);
    let source = file(&bytes);
    let Some(driver) = local_driver("a_driver_of_one_thread_and_that_of_the_process") else {
        return;
    };
    let (near, far) = connection();
    let received = receive_all(far);
    let mut copy = SpliceCopy::new_on_driver(&source, 1.., &near, driver.clone()).unwrap();
    assert_eq!(driver.block_on(copy.run()).unwrap(), MIB as u64 - 1);
    assert_eq!(block_on(splice_copy(&source, ..=0, &near)).unwrap(), 1);
    near.shutdown(Shutdown::Write).unwrap();
    let received = received.join().unwrap();
    // The second one began where the file was.
    assert!(received == [&bytes[1..], &bytes[..1]].concat());
}
