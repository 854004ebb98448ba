//! When a slot is closed, and that it is used again.

use std::io::{self, ErrorKind, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::thread;

use ringbahn_core::event::{
    Accept, IntoSlot, Nop, OpenAt, OpenOptions, Opens as _, Position, Read,
};
use ringbahn_core::{
    Batch, CancelTarget, Cancelled, Completion, DirectTable, Drive, Reservation, Shared, SharedFd,
    Submission,
};
use ringbahn_drivers::{Queues, Setup, SharedDriver};

use crate::ring_tables::filled;
use crate::scene::{end, in_child, pipe, run, shared, start, until, until_idle};
use crate::{PATIENCE, local, open, table};

#[test]
fn a_full_table_takes_nothing_and_a_closed_slot_is_used_again() {
    let test = "a_full_table_takes_nothing_and_a_closed_slot_is_used_again";
    let Some((driver, table)) = table(test, 3) else { return };
    let mut files: Vec<_> = (0..3).map(|_| open(&driver, &table, "/dev/null").unwrap()).collect();
    for round in 0..100 {
        let error = open(&driver, &table, "/dev/null").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENFILE));
        let slot = files.remove(round % 3).slot();
        let file = open(&driver, &table, "/dev/null").unwrap();
        assert_eq!(file.slot(), slot);
        files.push(file);
    }
    drop(files);
    assert_eq!(table.open(), 0);
    end(&driver);
}

/// A ring that is entered by the test, and by nobody else.
#[derive(Clone)]
struct ByHand(Arc<Mutex<Queues>>);

impl ByHand {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap()
    }

    /// Submits what there is, and sees it through.
    fn enter(&self) {
        let mut batch = Batch::new();
        {
            let mut queues = self.queues();
            queues.handle.enter(1).unwrap();
            queues.completion.reap(&mut batch, usize::MAX);
        }
        assert!(batch.run().resubmissions.is_empty());
    }
}

impl Drive for ByHand {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut queues = self.queues();
        let Some(places) = queues.submission.reserve(count)? else { return Poll::Pending };
        let receipt = prepare(places, cx);
        queues.submission.publish();
        Poll::Ready(Ok(receipt))
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(Ok(0))
    }

    fn cancel(self: Pin<&mut Self>, _target: CancelTarget) {
        panic!("nothing is abandoned here");
    }
}

#[test]
fn a_slot_is_closed_though_the_queue_is_full() {
    let test = "slots::a_slot_is_closed_though_the_queue_is_full";
    in_child(test, || {
        let by_hand = ByHand(Arc::new(Mutex::new(Setup::new(1).build().unwrap())));
        let table = by_hand.queues().handle.direct_table(1).unwrap();
        let open = OpenAt::new("/dev/null", OpenOptions::new().read(true)).unwrap();
        let mut open = by_hand.clone().submit(open.into_slot(&table));
        start(&mut open);
        by_hand.enter();
        let file = run(open).unwrap();
        let mut nop = by_hand.clone().submit(Nop);
        start(&mut nop);
        assert!(by_hand.queues().submission.reserve(1).unwrap().is_none(), "the queue is full");
        assert_eq!(filled().files, 1);
        drop(file);
        assert_eq!((table.open(), filled().files), (0, 0));
        assert_eq!(by_hand.queues().handle.unsubmitted(), 1);
        by_hand.enter();
        run(nop).unwrap();
    });
}

#[test]
fn a_slot_of_a_ring_of_one_thread_is_closed_by_it_where_another_drops_it() {
    let test = "slots::a_slot_of_a_ring_of_one_thread_is_closed_by_it_where_another_drops_it";
    in_child(test, || {
        let driver = local::driver(test, 1, 2).unwrap();
        let table = driver.direct_table(1).unwrap();
        let (reader, writer) = pipe();
        let open = OpenAt::new("/dev/null", OpenOptions::new().read(true)).unwrap();
        let file = driver.block_on(driver.clone().submit(open.into_slot(&table))).unwrap();
        assert_eq!(filled().files, 1);
        let other = thread::spawn(move || {
            drop(file);
            // The thread sleeps in its ring, and is called for this.
            until("its own thread has closed it", || filled().files == 0);
            drop(writer);
        });
        let read = Read::new(reader, [0; 8], Position::Current);
        let (count, _) = driver.block_on(driver.clone().submit(read));
        assert_eq!((count.unwrap(), table.open()), (0, 0));
        other.join().unwrap();
        local::end(&driver);
    });
}

