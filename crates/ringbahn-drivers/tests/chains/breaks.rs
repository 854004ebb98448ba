//! What breaks a chain, and what does not.

use std::fs::File;

use futures::executor::block_on;
use ringbahn_core::event::{
    EventExt, Fsync, Link, Nop, Position, Read, Recv, Send, Statx, Truncate, Write,
};
use ringbahn_core::{Drive, Event, SharedFd};
use ringbahn_drivers::SharedDriver;

use crate::scene::shared;
use crate::skip;

/// Whether what stands behind `first` has run.
fn goes_on<A: Event>(driver: &SharedDriver, first: A) -> bool {
    let chain: Link<A, Nop> = first.link(Nop);
    let (_, second) = block_on(driver.clone().submit(chain));
    match second {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.raw_os_error(), Some(libc::ECANCELED));
            false
        }
    }
}

#[test]
fn a_transfer_that_fails_or_falls_short_breaks_its_chain() {
    let test = "a_transfer_that_fails_or_falls_short_breaks_its_chain";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let file = shared(tempfile::tempfile().unwrap());
    let write = |file: &SharedFd, bytes| Write::new(file.clone(), bytes, Position::At(0));
    let read = |length| Read::new(file.clone(), vec![0; length], Position::At(0));
    assert!(goes_on(&driver, write(&file, "eight by")));
    assert!(goes_on(&driver, read(8)));
    assert!(!goes_on(&driver, read(9)), "a short read");
    let read_only = shared(File::open("/dev/null").unwrap());
    assert!(!goes_on(&driver, write(&read_only, "eight by")));

    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    assert!(goes_on(&driver, Send::new(shared(near), "a few")));
    let far = shared(far);
    assert!(goes_on(&driver, Recv::new(far.clone(), vec![0; 8])), "what comes is enough");
    assert!(goes_on(&driver, Recv::new(far, vec![0; 8])), "and so is the end");
}

/// Not what one would think, so the documentation of [`Link`] tells of it.
#[test]
fn a_failed_sync_truncation_or_look_does_not_break_its_chain() {
    let test = "a_failed_sync_truncation_or_look_does_not_break_its_chain";
    let Some(driver) = skip::driver(test, 2, 4) else { return };
    let (reader, _writer) = std::io::pipe().unwrap();
    let pipe = shared(reader);
    let sync = || Fsync::new(pipe.clone());
    assert!(block_on(driver.clone().submit(sync())).is_err());
    assert!(goes_on(&driver, sync()));
    let look = || Statx::at("/no/such/file");
    assert!(block_on(driver.clone().submit(look().unwrap())).is_err());
    assert!(goes_on(&driver, look().unwrap()));
    let truncate = |file: &SharedFd| Truncate::new(file.clone(), 0);
    assert!(block_on(driver.clone().submit(truncate(&pipe))).is_err());
    let file = shared(tempfile::tempfile().unwrap());
    // Before 6.9 there was no such operation, and what the kernel does not know breaks a chain.
    let known = block_on(driver.clone().submit(truncate(&file))).is_ok();
    assert_eq!(goes_on(&driver, truncate(&pipe)), known);
}
