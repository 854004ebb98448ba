//! Direct descriptors: what they are used for, when their slots are closed, and that none is lost.

use std::time::Duration;

use ringbahn_core::event::{OpenAt, OpenOptions, Opens as _};
use ringbahn_core::{DirectFd, DirectTable, Drive};
use ringbahn_drivers::SharedDriver;

#[path = "support/dice.rs"]
mod dice;
#[path = "direct/listeners.rs"]
mod listeners;
#[path = "support/local.rs"]
mod local;
#[path = "direct/random.rs"]
mod random;
#[path = "support/ring_tables.rs"]
mod ring_tables;
#[path = "direct/rings.rs"]
mod rings;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "direct/slots.rs"]
mod slots;
#[path = "direct/uses.rs"]
mod uses;

/// How long a shutdown may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The smallest driver, and a table of so many slots on its ring.
fn table(test: &str, slots: u32) -> Option<(SharedDriver, DirectTable)> {
    let driver = skip::driver(test, 1, 2)?;
    let table = driver.direct_table(slots).expect("the kernel has tables of files");
    Some((driver, table))
}

/// Opens `path` into a slot, to be read.
fn open<D: Drive>(driver: D, table: &DirectTable, path: &str) -> std::io::Result<DirectFd> {
    let open = OpenAt::new(path, OpenOptions::new().read(true)).unwrap();
    scene::run(driver.submit(open.into_slot(table)))
}
