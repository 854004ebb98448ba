//! [`CompletionWidth`]: how large the CQEs of a ring are.

use ringbahn_core::Cqe;

use crate::sys::uapi::{SETUP_CQE_MIXED, SETUP_CQE32};

/// `IORING_CQE_F_SKIP`: nobody's, to fill up the end of the queue.
const FLAG_FILLER: u32 = 1 << 5;
/// `IORING_CQE_F_32`: in a queue of mixed CQEs, one of 32 bytes.
const FLAG_WIDE: u32 = 1 << 15;

/// How large the CQEs of a ring are.
///
/// What a CQE of 32 bytes says more than one of 16 is for receives without a copy, and for commands
/// of devices, which ask for it.
/// All other operations work on rings of any width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CompletionWidth {
    /// 16 bytes, as large as operations need them.
    #[default]
    Narrow,
    /// 32 bytes, each of them: Linux 5.19.
    Wide,
    /// 16 bytes or, where an operation asks for it, 32, which take up two places: Linux 6.18.
    Mixed,
}

impl CompletionWidth {
    pub(super) fn of_flags(flags: u32) -> CompletionWidth {
        if flags & SETUP_CQE32 != 0 {
            CompletionWidth::Wide
        } else if flags & SETUP_CQE_MIXED != 0 {
            CompletionWidth::Mixed
        } else {
            CompletionWidth::Narrow
        }
    }

    /// The flags of `io_uring_setup` that ask for it.
    pub(crate) fn flags(self) -> u32 {
        match self {
            CompletionWidth::Narrow => 0,
            CompletionWidth::Wide => SETUP_CQE32,
            CompletionWidth::Mixed => SETUP_CQE_MIXED,
        }
    }

    /// The logarithm of how many times 16 bytes a place has.
    #[inline]
    pub(super) fn shift(self) -> u32 {
        u32::from(self == CompletionWidth::Wide)
    }

    /// Whether `cqe`, which lies in a queue of this width, is the beginning of one of 32 bytes.
    pub(super) fn is_wide(self, cqe: &Cqe) -> bool {
        match self {
            CompletionWidth::Narrow => false,
            CompletionWidth::Wide => true,
            CompletionWidth::Mixed => cqe.flags & FLAG_WIDE != 0,
        }
    }

    /// How many places `cqe` takes up, which lies in a queue of this width.
    pub(super) fn places(self, cqe: &Cqe) -> u32 {
        1 + u32::from(self == CompletionWidth::Mixed && self.is_wide(cqe))
    }

    /// Whether `cqe` answers nothing, and only fills up the end of a queue of this width.
    pub(super) fn is_filler(self, cqe: &Cqe) -> bool {
        self == CompletionWidth::Mixed && cqe.flags & FLAG_FILLER != 0
    }
}
