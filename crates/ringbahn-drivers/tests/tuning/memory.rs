//! Rings in memory of the program's own.

use std::io;

use futures::future::join_all;
use ringbahn_core::Drive;
use ringbahn_core::event::Nop;
use ringbahn_drivers::{Backend, LocalDriver, Policy, RingMemory, SharedDriver};

use crate::local::in_time;
use crate::scene::{end, run};
use crate::{local_with, shared_with};

/// `IORING_SETUP_NO_MMAP`
const NO_MMAP: u32 = 1 << 14;

#[test]
fn a_ring_works_in_pages_of_the_programs_own() {
    let test = "a_ring_works_in_pages_of_the_programs_own";
    let own = |setup: ringbahn_drivers::Setup| setup.own_memory(RingMemory::Pages);
    let Some(driver) = shared_with(test, own) else { return };
    for _ in 0..10 {
        let nops = run(join_all((0..20).map(|_| driver.clone().submit(Nop))));
        assert!(nops.into_iter().all(|nop| nop.is_ok()));
    }
    end(&driver);
    in_time(move || {
        let Some(driver) = local_with(test, own) else { return };
        assert!(driver.setup_flags() & NO_MMAP != 0);
        let nops = driver.block_on(join_all((0..200).map(|_| driver.clone().submit(Nop))));
        assert!(nops.into_iter().all(|nop| nop.is_ok()));
        crate::local::end(&driver);
    });
}

/// A machine seldom has huge pages to spare; then the error says how to get some.
#[test]
fn a_ring_works_in_huge_pages_or_says_how_to_get_them() {
    let test = "a_ring_works_in_huge_pages_or_says_how_to_get_them";
    let huge = |setup: ringbahn_drivers::Setup| setup.own_memory(RingMemory::HugePages);
    let builder = LocalDriver::builder().entries(4).setup(huge).policy(Policy::Require);
    match builder.build() {
        Ok(driver) => driver.block_on(driver.clone().submit(Nop)).unwrap(),
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
            assert!(error.to_string().contains("vm.nr_hugepages"), "{error}");
        }
        Err(error) => drop(crate::there_is::<()>(test, Err(error))),
    }
}

#[test]
fn the_fallback_has_its_queues_in_its_own_memory_anyway() {
    let own = |setup: ringbahn_drivers::Setup| setup.own_memory(RingMemory::HugePages);
    let builder = SharedDriver::builder().entries(4).setup(own).policy(Policy::Never);
    let driver = builder.build().unwrap();
    assert_eq!(driver.backend(), Backend::Fallback);
    run(driver.clone().submit(Nop)).unwrap();
}
