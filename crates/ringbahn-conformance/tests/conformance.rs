//! The suite on the project's own drivers.
//!
//! To add one, write its [`Subject`] in `support/drivers.rs`, and give it a line below.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ringbahn_conformance::{Differences, QueueSizes, Results, Subject, Suite, Unable};
use ringbahn_core::Drive;

#[path = "support/drivers.rs"]
mod drivers;
#[path = "support/hosted.rs"]
mod hosted;
#[path = "support/simulated.rs"]
mod simulated;
#[path = "../../ringbahn-drivers/tests/support/skip.rs"]
mod skip;

use drivers::{Iopoll, Local, Sharded, Shared, Sqpoll};
use hosted::Hosted;
use ringbahn_drivers::Policy;
use simulated::Simulated;

/// Makes a test of each line, and the table in their order.
macro_rules! subjects {
    ($($test:ident: $subject:expr;)*) => {
        const ORDER: &[&str] = &[$(stringify!($test),)*];

        $(#[test]
        fn $test() {
            conforms(stringify!($test), $subject);
        })*
    };
}

subjects! {
    the_shared_driver_conforms:
        Shared { policy: Policy::Require, serve_at_once: true };
    the_shared_driver_conforms_by_its_ring:
        Shared { policy: Policy::Require, serve_at_once: false };
    the_shared_driver_conforms_upon_the_fallback:
        Shared { policy: Policy::Never, serve_at_once: false };
    the_sharded_driver_conforms:
        Sharded { policy: Policy::Require, shards: 2 };
    the_sharded_driver_conforms_upon_the_fallback:
        Sharded { policy: Policy::Never, shards: 2 };
    the_hosted_driver_conforms_in_tokio_of_one_thread:
        Hosted::TokioOfOneThread;
    the_hosted_driver_conforms_in_tokio_of_two_threads:
        Hosted::TokioOfTwoThreads;
    the_hosted_driver_conforms_in_smol:
        Hosted::Smol;
    the_driver_with_a_kernel_thread_conforms:
        Sqpoll;
    the_driver_that_polls_its_devices_conforms:
        Iopoll;
    the_local_driver_conforms:
        Local { policy: Policy::Require, serve_at_once: true };
    the_local_driver_conforms_by_its_ring:
        Local { policy: Policy::Require, serve_at_once: false };
    the_local_driver_conforms_upon_the_fallback:
        Local { policy: Policy::Never, serve_at_once: false };
    the_simulated_driver_conforms:
        Simulated;
}

/// How long a case may take: much, for machines that are busy with other things, or slowed down by
/// a sanitizer. Only what hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(40);

const DIFFERENCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/differences.txt");

/// A part of the suite, for those who look for the cause of a failure: `lifecycle/Accept`.
const ONLY: &str = "RINGBAHN_CONFORMANCE_ONLY";

/// Where to put the table, for `cargo xtask conformance`.
const TABLE: &str = "RINGBAHN_CONFORMANCE_TABLE";

fn conforms<T: Subject>(test: &str, subject: T)
where
    <T::Driver as Drive>::Sharing: ringbahn_conformance::Takes<T::Driver>,
{
    // What is made here would be counted in the cases of another.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(Unable(reason)) = attempt(&subject) {
        return skip::skip(test, &format!("no io_uring: {reason}"));
    }
    let differences = Differences::read(DIFFERENCES).expect("the list of differences is in order");
    let mut suite = Suite::new().patience(PATIENCE).differences(differences);
    if let Ok(part) = std::env::var(ONLY) {
        suite = suite.only(part);
    }
    let results = suite.run(subject);
    for case in &results.cases {
        if !matches!(case.outcome, ringbahn_conformance::Outcome::Passed) {
            println!("{}: {:?}", case.case, case.outcome);
        }
    }
    print(test, &results);
    results.assert_conforms();
}

/// Finds out whether there can be such a driver, on a thread, which leaves nothing open.
fn attempt<T: Subject>(subject: &T) -> Result<(), Unable> {
    let make = || subject.make(QueueSizes { submission: 2, completion: 4 }).map(drop);
    thread::scope(|scope| scope.spawn(make).join().expect("a driver is made without a panic"))
}

/// Prints the table of what has been run so far, in the order of the list, or puts it where it is
/// wanted. The last test puts a whole one there.
fn print(test: &str, results: &Results) {
    static ALL: Mutex<BTreeMap<usize, Results>> = Mutex::new(BTreeMap::new());
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let place = ORDER.iter().position(|name| *name == test).expect("every test is in the list");
    all.insert(place, results.clone());
    let all: Vec<Results> = all.values().cloned().collect();
    match std::env::var_os(TABLE) {
        Some(path) => std::fs::write(path, Results::table(&all)).expect("the table is written"),
        None => print!("{}", Results::table(std::slice::from_ref(results))),
    }
}
