//! The driver of the process, where it cannot be built, and where it can after all.
//!
//! One test, in a process of its own, since there is one such driver, and one limit.

use std::fs::File;
use std::os::fd::AsRawFd;

use futures::AsyncReadExt;
use futures::executor::block_on;
use ringbahn::{BufResultExt, DefaultDriver, Reason, Ring, Unavailable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[path = "support/support.rs"]
mod support;
use support::driver;

/// The reason that an error holds.
fn reason(error: &std::io::Error) -> Option<Reason> {
    let unavailable = error.get_ref()?.downcast_ref::<Unavailable>()?;
    Some(unavailable.reason())
}

#[test]
fn a_failure_to_build_it_is_reported_and_not_remembered() {
    let Some(other) = driver("a_failure_to_build_it_is_reported_and_not_remembered") else {
        return;
    };
    drop(other);
    let zero = File::open("/dev/zero").unwrap();
    let number = u64::try_from(zero.as_raw_fd()).unwrap();
    let mut ring = Ring::new(zero);
    let old = getrlimit(Resource::Nofile);
    // The driver of before may still be closing what it had, below this number.
    let fillers: Vec<_> = (0..32).map(|_| File::open("/dev/null").unwrap()).collect();
    setrlimit(Resource::Nofile, Rlimit { current: Some(number + 1), ..old }).unwrap();
    block_on(async {
        let mut buf = [1; 8];
        for _ in 0..3 {
            let error = ring.read(&mut buf).await.unwrap_err();
            assert_eq!(reason(&error), Some(Reason::DescriptorLimit), "{error}");
            let error = ring.read_at(vec![1, 2], 0).await.both().unwrap_err();
            assert_eq!(reason(&error.error), Some(Reason::DescriptorLimit));
            assert_eq!(error.buf, [1, 2]);
            assert!(DefaultDriver::shared().is_err());
        }
        setrlimit(Resource::Nofile, old).unwrap();
        drop(fillers);
        assert_eq!(ring.read(&mut buf).await.unwrap(), 8);
        assert_eq!(buf, [0; 8]);
        let driver = DefaultDriver::shared().unwrap();
        assert!(driver.counters().completed >= 1);
        assert!(std::ptr::eq(driver, DefaultDriver::shared().unwrap()));
    });
}
