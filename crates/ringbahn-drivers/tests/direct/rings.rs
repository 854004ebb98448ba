//! Direct descriptors and other rings than their own.

use std::io::ErrorKind;

use ringbahn_core::event::{
    EventExt as _, Nop, OpenAt, OpenOptions, Opens as _, Position, Read, SendToRing,
};
use ringbahn_core::{DirectTable, Drive, ForeignRing, SharedFd};
use ringbahn_drivers::SharedDriver;

use crate::scene::{end, run};
use crate::{PATIENCE, local, open, skip};

/// A driver with room for a chain of two, and a slot on its ring.
fn table(test: &str) -> Option<(SharedDriver, DirectTable)> {
    let driver = skip::driver(test, 2, 4)?;
    let table = driver.direct_table(1).expect("the kernel has tables of files");
    Some((driver, table))
}

#[track_caller]
fn assert_foreign(error: std::io::Error) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>()), "{error}");
}

#[test]
fn on_another_ring_an_event_comes_back_whole() {
    let test = "on_another_ring_an_event_comes_back_whole";
    let Some((driver, own)) = table(test) else { return };
    let Some((other, _of_other)) = table(test) else { return };
    let Some(local) = local::driver(test, 1, 2) else { return };
    let file = SharedFd::from(open(&driver, &own, "/dev/zero").unwrap());
    let read = || Read::new(file.clone(), vec![7; 7], Position::Current);
    for (result, buffer) in [run((&other).submit(read())), local.block_on((&local).submit(read()))]
    {
        assert_foreign(result.unwrap_err());
        assert_eq!(buffer, [7; 7]);
    }
    let (nop, (result, _)) = run((&other).submit(Nop.link(read())));
    assert_foreign(nop.unwrap_err());
    assert!(result.is_err());
    // It is none the worse for it on its own.
    assert_eq!(run((&driver).submit(read())).0.unwrap(), 7);
    for counters in [other.counters(), local.counters()] {
        assert_eq!((counters.submitted, counters.served_at_once, counters.in_flight), (0, 0, 0));
    }
    end(&driver);
    end(&other);
    assert_eq!(local.shutdown(PATIENCE).leaked, 0);
}

#[test]
fn a_file_is_sent_to_another_ring_and_lives_in_both() {
    let test = "a_file_is_sent_to_another_ring_and_lives_in_both";
    let Some((driver, own)) = table(test) else { return };
    let Some((other, of_other)) = table(test) else { return };
    let file = SharedFd::from(open(&driver, &own, "/dev/zero").unwrap());
    let send = || SendToRing::new(file.clone(), &of_other).unwrap();
    let there = SharedFd::from(run((&driver).submit(send())).unwrap());
    assert_eq!((own.open(), of_other.open()), (1, 1));
    // Its one slot is taken.
    assert_eq!(run((&driver).submit(send())).unwrap_err().raw_os_error(), Some(libc::ENFILE));
    assert_foreign(run((&other).submit(send())).unwrap_err());
    drop(file);
    let read = Read::new(there, [1; 8], Position::Current);
    let (count, bytes) = run((&other).submit(read));
    assert_eq!((count.unwrap(), bytes), (8, [0; 8]));
    assert_eq!((own.open(), of_other.open()), (0, 0));
    end(&driver);
    end(&other);
}

#[test]
fn a_file_is_sent_to_the_ring_of_another_thread() {
    let test = "a_file_is_sent_to_the_ring_of_another_thread";
    let Some((driver, own)) = table(test) else { return };
    local::in_time(move || {
        let Some(local) = local::driver(test, 1, 2) else { return };
        let of_local = local.direct_table(1).unwrap();
        let file = open(&driver, &own, "/dev/zero").unwrap();
        let send = SendToRing::new(file, &of_local).unwrap();
        // The thread sleeps in its ring, and the file gets there all the same.
        let there = local.block_on((&driver).submit(send)).unwrap();
        let read = Read::new(there, [1; 8], Position::Current);
        assert_eq!(local.block_on((&local).submit(read)).0.unwrap(), 8);
        assert_eq!((own.open(), of_local.open()), (0, 0));
        // Where nobody takes it, it is closed there.
        let file = open(&driver, &own, "/dev/zero").unwrap();
        let mut send = driver.clone().submit(SendToRing::new(file, &of_local).unwrap());
        let _ = crate::scene::poll_once(std::pin::Pin::new(&mut send));
        drop(send);
        local::until(&local, "it is nowhere", || {
            driver.counters().in_flight == 0 && (own.open(), of_local.open()) == (0, 0)
        });
        assert_eq!(local.shutdown(PATIENCE).leaked, 0);
        end(&driver);
    });
}

#[test]
fn what_cannot_be_sent_is_refused_before() {
    let test = "what_cannot_be_sent_is_refused_before";
    let Some((driver, own)) = table(test) else { return };
    let Some((other, of_other)) = table(test) else { return };
    let file = SharedFd::from(open(&driver, &own, "/dev/zero").unwrap());
    let plain = SharedFd::new(std::sync::Arc::new(std::io::stdin()));
    for (file, table, kind) in
        [(&plain, &of_other, ErrorKind::InvalidInput), (&file, &own, ErrorKind::InvalidInput)]
    {
        assert_eq!(SendToRing::new(file.clone(), table).unwrap_err().kind(), kind);
    }
    end(&other);
    drop(other);
    let gone = SendToRing::new(file, &of_other).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotConnected);
    end(&driver);
}

#[test]
fn a_file_gets_into_no_slot_of_another_ring() {
    let test = "a_file_gets_into_no_slot_of_another_ring";
    let Some((driver, own)) = table(test) else { return };
    let Some((other, of_other)) = table(test) else { return };
    let open = OpenAt::new("/", OpenOptions::new().read(true)).unwrap().into_slot(&own);
    assert_foreign(run((&other).submit(open)).unwrap_err());
    assert_eq!((own.open(), of_other.open()), (0, 0));
    end(&driver);
    end(&other);
}

#[test]
fn resources_of_two_rings_are_of_no_use_in_one_chain() {
    let test = "resources_of_two_rings_are_of_no_use_in_one_chain";
    let Some((driver, own)) = table(test) else { return };
    let Some((other, of_other)) = table(test) else { return };
    let files = [open(&driver, &own, "/dev/zero"), open(&other, &of_other, "/dev/zero")];
    let [first, second] = files.map(|file| Read::new(file.unwrap(), [0; 8], Position::Current));
    let ((result, _), _) = run((&driver).submit(first.link(second)));
    assert_foreign(result.unwrap_err());
    assert_eq!((own.open(), of_other.open()), (0, 0));
    end(&driver);
    end(&other);
}
