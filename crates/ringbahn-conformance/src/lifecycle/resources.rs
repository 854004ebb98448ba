//! [`Resources`]: what is registered with a driver's ring for an operation of a cell.

use ringbahn_core::event::{OpenAt, OpenOptions, Opens as _};
use ringbahn_core::{BufferGroup, DirectTable, SharedFd};

use crate::bench::{Bench, Subjected};
use crate::kind::Kind;
use crate::verdict::{Stop, Verdict, ensure_eq};

/// What an event needs besides a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing.
    Nothing,
    /// A group of buffers.
    Group,
    /// Slots for direct descriptors, and a file in one of them.
    Slots,
    /// The same, and slots of another ring.
    TwoRings,
}

/// How many slots and buffers there are: enough for two operations at a time, and a file.
const SLOTS: u32 = 4;
const BUFFERS: u16 = 4;

/// How large a buffer is: large enough for all that comes with a message.
const BUFFER_SIZE: u32 = 512;

/// What is registered with a driver's ring. It keeps neither the driver nor the ring.
#[derive(Clone, Default)]
pub(crate) struct Resources {
    group: Option<BufferGroup>,
    slots: Option<DirectTable>,
    file: Option<SharedFd>,
    there: Option<DirectTable>,
}

impl Resources {
    /// What `need` asks for of `driver`; with the driver of the other ring, where there is to be
    /// one.
    pub(crate) fn of<'a, S: Kind>(
        need: Need,
        bench: &'a Bench<S>,
        driver: &Subjected<'_, S>,
    ) -> Result<(Resources, Option<Subjected<'a, S>>), Stop> {
        let mut resources = Resources::default();
        let mut other = None;
        match need {
            Need::Nothing => {}
            Need::Group => resources.group = Some(driver.buffer_group(BUFFERS, BUFFER_SIZE)?),
            Need::Slots | Need::TwoRings => {
                let slots = driver.direct_table(SLOTS)?;
                let open = OpenAt::new("/dev/null", OpenOptions::new().read(true))?;
                let file = driver.complete(open.into_slot(&slots))??;
                driver.until_idle()?;
                resources.file = Some(file.into());
                resources.slots = Some(slots);
            }
        }
        if need == Need::TwoRings {
            let driver = bench.driver()?;
            resources.there = Some(driver.direct_table(SLOTS)?);
            other = Some(driver);
        }
        Ok((resources, other))
    }

    pub(crate) fn group(&self) -> &BufferGroup {
        self.group.as_ref().expect("the row says that it needs a group")
    }

    pub(crate) fn slots(&self) -> &DirectTable {
        self.slots.as_ref().expect("the row says that it needs slots")
    }

    /// A file in a slot.
    pub(crate) fn file(&self) -> &SharedFd {
        self.file.as_ref().expect("the row says that it needs slots")
    }

    /// The slots of the other ring.
    pub(crate) fn there(&self) -> &DirectTable {
        self.there.as_ref().expect("the row says that it needs two rings")
    }

    /// Waits until nothing is in the slots but what was put there first.
    pub(crate) fn balance<S: Kind>(&self, driver: &Subjected<'_, S>) -> Verdict {
        if let Some(slots) = &self.slots {
            driver.until("every slot but the first is closed", || slots.open() <= 1)?;
            ensure_eq!(slots.open(), 1, "files in slots");
        }
        if let Some(there) = &self.there {
            driver.until("every slot of the other ring is closed", || there.open() == 0)?;
        }
        Ok(())
    }
}
