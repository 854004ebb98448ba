//! [`Tuning`]: what is asked of a ring that most do without; and what does not go together.

use std::io;

use super::memory::RingMemory;
use super::restrictions::Restrictions;
use crate::queue::width::CompletionWidth;
use crate::survey::{KernelVersion, Listing, SETUP_FLAGS};
use crate::sys::register_trial::query;
use crate::sys::uapi::{SETUP_NO_MMAP, SETUP_R_DISABLED};
use crate::unavailable::Unavailable;

/// What is asked of a ring that most do without.
///
/// None of it is given up quietly: a kernel that lacks it makes no ring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tuning {
    pub(crate) restrictions: Option<Restrictions>,
    pub(crate) memory: Option<RingMemory>,
    pub(crate) width: CompletionWidth,
    pub(crate) registered_waits: bool,
    /// The register operations, by bit, that the kernel is to be treated as if it lacked.
    pub(crate) lacking: u64,
}

/// An option of [`Setup`](crate::Setup) that the fallback has no counterpart of.
struct KernelOnly {
    name: &'static str,
    asked: bool,
}

impl Tuning {
    /// The flags of `io_uring_setup` that it takes.
    pub(super) fn flags(&self) -> u32 {
        let before = self.restrictions.is_some() || self.registered_waits;
        let disabled = if before { SETUP_R_DISABLED } else { 0 };
        let own = if self.memory.is_some() { SETUP_NO_MMAP } else { 0 };
        disabled | own | self.width.flags()
    }

    /// Whether the ring has to be made disabled, since something can only be done before it is
    /// enabled.
    pub(super) fn comes_before_enabling(&self) -> bool {
        self.flags() & SETUP_R_DISABLED != 0
    }

    /// # Errors
    ///
    /// A contradiction, where a ring that is not one thread's is to have what only such a ring can.
    pub(super) fn check_shared(&self) -> Result<(), Unavailable> {
        if self.registered_waits {
            return Err(Unavailable::contradiction(
                "Setup::registered_waits",
                "Setup::build, for a ring of several threads",
                "take Setup::build_local (Linux 6.13), since the argument of a wait has one place",
            ));
        }
        Ok(())
    }

    /// # Errors
    ///
    /// A contradiction, where the fallback is to do what it has no counterpart of. Memory for the
    /// queues and the place for the arguments of waits it does without.
    pub(super) fn check_fallback(&self) -> Result<(), Unavailable> {
        let options = [
            KernelOnly { name: "Setup::restrict", asked: self.restrictions.is_some() },
            KernelOnly {
                name: "Setup::completion_width",
                asked: self.width != CompletionWidth::Narrow,
            },
        ];
        match options.iter().find(|option| option.asked) {
            None => Ok(()),
            Some(option) => Err(Unavailable::contradiction(
                option.name,
                "the fallback",
                "it needs io_uring; do without, or ask for Policy::Require",
            )),
        }
    }

    /// What to say of a kernel that has refused a ring with all that is asked for.
    pub(super) fn explain(&self, error: &io::Error, unavailable: Unavailable) -> Unavailable {
        let own = [SETUP_NO_MMAP, self.width.flags(), SETUP_R_DISABLED];
        let asked = own.into_iter().filter(|&flag| flag != 0 && self.flags() & flag != 0);
        let listings =
            asked.filter_map(|flag| SETUP_FLAGS.iter().find(|listing| 1 << listing.number == flag));
        let listings: Vec<&Listing> = listings.collect();
        if listings.is_empty() || error.raw_os_error() != Some(libc::EINVAL) {
            return unavailable;
        }
        let known = query().ok().map(|known| known.setup_flags);
        let lacks = |listing: &&&Listing| match known {
            Some(known) => known & 1 << listing.number == 0,
            None => KernelVersion::running() < listing.since,
        };
        let lacking: Vec<&&Listing> = listings.iter().filter(lacks).collect();
        let named = if lacking.is_empty() { listings.iter().collect() } else { lacking };
        let named: Vec<String> = named
            .into_iter()
            .map(|listing| match listing.since {
                Some(since) => format!("IORING_SETUP_{} (Linux {since})", listing.name),
                None => format!("IORING_SETUP_{}", listing.name),
            })
            .collect();
        Unavailable::lacking(&named.join(", "))
    }
}