#[test]
fn a_table_dropped_while_an_operation_runs_closes_its_slot_at_the_end() {
    let test = "slots::a_table_dropped_while_an_operation_runs_closes_its_slot_at_the_end";
    in_child(test, || {
        let (driver, table) = table(test, 1).unwrap();
        let (address, accepted) = waiting_accept(&driver, &table);
        let (near, _far) = connect_and(&driver, accepted, address);
        drop(table);
        let mut read = driver.clone().submit(Read::new(near, [0; 8], Position::Current));
        start(&mut read);
        assert_eq!(filled().files, 1);
        // Abandoned: the kernel has the last share until it has let go.
        drop(read);
        until("the slot is closed", || filled().files == 0);
        // Once nobody uses the table any more it is given out again, as large as it is: a moment
        // after the close of its slot has been counted as ended.
        let mut again = None;
        until("nobody uses the table", || {
            again = driver.direct_table(1).ok();
            again.is_some()
        });
        let again = again.unwrap();
        assert_eq!(again.open(), 0);
        assert_eq!(driver.direct_table(1).unwrap_err().kind(), ErrorKind::AlreadyExists);
        drop(again);
        assert_eq!(driver.direct_table(2).unwrap_err().kind(), ErrorKind::InvalidInput);
        end(&driver);
    });
}

/// A listener, and an accept from it into a slot that has to wait.
fn waiting_accept(driver: &SharedDriver, table: &DirectTable) -> (SocketAddr, Accepting) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut accept = driver.clone().submit(Accept::new(shared(listener)).into_slot(table));
    start(&mut accept);
    (address, accept)
}

type Accepting = Submission<IntoSlot<Accept>, SharedDriver>;

fn connect_and(
    driver: &SharedDriver,
    accept: Accepting,
    address: SocketAddr,
) -> (SharedFd, TcpStream) {
    let far = TcpStream::connect(address).unwrap();
    let (near, _) = run(accept).unwrap();
    until_idle(driver);
    (near.into(), far)
}

#[test]
fn a_connection_that_nobody_takes_is_closed_and_its_slot_with_it() {
    let test = "slots::a_connection_that_nobody_takes_is_closed_and_its_slot_with_it";
    in_child(test, || {
        let (driver, table) = table(test, 1).unwrap();
        // Completed, and never polled again.
        let (address, accept) = waiting_accept(&driver, &table);
        let mut far = TcpStream::connect(address).unwrap();
        until_idle(&driver);
        assert_eq!((filled().files, table.open()), (1, 0));
        drop(accept);
        assert_eq!(far.read(&mut [0; 8]).unwrap(), 0, "the connection is at its end");
        // The slot is free when somebody has seen that it was closed.
        until_idle(&driver);
        assert_eq!((filled().files, table.open()), (0, 0));

        // Cancelled, with a connection that may come before or after it.
        for _ in 0..200 {
            let (address, accept) = waiting_accept(&driver, &table);
            let connect = thread::spawn(move || TcpStream::connect(address));
            match run(accept.cancel()) {
                Cancelled::Completed(accepted) => drop(accepted.unwrap()),
                Cancelled::Cancelled(accepted) => drop(accepted.unwrap_err()),
            }
            drop(connect.join().unwrap());
            // The helper thread may hold the record, and with it the slot, a moment longer.
            until("the slot is free", || (filled().files, table.open()) == (0, 0));
        }

        // Abandoned likewise.
        for _ in 0..200 {
            let (address, accept) = waiting_accept(&driver, &table);
            let connect = thread::spawn(move || TcpStream::connect(address));
            drop(accept);
            drop(connect.join().unwrap());
            until_idle(&driver);
            until("the slot is free", || (filled().files, table.open()) == (0, 0));
        }
        end(&driver);
    });
}

#[test]
fn with_the_ring_go_its_files_and_a_late_drop_finds_nothing() {
    let test = "slots::with_the_ring_go_its_files_and_a_late_drop_finds_nothing";
    in_child(test, || {
        let (driver, table) = table(test, 1).unwrap();
        let (address, accept) = waiting_accept(&driver, &table);
        let (near, mut far) = connect_and(&driver, accept, address);
        assert_eq!(run(driver.shutdown(PATIENCE)).leaked, 0);
        drop(driver);
        assert_eq!(far.read(&mut [0; 8]).unwrap(), 0, "the ring has taken the connection along");
        drop(near);
        assert_eq!(table.open(), 0);
    });
}

#[test]
fn a_table_has_a_slot_and_no_more_than_the_process_may_have_files() {
    let test = "a_table_has_a_slot_and_no_more_than_the_process_may_have_files";
    let Some(driver) = crate::skip::driver(test, 1, 2) else { return };
    assert_eq!(driver.direct_table(0).unwrap_err().kind(), ErrorKind::InvalidInput);
    let error = driver.direct_table(u32::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error}");
    assert!(error.to_string().contains("ulimit -n"), "{error}");
    driver.direct_table(16).unwrap();
    run((&driver).submit(Nop)).unwrap();
    end(&driver);
}

#[test]
#[allow(unsafe_code, reason = "a fork")]
fn a_forked_child_closes_nothing() {
    let test = "slots::a_forked_child_closes_nothing";
    in_child(test, || {
        let (driver, table) = table(test, 1).unwrap();
        let file = open(&driver, &table, "/dev/null").unwrap();
        // SAFETY: the child drops the descriptor, for which it takes no lock of others, and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            drop(file);
            // SAFETY: the process ends here.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: the status is a local that the call writes to.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!((status, filled().files), (0, 1));
        drop(file);
        assert_eq!(filled().files, 0);
        end(&driver);
    });
}
