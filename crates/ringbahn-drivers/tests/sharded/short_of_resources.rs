//! What becomes of a driver where there is not enough for all its shards.

use std::fs::File;
use std::io;

use ringbahn_core::Drive;
use ringbahn_core::event::Nop;
use ringbahn_drivers::{Reason, ShardedDriver, Unavailable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::driven::end;
use crate::scene::{in_child, run};

/// Leaves this process so many descriptors more than it has, as long as the files live.
fn leave_descriptors(count: usize) -> Vec<File> {
    let limits = Rlimit { current: Some(64), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limits).unwrap();
    let mut files: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    files.truncate(files.len() - count);
    files
}

fn reason(error: &io::Error) -> Reason {
    error.get_ref().unwrap().downcast_ref::<Unavailable>().unwrap().reason()
}

#[test]
fn a_number_of_shards_that_was_told_is_kept_to_or_there_is_no_driver() {
    let test =
        "short_of_resources::a_number_of_shards_that_was_told_is_kept_to_or_there_is_no_driver";
    in_child(test, || {
        // A ring and an eventfd for each.
        let _files = leave_descriptors(5);
        let error = ShardedDriver::builder().shards(8).entries(1).build().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
        assert_eq!(reason(&error), Reason::DescriptorLimit);
        assert!(error.to_string().contains("of 8 shards there was enough for 2"), "{error}");
        let driver = ShardedDriver::builder().shards(2).entries(1).build().unwrap();
        run(driver.clone().submit(Nop)).unwrap();
        end(&driver);
    });
}

#[test]
fn a_number_of_shards_that_was_not_told_may_become_less() {
    let test = "short_of_resources::a_number_of_shards_that_was_not_told_may_become_less";
    in_child(test, || {
        let _files = leave_descriptors(2);
        let driver = ShardedDriver::builder().entries(1).build().unwrap();
        assert_eq!(driver.shards(), 1);
        run(driver.clone().submit(Nop)).unwrap();
        end(&driver);
    });
}

#[test]
fn not_even_one_shard_is_an_error_in_any_case() {
    let test = "short_of_resources::not_even_one_shard_is_an_error_in_any_case";
    in_child(test, || {
        let _files = leave_descriptors(1);
        let error = ShardedDriver::builder().entries(1).build().unwrap_err();
        assert_eq!(reason(&error), Reason::DescriptorLimit);
    });
}
