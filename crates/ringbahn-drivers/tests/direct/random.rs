//! Random drops and cancels of operations that fill slots, on the smallest queues: no slot is lost,
//! and none is closed that is in use.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::StreamExt as _;
use ringbahn_core::event::{
    Accept, AcceptIntoSlots, OpenAt, OpenOptions, Opens as _, Position, Read, Recv, RegisterFd,
    Socket,
};
use ringbahn_core::{Cancelled, DirectFd, DirectTable, Drive, Event, SharedFd};
use ringbahn_drivers::{LocalDriver, SharedDriver};
use socket2::{Domain, Type};

use crate::dice::{Dice, operations};
use crate::ring_tables::filled;
use crate::scene::{descriptors, end, in_child, run, shared};
use crate::{PATIENCE, local, table};

const SLOTS: u32 = 8;

/// How often a listener is accepted from: what was connected to it, and never accepted, waits
/// there, and there is room for 128.
const ACCEPTS_MAX: u32 = 32;

fn listener() -> (SharedFd, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (shared(listener), address)
}

/// A driver that is played upon.
trait Driver: Drive + Clone + Unpin + 'static {
    fn run<F: Future>(&self, future: F) -> F::Output;
}

impl Driver for SharedDriver {
    fn run<F: Future>(&self, future: F) -> F::Output {
        run(future)
    }
}

impl Driver for LocalDriver {
    fn run<F: Future>(&self, future: F) -> F::Output {
        self.block_on(future)
    }
}

/// One thread's means.
struct Player<'a, D> {
    driver: D,
    table: &'a DirectTable,
    dice: Dice,
    listener: (SharedFd, std::net::SocketAddr),
    /// How often it was accepted from.
    accepts: u32,
    /// Files, each full of its number.
    files: Vec<tempfile::NamedTempFile>,
    /// Files in slots, and which each is.
    held: Vec<(u8, SharedFd)>,
}

impl<D: Driver> Player<'_, D> {
    fn play(&mut self) {
        match self.dice.roll(10) {
            0..3 => self.open(),
            3 => self.accept(),
            4 => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None).into_slot(self.table);
                drop(self.wait_or_not(socket));
            }
            5..7 => self.check(),
            7 => self.stream(),
            8 => self.register(),
            _ => self.let_go(),
        }
    }

    /// Submits, and drops it, cancels it or waits for it.
    fn wait_or_not<E: Event<Output = std::io::Result<T>>, T>(&mut self, event: E) -> Option<T> {
        let mut submission = self.driver.clone().submit(event);
        let choice = self.dice.roll(4);
        if choice == 3 {
            drop(submission);
            return None;
        }
        let polled = Pin::new(&mut submission).poll(&mut Context::from_waker(Waker::noop()));
        let result = match (polled, choice) {
            (Poll::Ready(result), _) => result,
            (Poll::Pending, 0) => return None,
            (Poll::Pending, 1) => match self.driver.run(submission.cancel()) {
                Cancelled::Completed(result) => result,
                Cancelled::Cancelled(result) => {
                    assert!(result.is_err());
                    return None;
                }
            },
            (Poll::Pending, _) => self.driver.run(submission),
        };
        // Others may have filled the table.
        result.map_err(|error| assert_eq!(error.raw_os_error(), Some(libc::ENFILE))).ok()
    }

    fn open(&mut self) {
        let number = self.dice.roll(self.files.len() as u64) as u8;
        let path = self.files[usize::from(number)].path();
        let open = OpenAt::new(path, OpenOptions::new().read(true)).unwrap();
        if let Some(file) = self.wait_or_not(open.into_slot(self.table)) {
            self.held.push((number, file.into()));
        }
        if self.held.len() > 3 {
            self.let_go();
        }
    }

    /// With a connection, without one, or with one that comes meanwhile.
    fn accept(&mut self) {
        self.accepts += 1;
        if self.accepts.is_multiple_of(ACCEPTS_MAX) {
            self.listener = listener();
        }
        let connection = (self.dice.roll(2) == 0).then(|| self.connect());
        let accept = Accept::new(self.listener.0.clone()).into_slot(self.table);
        let mut accept = self.driver.clone().submit(accept);
        let polled = Pin::new(&mut accept).poll(&mut Context::from_waker(Waker::noop()));
        match (polled, self.dice.roll(3)) {
            (Poll::Ready(accepted), _) => drop(accepted),
            (Poll::Pending, 0) => drop(accept),
            (Poll::Pending, 1) => drop(self.driver.run(accept.cancel())),
            (Poll::Pending, _) => {
                let _another = self.connect();
                // One that was abandoned before may take it, and then there is no other.
                match self.driver.run(accept.timeout(Duration::from_millis(2))) {
                    Ok((near, _)) => self.receive(near),
                    Err(error) if error.raw_os_error() == Some(libc::ENFILE) => {}
                    Err(error) => assert_eq!(error.kind(), ErrorKind::TimedOut),
                }
            }
        }
        drop(connection);
    }

    /// A stream of connections, dropped with some of them unread.
    fn stream(&mut self) {
        let accepts = AcceptIntoSlots::new(self.listener.0.clone(), self.table);
        let mut incoming = self.driver.clone().stream(accepts);
        let clients = self.dice.roll(4);
        for client in 0..=clients {
            let polled = incoming.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
            match polled {
                Poll::Ready(Some(Ok(near))) => drop(near),
                // Others may have filled the table.
                Poll::Ready(Some(Err(error))) => {
                    assert_eq!(error.raw_os_error(), Some(libc::ENFILE));
                }
                Poll::Ready(None) => panic!("the stream has ended"),
                Poll::Pending => {}
            }
            if client < clients {
                drop(self.connect());
            }
        }
    }

    fn register(&mut self) {
        let number = self.dice.roll(self.files.len() as u64) as u8;
        let file = shared(self.files[usize::from(number)].reopen().unwrap());
        let register = RegisterFd::new(file, self.table).unwrap();
        if let Some(file) = self.wait_or_not(register) {
            self.held.push((number, file.into()));
        }
        if self.held.len() > 3 {
            self.let_go();
        }
    }

    fn connect(&self) -> TcpStream {
        let mut far = TcpStream::connect(self.listener.1).unwrap();
        far.write_all(b"!").unwrap();
        far
    }

    fn receive(&self, near: DirectFd) {
        let (count, buffer) = self.driver.run(self.driver.clone().submit(Recv::new(near, [0; 4])));
        assert_eq!((count.unwrap(), buffer[0]), (1, b'!'));
    }

    /// A slot that was closed too early would be another file by now.
    fn check(&mut self) {
        for (number, file) in &self.held {
            let read = Read::new(file.clone(), [0; 16], Position::At(0));
            let (count, bytes) = self.driver.run(self.driver.clone().submit(read));
            assert_eq!((count.unwrap(), bytes), (16, [*number; 16]));
        }
    }

    fn let_go(&mut self) {
        let held = std::mem::take(&mut self.held);
        match self.dice.roll(3) {
            0 => thread::scope(|scope| {
                scope.spawn(move || drop(held));
            }),
            _ => drop(held),
        }
    }
}

