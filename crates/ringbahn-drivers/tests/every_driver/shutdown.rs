//! A driver that is shut down with operations of all kinds in flight.

use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ringbahn_core::Drive as _;
use ringbahn_core::event::{
    Accept, Fsync, Interest, Nop, PollAdd, Position, Read, SendZc, Timeout, Write,
};
use ringbahn_drivers::Report;

use crate::canary;
use crate::direct;
use crate::home::{self, Begun, Home, Operation, begin, end, pending, was_stopped};
use crate::scene::{descriptors, pipe, shared, until};
use crate::watched::Watched;

const HOUR: Duration = Duration::from_secs(3600);

/// Operations that would wait for ever.
struct Waiting<H: Home> {
    read: Operation<H, Read<Watched>>,
    accept: Operation<H, Accept>,
    timer: Operation<H, Timeout>,
    poll: Operation<H, PollAdd>,
    send: Option<Operation<H, SendZc<Vec<u8>>>>,
    /// What keeps the pipe from coming to its end.
    _writer: std::io::PipeWriter,
}

/// How many of them the shutdown has to stop.
const STOPPED: u64 = 4;

/// The far end of a connection, which is read as soon as that is asked for.
struct Peer {
    reader: JoinHandle<()>,
    ask: std::sync::mpsc::Sender<()>,
}

/// A zero-copy send of more than the peer takes, which has told its count, and whose buffer the
/// kernel keeps until the peer has read.
fn unacknowledged<H: Home>(home: &H) -> (Operation<H, SendZc<Vec<u8>>>, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A socket inherits the size from its listener, and keeps to a size that was set.
    socket2::SockRef::from(&listener).set_recv_buffer_size(16 << 10).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut far = listener.accept().unwrap().0;
    let mut send = pending(home, SendZc::new(shared(near), vec![7; 1 << 20]));
    let first = home.run(poll_fn(|cx| send.as_mut().poll_cqe(cx, 0))).unwrap();
    assert!(first.result().unwrap() > 0 && first.has_more(), "{first:?}");
    let (ask, asked) = std::sync::mpsc::channel();
    let reader = thread::spawn(move || {
        // Also where the scene has failed.
        let _ = asked.recv();
        // sleep: makes it likely that the shutdown has to wait; any order is right.
        thread::sleep(Duration::from_millis(20));
        far.read_to_end(&mut Vec::new()).unwrap();
    });
    (send, Peer { reader, ask })
}

fn waiting<H: Home>(home: &H, ends: &Arc<AtomicUsize>) -> (Waiting<H>, Option<Peer>) {
    let (reader, writer) = pipe();
    let event = Read::new(reader.clone(), Watched::new(ends), Position::Current);
    let read = pending(home, event);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let accept = pending(home, Accept::new(shared(listener)));
    let timer = pending(home, Timeout::new(HOUR));
    let poll = pending(home, PollAdd::new(reader, Interest::READABLE));
    let (send, peer) = H::ZERO_COPY.then(|| unacknowledged(home)).unzip();
    (Waiting { read, accept, timer, poll, send, _writer: writer }, peer)
}

impl<H: Home> Waiting<H> {
    /// Each has the end that the shutdown has told of.
    fn assert_ended(self, home: &H) {
        assert!(was_stopped(&home.run(self.read).0));
        assert!(was_stopped(&home.run(self.accept)));
        assert!(was_stopped(&home.run(self.timer)));
        assert!(was_stopped(&home.run(self.poll)));
        if let Some(send) = self.send {
            let (count, buffer) = home.run(send);
            assert!(count.unwrap() > 0);
            assert_eq!(buffer.len(), 1 << 20);
        }
        let refused = home.run(home.driver().submit(Nop)).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::NotConnected);
    }
}

/// Runs `scene` on a home whose end leaves the process with the descriptors that it had.
fn without_leaving_any<H: Home>(test: &str, scene: impl FnOnce(H)) {
    H::open();
    let before = descriptors();
    let Some(home) = home::home(test, 8, 16) else { return };
    scene(home);
    until("all is closed", || descriptors() == before);
    // Nothing was written to that had been given back.
    canary::inspect();
}

