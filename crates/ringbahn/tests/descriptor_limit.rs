//! An accept and an open where the process has no descriptor left.
//!
//! Goal: one error for one call, and everything goes on afterwards. One test, in a process of its
//! own, since the limit belongs to the process.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use futures::executor::block_on;
use ringbahn::Ring;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[path = "support/support.rs"]
mod support;
use support::driver;

#[test]
fn a_process_without_descriptors_gets_an_error_and_goes_on() {
    let Some(driver) = driver("a_process_without_descriptors_gets_an_error") else { return };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = Ring::new_on_driver(listener, driver.clone());
    let client = TcpStream::connect(address).unwrap();
    let old = getrlimit(Resource::Nofile);
    block_on(async {
        let lowest = File::open("/dev/null").unwrap();
        let used = u64::try_from(std::os::fd::AsRawFd::as_raw_fd(&lowest)).unwrap();
        drop(lowest);
        setrlimit(Resource::Nofile, Rlimit { current: Some(used), ..old }).unwrap();
        for _ in 0..3 {
            let error = listener.accept().await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
            let opened = Ring::<File, _>::open_on_driver("/dev/null", driver.clone()).await;
            assert_eq!(opened.unwrap_err().raw_os_error(), Some(libc::EMFILE));
            let connected = Ring::<TcpStream, _>::connect_on_driver(address, driver.clone()).await;
            assert_eq!(connected.unwrap_err().raw_os_error(), Some(libc::EMFILE));
        }
        setrlimit(Resource::Nofile, old).unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}
