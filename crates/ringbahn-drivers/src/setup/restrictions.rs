//! [`Restrictions`]: what a ring may be used for, which the kernel sees to from its first entry on.

use std::collections::BTreeSet;

use ringbahn_core::opcode;

use crate::sys::uapi::{
    RESTRICTION_FLAGS_ALLOWED, RESTRICTION_OPCODE, RESTRICTION_REGISTER, Restriction,
};

/// What a ring may be used for. The kernel refuses all else with `EACCES`, for as long as the ring
/// lives: whoever gets hold of the ring cannot widen it.
///
/// Allowed are only the operations that are named, and `NOP` and `ASYNC_CANCEL`, without which
/// there is no driver. A [`LocalDriver`](crate::LocalDriver) reads from an eventfd to be woken by
/// other threads, so it needs `READ` as well, and [`Timers`](ringbahn_core::Timers) need
/// `TIMEOUT`. Of the register operations only those may be used that are named; the flags of
/// entries are not restricted unless told.
///
/// An operation that is refused fails in its output with `PermissionDenied`. Where several rings
/// are made of one set of restrictions each is held to them.
///
/// # Examples
///
/// ```
/// use ringbahn_core::opcode;
/// use ringbahn_drivers::{Restrictions, Setup};
///
/// let reads = Restrictions::new().allow_operation(opcode::READ);
/// let ring = Setup::new(8).restrict(reads).build();
/// # drop(ring);
/// ```
///
/// # Kernel
///
/// Linux 5.10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restrictions {
    operations: BTreeSet<u8>,
    registrations: BTreeSet<u8>,
    flags_allowed: u8,
}

impl Default for Restrictions {
    fn default() -> Restrictions {
        Restrictions::new()
    }
}

impl Restrictions {
    /// Allows nothing but what a driver cannot do without.
    pub fn new() -> Restrictions {
        Restrictions {
            operations: BTreeSet::from([opcode::NOP, opcode::ASYNC_CANCEL]),
            registrations: BTreeSet::new(),
            flags_allowed: u8::MAX,
        }
    }

    /// Allows the operation `opcode`, one of [`opcode`](ringbahn_core::opcode).
    #[must_use]
    pub fn allow_operation(mut self, opcode: u8) -> Restrictions {
        self.operations.insert(opcode);
        self
    }

    /// Allows the register operation of this number, one of
    /// [`registration`](crate::registration).
    #[must_use]
    pub fn allow_registration(mut self, number: u8) -> Restrictions {
        self.registrations.insert(number);
        self
    }

    /// Allows of the flags of entries, the kernel's `IOSQE_*` bits, only these.
    ///
    /// Without `IO_LINK` and `IO_HARDLINK` there are no chains, without `FIXED_FILE` no direct
    /// descriptors, without `BUFFER_SELECT` no groups of buffers.
    #[must_use]
    pub fn allow_flags_only(mut self, flags: u8) -> Restrictions {
        self.flags_allowed = flags;
        self
    }

    pub(super) fn allows(&self, opcode: u8) -> bool {
        self.operations.contains(&opcode)
    }

    /// The same as the kernel wants it.
    pub(crate) fn rows(&self) -> Vec<Restriction> {
        let row = |opcode, subject| Restriction { opcode, subject, ..Restriction::default() };
        let operations = self.operations.iter().map(|&number| row(RESTRICTION_OPCODE, number));
        let registrations =
            self.registrations.iter().map(|&number| row(RESTRICTION_REGISTER, number));
        let flags = [row(RESTRICTION_FLAGS_ALLOWED, self.flags_allowed)];
        operations.chain(registrations).chain(flags).collect()
    }
}