fn stops_what_waits<H: Home>(test: &str) {
    without_leaving_any(test, |home: H| {
        let ends = Arc::new(AtomicUsize::new(0));
        let (waiting, peer) = waiting(&home, &ends);
        let in_flight = home.counters().in_flight;
        let sent = u64::from(H::ZERO_COPY);
        assert_eq!(in_flight, STOPPED + sent);
        assert_eq!(ends.load(Ordering::SeqCst), 0);

        let reader = peer.map(|Peer { reader, ask }| {
            ask.send(()).unwrap();
            reader
        });
        let report = end(&home);
        assert_eq!(report, Report { completed: sent, cancelled: STOPPED, leaked: 0 });
        waiting.assert_ended(&home);
        if let Some(reader) = reader {
            reader.join().unwrap();
        }
        assert_eq!(ends.load(Ordering::SeqCst), 1);
    });
}

fn tells_what_ended_and_what_was_stopped<H: Home>(test: &str) {
    without_leaving_any(test, |home: H| {
        let Some(file) = direct::file(test) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        let (waiting, peer) = waiting(&home, &ends);
        let file = shared(file);
        let dirty = shared(tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        let begun_reads: Vec<Begun<H, _>> = (0..direct::BLOCKS)
            .map(|block| {
                let position = Position::At(block * canary::SIZE as u64);
                begin(&home, Read::new(file.clone(), Watched::new(&ends), position))
            })
            .collect();
        for round in 0..16 {
            let position = Position::At(round * 512);
            let write = begin(&home, Write::new(dirty.clone(), vec![1; 512], position));
            let fsync = begin(&home, Fsync::new(dirty.clone()));
            match write {
                Begun::Ended((count, _)) => assert_eq!(count.unwrap(), 512),
                Begun::InFlight(mut write) => write.as_mut().detach(),
            }
            match fsync {
                Begun::Ended(result) => result.unwrap(),
                Begun::InFlight(mut fsync) => fsync.as_mut().detach(),
            }
        }
        drop((file, dirty));

        let in_flight = home.counters().in_flight;
        let reader = peer.map(|Peer { reader, ask }| {
            ask.send(()).unwrap();
            reader
        });
        let report = end(&home);
        let mut stopped = STOPPED;
        for read in begun_reads {
            let (result, buffer) = match read {
                Begun::Ended(output) => output,
                Begun::InFlight(read) => home.run(read),
            };
            if was_stopped(&result) {
                stopped += 1;
                continue;
            }
            assert_eq!(result.unwrap(), canary::SIZE);
            assert!(buffer.filled().iter().all(|byte| *byte == 7));
        }
        waiting.assert_ended(&home);
        if let Some(reader) = reader {
            reader.join().unwrap();
        }
        assert_eq!(ends.load(Ordering::SeqCst), 1 + direct::BLOCKS as usize);
        // What is detached is let run, so only reads were stopped; and what had ended between the
        // count and the call is no part of the report.
        assert_eq!(report.cancelled, stopped, "{report:?}");
        let told = report.completed + report.cancelled;
        let least = STOPPED + u64::from(H::ZERO_COPY);
        assert!((least..=in_flight).contains(&told), "{report:?} of {in_flight}");
    });
}

/// Drops the last handle instead of shutting down, which has to come to the same.
fn a_drop<H: Home>(test: &str) {
    let ends = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut writer = None;
    without_leaving_any(test, |home: H| {
        let (reader, of_reader) = pipe();
        let event = Read::new(reader.clone(), Watched::new(&ends), Position::Current);
        let abandoned = pending(&home, event);
        let event = Read::new(reader, Watched::new(&ends), Position::Current);
        let mut detached = pending(&home, event);
        detached.as_mut().detach();
        // The detached one ends by this, and by nothing else: the driver waits for it.
        writer = Some(thread::spawn(move || {
            let mut of_reader = of_reader;
            // sleep: makes it likely that the driver has to wait; any order is right.
            thread::sleep(Duration::from_millis(20));
            of_reader.write_all(&[7; 2 * canary::SIZE]).unwrap();
        }));
        drop(abandoned);
        drop(detached);
        drop(home);
    });
    let Some(writer) = writer else { return };
    writer.join().unwrap();
    until("the buffers are given back", || ends.load(Ordering::SeqCst) == 2);
    assert!(begin.elapsed() < Duration::from_secs(8), "it has used up its time to wind up");
}

on_every_driver!(a_shutdown_stops_what_waits_and_tells_exactly_that, stops_what_waits);
on_every_driver!(
    a_shutdown_tells_what_ended_and_what_was_stopped,
    tells_what_ended_and_what_was_stopped
);
on_every_driver!(a_driver_that_is_dropped_waits_for_what_is_detached, a_drop);
