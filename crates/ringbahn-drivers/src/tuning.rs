//! [`KNOBS`]: all that a ring can be asked for, by what ringbahn asks, and what comes of it where
//! the fallback executes the operations.
//!
//! The page `docs/tuning.md` is made of it.

use crate::survey::{ENTER_FLAGS, Listing, REGISTER_OPERATIONS, SETUP_FLAGS};

mod knobs;

pub use knobs::KNOBS;

/// Something that a ring can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Knob {
    /// Of which kind it is.
    pub kind: Kind,
    /// Its number; for flags, that of the bit.
    pub number: u32,
    /// By what ringbahn asks for it: a method, or a driver that does so by itself. Empty where
    /// nothing does.
    pub by: &'static str,
    /// What comes of it on the fallback.
    pub fallback: OnFallback,
    /// Why nothing asks for it; or what else is to be known.
    pub remark: &'static str,
}

/// Where a ring is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// By a flag of `io_uring_setup`.
    Setup,
    /// By a flag of `io_uring_enter`.
    Enter,
    /// By an operation of `io_uring_register`.
    Register,
}

/// What comes of something where the fallback executes the operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFallback {
    /// The same: the fallback has its own way to it.
    Executed,
    /// Nothing, and nothing is said: it only makes rings faster, or is a ring's own affair.
    Ignored,
    /// An error that says so.
    Unsupported,
    /// Nothing asks for it, so nothing comes of it.
    Unasked,
}

impl Knob {
    /// Its row in the tables of a [`Survey`](crate::Survey): its name, the version that brought it,
    /// what it is for.
    pub fn listing(&self) -> &'static Listing {
        let table = match self.kind {
            Kind::Setup => SETUP_FLAGS,
            Kind::Enter => ENTER_FLAGS,
            Kind::Register => REGISTER_OPERATIONS,
        };
        // Each row has one, which a test sees to.
        &table[self.number as usize]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::survey::Usage;

    #[test]
    fn each_row_of_the_tables_has_its_knob_in_order_and_no_more() {
        for (kind, table) in [
            (Kind::Setup, SETUP_FLAGS),
            (Kind::Enter, ENTER_FLAGS),
            (Kind::Register, REGISTER_OPERATIONS),
        ] {
            let numbers: Vec<u32> =
                KNOBS.iter().filter(|knob| knob.kind == kind).map(|knob| knob.number).collect();
            let wanted: Vec<u32> = table.iter().map(|listing| listing.number).collect();
            assert_eq!(numbers, wanted, "{kind:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_used_and_what_is_not_has_a_reason() {
        for knob in KNOBS {
            let listing = knob.listing();
            let asked = !knob.by.is_empty();
            assert_eq!(asked, listing.usage != Usage::Unused, "{}", listing.name);
            assert_eq!(asked, knob.fallback != OnFallback::Unasked, "{}", listing.name);
            assert!(asked || !knob.remark.is_empty(), "{}: why not?", listing.name);
        }
    }
}
