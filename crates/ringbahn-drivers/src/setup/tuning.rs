//! [`Tuning`]: what is asked of a ring that most do without; and what does not go together.

use std::io;

use ringbahn_core::Metering;

use super::memory::RingMemory;
use super::restrictions::Restrictions;
use super::{Setup, Wishes};
use crate::queue::width::CompletionWidth;
use crate::survey::SETUP_FLAGS;
use crate::sys::fork::ForkGuard;
use crate::sys::uapi::{SETUP_HYBRID_IOPOLL, SETUP_NO_MMAP, SETUP_R_DISABLED};
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
    /// Whether completions interrupt the thread that has submitted.
    pub(crate) interrupting: bool,
    /// Whether the kernel sleeps for a while before it asks a device.
    pub(crate) sleeps_first: bool,
    /// The register operations, by bit, that the kernel is to be treated as if it lacked.
    pub(crate) lacking: u64,
    /// What is counted by opcode.
    pub(crate) metering: Metering,
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
        let hybrid = if self.sleeps_first { SETUP_HYBRID_IOPOLL } else { 0 };
        disabled | own | hybrid | self.width.flags()
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

    /// The flags that are asked for, each by itself.
    fn asked(&self) -> impl Iterator<Item = u32> {
        let flags = self.flags();
        (0..u32::BITS).map(|bit| 1 << bit).filter(move |flag| flags & flag != 0)
    }

    /// The same without what takes this flag.
    fn without(&self, flag: u32) -> Tuning {
        let mut tuning = self.clone();
        match flag {
            SETUP_NO_MMAP => tuning.memory = None,
            SETUP_HYBRID_IOPOLL => tuning.sleeps_first = false,
            SETUP_R_DISABLED => (tuning.restrictions, tuning.registered_waits) = (None, false),
            _ => tuning.width = CompletionWidth::Narrow,
        }
        tuning
    }
}

impl Setup {
    /// What to say where the kernel has made no ring such as was asked for: it is asked again for
    /// less, and what it then makes one without is what it lacks.
    pub(super) fn explain(
        &self,
        wishes: &Wishes,
        guard: ForkGuard,
        error: &io::Error,
    ) -> Unavailable {
        let unavailable = Unavailable::failed("io_uring_setup", error);
        if error.raw_os_error() != Some(libc::EINVAL) {
            return unavailable;
        }
        let does_without = |flag: &u32| {
            let less = Setup { tuning: self.tuning.without(*flag), ..self.clone() };
            let made = less.make_memory(guard).map(|own| less.climb_down(wishes, own.as_ref()));
            matches!(made, Ok(Ok(_)))
        };
        let lacking: Vec<String> = self.tuning.asked().filter(does_without).map(name_of).collect();
        if lacking.is_empty() {
            return unavailable;
        }
        Unavailable::lacking(&lacking.join(", "))
    }
}

/// The name of a flag, and the version that brought it.
fn name_of(flag: u32) -> String {
    let listing = SETUP_FLAGS.iter().find(|listing| 1 << listing.number == flag);
    match listing.and_then(|listing| Some((&listing.name, listing.since?))) {
        Some((name, since)) => format!("IORING_SETUP_{name} (Linux {since})"),
        None => format!("the setup flag {flag:#x}"),
    }
}