fn play<D: Driver>(driver: &D, table: &DirectTable, number: u64, rounds: u64) {
    let files = (0..4_u8).map(|number| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[number; 16]).unwrap();
        file
    });
    let mut player = Player {
        driver: driver.clone(),
        table,
        dice: Dice::new(number),
        listener: listener(),
        accepts: 0,
        files: files.collect(),
        held: Vec::new(),
    };
    (0..rounds).for_each(|_| player.play());
}

/// All slots can be filled, and not one more.
fn fill<D: Driver>(driver: &D, table: &DirectTable) {
    let socket = || Socket::new(Domain::UNIX, Type::STREAM, None).into_slot(table);
    let all: Vec<_> =
        (0..SLOTS).map(|_| driver.run(driver.clone().submit(socket())).unwrap()).collect();
    let error = driver.run(driver.clone().submit(socket())).unwrap_err();
    assert_eq!((error.raw_os_error(), table.open()), (Some(libc::ENFILE), all.len()));
}

#[test]
fn two_threads_drop_and_cancel_at_random_and_every_slot_is_closed() {
    let test = "random::two_threads_drop_and_cancel_at_random_and_every_slot_is_closed";
    in_child(test, || {
        let before = descriptors();
        let (driver, table) = table(test, SLOTS).unwrap();
        thread::scope(|scope| {
            for number in 0..2 {
                let (driver, table) = (&driver, &table);
                scope.spawn(move || play(driver, table, number, operations() / 2));
            }
        });
        // What was dropped is disposed of a moment after it has been counted as ended.
        crate::scene::until("every slot is closed", || (table.open(), filled().files) == (0, 0));
        fill(&driver, &table);
        end(&driver);
        drop((driver, table));
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn one_thread_drops_and_cancels_at_random_and_every_slot_is_closed() {
    let test = "random::one_thread_drops_and_cancels_at_random_and_every_slot_is_closed";
    in_child(test, || {
        let before = descriptors();
        let driver = local::driver(test, 1, 2).unwrap();
        let table = driver.direct_table(SLOTS).unwrap();
        play(&driver, &table, 0, operations());
        local::until_idle(&driver);
        local::until(&driver, "every slot is closed", || filled().files == 0);
        assert_eq!(table.open(), 0);
        fill(&driver, &table);
        assert_eq!(driver.shutdown(PATIENCE).leaked, 0);
        drop((driver, table));
        assert_eq!(descriptors(), before);
    });
}
