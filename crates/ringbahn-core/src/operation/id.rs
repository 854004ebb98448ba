//! What travels through the kernel as `user_data`: an index, a generation and a step, never an
//! address.
//!
//! | bits | what |
//! |---|---|
//! | 63 | set for the ring's own entries (cancels), which have no operation |
//! | 32–62 | generation of the place in the table |
//! | 26–31 | step: which of the operation's entries this is |
//! | 0–25 | index of the place in the table |
//!
//! A CQE that arrives after its operation has ended finds another generation and is ignored. That
//! happens in earnest: a zero-copy send that is cancelled as a follower in a chain posts its
//! notification after its last ordinary CQE.

use crate::sqe::SQES_PER_EVENT_MAX;

const INDEX_BITS: u32 = 26;
const STEP_BITS: u32 = 6;
const GENERATION_SHIFT: u32 = INDEX_BITS + STEP_BITS;
const GENERATION_MASK: u32 = u32::MAX >> 1;
const INTERNAL: u64 = 1 << 63;

/// All bits that there are for the extra word of a wide CQE: those of index and generation.
const EXTRA_MAX: u64 = (1 << (INDEX_BITS + 31)) - 1;

const _: () = assert!(1 << STEP_BITS == SQES_PER_EVENT_MAX);

/// The generation of a place's first tenant. There is no generation 0, so that no operation has the
/// `user_data` 0: that is how an entry says that it has not been committed.
pub(crate) const FIRST_GENERATION: u32 = 1;

/// The most operations that one ring can have in flight.
pub(crate) const OPERATIONS_MAX: u32 = 1 << INDEX_BITS;

/// A place in a ring's operation table, together with the generation that tells its tenants apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OperationId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl OperationId {
    #[inline]
    pub(crate) fn user_data(self, step: u32) -> u64 {
        debug_assert!(self.index < OPERATIONS_MAX && step < SQES_PER_EVENT_MAX);
        let generation = u64::from(self.generation & GENERATION_MASK);
        generation << GENERATION_SHIFT | u64::from(step << INDEX_BITS | self.index)
    }

    /// The operation that `user_data` names. The mark of the ring's own entries is not looked at.
    #[inline]
    pub(crate) fn of(user_data: u64) -> OperationId {
        let low = user_data & u64::from(u32::MAX);
        OperationId {
            index: low as u32 & (OPERATIONS_MAX - 1),
            generation: (user_data >> GENERATION_SHIFT) as u32 & GENERATION_MASK,
        }
    }

    /// Whether `user_data` names an operation of this generation, wherever that is. What bears the
    /// mark of the ring's own entries names none.
    #[inline]
    pub(crate) fn is_of_generation(user_data: u64, generation: u32) -> bool {
        (user_data >> GENERATION_SHIFT) as u32 == generation
    }

    /// The same place for its next tenant.
    #[inline]
    pub(crate) fn next_generation(self) -> OperationId {
        let generation = self.generation.wrapping_add(1) & GENERATION_MASK;
        OperationId { generation: generation.max(FIRST_GENERATION), ..self }
    }
}

/// Which of its operation's entries `user_data` names.
#[inline]
pub(crate) fn step_of(user_data: u64) -> u32 {
    (user_data as u32) >> INDEX_BITS
}

/// What is kept of the `user_data` of a wide CQE once its operation has been found: the step, and
/// `extra`, the first word of its second half, in the bits of index and generation. Of 57 bits of
/// `extra` none is lost; more set ones become all of them, which is nothing that a kernel says.
pub(crate) fn with_extra(user_data: u64, extra: u64) -> u64 {
    let step = user_data & u64::from(SQES_PER_EVENT_MAX - 1) << INDEX_BITS;
    let extra = if extra > EXTRA_MAX { EXTRA_MAX } else { extra };
    let low = extra & u64::from(OPERATIONS_MAX - 1);
    step | low | extra >> INDEX_BITS << GENERATION_SHIFT
}

/// What [`with_extra`] has kept.
pub(crate) fn extra_of(kept: u64) -> u64 {
    let low = kept & u64::from(OPERATIONS_MAX - 1);
    low | kept >> GENERATION_SHIFT << INDEX_BITS
}

/// The mark of the cancel that targets `user_data`.
pub(crate) fn cancel_of(user_data: u64) -> u64 {
    user_data | INTERNAL
}

/// The target of the ring's own cancel, if `user_data` names one.
#[inline]
pub(crate) fn cancel_target(user_data: u64) -> Option<u64> {
    (user_data & INTERNAL != 0).then_some(user_data & !INTERNAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_the_way_through_the_kernel() {
        for index in [0, 1, OPERATIONS_MAX - 1] {
            for generation in [0, 1, GENERATION_MASK] {
                for step in [0, 1, SQES_PER_EVENT_MAX - 1] {
                    let id = OperationId { index, generation };
                    let user_data = id.user_data(step);
                    assert_eq!(OperationId::of(user_data), id);
                    assert_eq!(step_of(user_data), step);
                    assert_eq!(cancel_target(user_data), None);
                    assert_eq!(cancel_target(cancel_of(user_data)), Some(user_data));
                }
            }
        }
    }

    #[test]
    fn what_a_wide_cqe_says_besides_is_kept_with_its_step() {
        let id = OperationId { index: OPERATIONS_MAX - 1, generation: GENERATION_MASK };
        for step in [0, 1, SQES_PER_EVENT_MAX - 1] {
            for extra in [0, 1, 4096, 1 << INDEX_BITS, (1 << 48) - 1, 1 << 48, EXTRA_MAX] {
                let kept = with_extra(id.user_data(step), extra);
                assert_eq!((step_of(kept), extra_of(kept)), (step, extra));
                assert_eq!(cancel_target(kept), None);
            }
            for extra in [EXTRA_MAX + 1, u64::MAX] {
                assert_eq!(extra_of(with_extra(id.user_data(step), extra)), EXTRA_MAX);
            }
        }
    }

    #[test]
    fn generations_wrap_without_touching_the_mark_and_leave_out_0() {
        let last = OperationId { index: 3, generation: GENERATION_MASK };
        assert_eq!(last.next_generation(), OperationId { index: 3, generation: 1 });
        let first = OperationId { index: 0, generation: FIRST_GENERATION };
        assert_ne!(first.user_data(0), 0);
    }
}
