//! Threads that end while their local drivers have operations in flight.

use std::any::Any;
use std::cell::RefCell;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringbahn_core::Drive;
use ringbahn_core::event::{Accept, Nop, Position, Read, Timeout, WriteAll};
use ringbahn_drivers::LocalDriver;

#[path = "support/canary.rs"]
mod canary;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use canary::Canary;
use local::in_time;
use scene::{descriptors, pipe, poll_once, shared, start};
use watched::Watched;

type Kept = (Option<LocalDriver>, Vec<Box<dyn Any>>);

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new((None, Vec::new())) };
}

/// What is in flight when a thread ends, and what is seen of it from outside.
struct Left {
    ends: Arc<AtomicUsize>,
    address: std::net::SocketAddr,
    reader: io::PipeReader,
    written: usize,
}

/// Begins reads of a disk and of a pipe, an accept, a timer and writes that nobody waits for, and
/// leaves all of it to the end of the thread.
fn leave(driver: LocalDriver, ends: Arc<AtomicUsize>, slept: bool) -> Left {
    if slept {
        driver.block_on(driver.clone().submit(Timeout::new(Duration::from_millis(1)))).unwrap();
    }
    let mut kept: Vec<Box<dyn Any>> = Vec::new();
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    file.write_all(&[7; 4 * canary::SIZE]).unwrap();
    let file = shared(file);
    for block in 0..4 {
        let position = Position::At(block * canary::SIZE as u64);
        let event = Read::new(file.clone(), Watched::new(&ends), position);
        let mut read = Box::pin(driver.clone().submit(event));
        if poll_once(read.as_mut()).is_pending() {
            kept.push(Box::new(read));
        }
    }
    let (pipe_reader, pipe_writer) = pipe();
    let event = Read::new(pipe_reader, Watched::new(&ends), Position::Current);
    let mut read = driver.clone().submit(event);
    start(&mut read);
    kept.push(Box::new((read, pipe_writer)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut accept = driver.clone().submit(Accept::new(shared(listener)));
    start(&mut accept);
    kept.push(Box::new(accept));
    let mut timer = driver.clone().submit(Timeout::new(Duration::from_secs(3600)));
    start(&mut timer);
    kept.push(Box::new(timer));
    let (reader, writer) = io::pipe().unwrap();
    let writer = shared(writer);
    let writes = 20;
    for _ in 0..writes {
        let event = WriteAll::new(writer.clone(), Canary::new(), Position::Current);
        let mut write = pin!(driver.clone().submit(event));
        let _ = poll_once(write.as_mut());
        write.as_mut().detach();
    }
    KEPT.set((Some(driver), kept));
    Left { ends, address, reader, written: writes * canary::SIZE }
}

#[test]
fn a_thread_ends_with_all_its_operations_ended_and_its_detached_writes_done() {
    let test = "a_thread_ends_with_all_its_operations_ended_and_its_detached_writes_done";
    scene::in_child(test, move || {
        in_time(move || {
            let before = descriptors();
            for slept in [false, true, false] {
                let ends = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = std::sync::mpsc::channel();
                let thread = thread::spawn({
                    let ends = ends.clone();
                    move || {
                        let driver = local::driver(test, 1, 2).unwrap();
                        sender.send(leave(driver, ends, slept)).unwrap();
                    }
                });
                let mut left = receiver.recv().unwrap();
                // Its end waits for this.
                let mut received = Vec::new();
                left.reader.read_to_end(&mut received).unwrap();
                assert_eq!(received.len(), left.written);
                let begin = Instant::now();
                thread.join().unwrap();
                assert!(begin.elapsed() < Duration::from_secs(5));
                assert_eq!(left.ends.load(Ordering::SeqCst), 5);
                assert!(TcpStream::connect(left.address).is_err(), "somebody still listens");
                drop((left, ends));
                assert_eq!(descriptors(), before);
            }
            canary::inspect();
        });
    });
}

/// The kernel ends what the thread had begun; nothing of it is freed, for nobody has seen it end.
#[test]
fn a_thread_that_forgets_its_driver_leaks_and_harms_nobody() {
    let test = "a_thread_that_forgets_its_driver_leaks_and_harms_nobody";
    scene::in_child(test, move || {
        let ends = Arc::new(AtomicUsize::new(0));
        let (reader, mut writer) = pipe();
        for _ in 0..20 {
            let (ends, reader) = (ends.clone(), reader.clone());
            thread::spawn(move || {
                let driver = local::driver(test, 1, 2).unwrap();
                let event = Read::new(reader, Watched::new(&ends), Position::Current);
                let mut read = driver.clone().submit(event);
                start(&mut read);
                driver.block_on(driver.clone().submit(Nop)).unwrap();
                std::mem::forget((read, driver));
            })
            .join()
            .unwrap();
        }
        writer.write_all(&[7; 64]).unwrap();
        assert_eq!(ends.load(Ordering::SeqCst), 0);
        // Others find their rings in order.
        let driver = local::driver(test, 1, 2).unwrap();
        driver.block_on(driver.clone().submit(Nop)).unwrap();
        local::end(&driver);
        canary::inspect();
    });
}
