//! Handles to objects in slots of a ring: the same behaviour, nothing is served by the slot's
//! number, and neither a slot nor a descriptor is left.

use ringbahn::{DirectTable, LocalDriver, SharedDriver, event};

#[path = "direct_ring/drops.rs"]
mod drops;
#[path = "direct_ring/files.rs"]
mod files;
#[path = "direct_ring/foreign.rs"]
mod foreign;
#[path = "direct_ring/listeners.rs"]
mod listeners;
#[path = "direct_ring/moves.rs"]
mod moves;
#[path = "direct_ring/selects.rs"]
mod selects;
#[path = "direct_ring/streams.rs"]
mod streams;
#[path = "support/subject.rs"]
mod subject;
#[path = "support/support.rs"]
mod support;

use subject::{Subject, on_both_kinds};

/// A driver whose ring can have slots.
trait Slotted: Subject {
    fn slots(&self, count: u32) -> DirectTable;
}

impl Slotted for SharedDriver {
    fn slots(&self, count: u32) -> DirectTable {
        self.direct_table(count).expect("the kernel has tables of files")
    }
}

impl Slotted for LocalDriver {
    fn slots(&self, count: u32) -> DirectTable {
        self.direct_table(count).expect("the kernel has tables of files")
    }
}

/// Runs `body` on each kind of driver `D`, with a table of so many slots on its ring. Nothing may
/// be served without the ring, for which a slot's number would be somebody's descriptor; and in the
/// end all slots are empty, and no descriptor is left.
fn in_slots<D: Slotted>(test: &str, count: u32, mut body: impl FnMut(&D, &DirectTable)) {
    on_both_kinds(test, |driver: &D| {
        let table = driver.slots(count);
        body(driver, &table);
        wait_until_closed(driver, &table);
        assert_eq!(driver.counters().served_at_once, 0);
    });
}

/// Drives the driver until no slot of `table` is in use.
fn wait_until_closed(driver: &impl Subject, table: &DirectTable) {
    support::wait_until("all slots are closed", || {
        driver.run(driver.clone().submit(event::Nop)).unwrap();
        table.open() == 0
    });
}

/// Makes a test on each of the two drivers of a function that is generic in it.
macro_rules! on_two_drivers {
    ($($scenario:ident, $shared:ident, $local:ident;)*) => {$(
        #[test]
        fn $shared() {
            $scenario::<ringbahn::SharedDriver>(stringify!($shared));
        }

        #[test]
        fn $local() {
            $scenario::<ringbahn::LocalDriver>(stringify!($local));
        }
    )*};
}

use on_two_drivers;
