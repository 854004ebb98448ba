//! [`Regions`]: parts of one file, of which it is known what is in them, or that it is not known.

use std::cell::{Cell, RefCell};

use ringbahn_sim::Sim;

/// How many parts there are, and how long each is.
const REGIONS: usize = 32;
pub(crate) const LENGTH: usize = 600;

/// What is in the parts of a file.
pub(crate) struct Regions {
    /// `None` where nobody knows: a write was given up.
    known: RefCell<Vec<Option<Vec<u8>>>>,
    busy: RefCell<Vec<bool>>,
    /// Where each of them lies, in parts of the file that are never used twice.
    places: RefCell<Vec<u64>>,
    next_place: Cell<u64>,
    next: Cell<u8>,
}

/// A part that nobody else works on.
pub(crate) struct Region<'a> {
    regions: &'a Regions,
    number: usize,
}

impl Regions {
    pub(crate) fn new() -> Regions {
        Regions {
            known: RefCell::new(vec![None; REGIONS]),
            busy: RefCell::new(vec![false; REGIONS]),
            places: RefCell::new((0..REGIONS as u64).collect()),
            next_place: Cell::new(REGIONS as u64),
            next: Cell::new(0),
        }
    }

    /// A part that nobody works on, if there is one.
    pub(crate) fn claim(&self, sim: &Sim) -> Option<Region<'_>> {
        let number = sim.random(REGIONS as u64) as usize;
        let was_busy = std::mem::replace(&mut self.busy.borrow_mut()[number], true);
        (!was_busy).then(|| Region { regions: self, number })
    }
}

impl Region<'_> {
    pub(crate) fn position(&self) -> u64 {
        self.regions.places.borrow()[self.number] * 1000
    }

    /// A write to it was given up, and may come at any time: from now on it lies elsewhere.
    pub(crate) fn abandon(self) {
        let place = self.regions.next_place.get();
        self.regions.next_place.set(place + 1);
        self.regions.places.borrow_mut()[self.number] = place;
    }

    /// New content for it. What is in it is not known any more.
    pub(crate) fn new_content(&self) -> Vec<u8> {
        self.regions.known.borrow_mut()[self.number] = None;
        let next = self.regions.next.get();
        self.regions.next.set(next.wrapping_add(1));
        vec![next; LENGTH]
    }

    /// All of it has been written.
    pub(crate) fn is_now(&self, content: Vec<u8>) {
        self.regions.known.borrow_mut()[self.number] = Some(content);
    }

    /// How many of the bytes that were read are wrong.
    pub(crate) fn wrong(&self, read: &[u8]) -> u64 {
        match &self.regions.known.borrow()[self.number] {
            Some(known) => {
                known.iter().zip(read).filter(|(known, read)| known != read).count() as u64
            }
            None => 0,
        }
    }
}

impl Drop for Region<'_> {
    fn drop(&mut self) {
        self.regions.busy.borrow_mut()[self.number] = false;
    }
}
