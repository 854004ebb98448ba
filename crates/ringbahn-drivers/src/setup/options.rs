//! What can be asked of a ring beyond its size.

use ringbahn_core::{Metering, Rule};

use super::Setup;
use super::memory::RingMemory;
use super::restrictions::Restrictions;
use crate::policy::Policy;
use crate::queue::width::CompletionWidth;

impl Setup {
    /// How many CQEs are to fit into the completion queue. Rounded up to a power of two, and to the
    /// size of the submission queue. Without it there is room for twice as many CQEs as entries.
    #[must_use]
    pub fn completion_entries(mut self, entries: u32) -> Setup {
        self.completion_entries = Some(entries);
        self
    }

    /// Whether sizes beyond the kernel's maximum (32 768 entries, 65 536 CQEs) become the maximum,
    /// as they do by default, or an error.
    #[must_use]
    pub fn clamp(mut self, clamp: bool) -> Setup {
        self.clamp = clamp;
        self
    }

    /// Which operations the ring takes. What `rule` refuses never reaches it: the event fails with
    /// [`Forbidden`](ringbahn_core::Forbidden).
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Setup {
        self.rule = Some(rule);
        self
    }

    /// Whether the operations are executed by io_uring or by the fallback, which stands behind the
    /// same queues; what [`Policy`] says unless told.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Setup {
        self.policy = Some(policy);
        self
    }

    /// Whether the ring's [table](ringbahn_core::OperationTable::metrics) keeps metrics, opcode by
    /// opcode, and which; none unless told.
    #[must_use]
    pub fn metering(mut self, metering: Metering) -> Setup {
        self.tuning.metering = metering;
        self
    }

    /// Treats the kernel as if it did not know the operation `opcode`, one of
    /// [`opcode`](ringbahn_core::opcode), whose implementation may have a fault: the fallback
    /// executes it, as it does with whatever the kernel really does not know.
    #[must_use]
    pub fn without(mut self, opcode: u8) -> Setup {
        self.unwanted.push(opcode);
        self
    }

    /// Treats the kernel as if it did not have the register operation of this number, one of
    /// [`registration`](crate::registration), whose implementation may have a fault: what needs it
    /// fails with [`Lacking`](crate::Lacking).
    #[must_use]
    pub fn without_registration(mut self, number: u8) -> Setup {
        self.tuning.lacking |= 1_u64.checked_shl(number.into()).unwrap_or(0);
        self
    }

    /// Holds the ring to `restrictions` from its first entry on. There is no fallback then, and a
    /// policy that wants one is a [`Contradiction`](crate::Reason::Contradiction).
    ///
    /// # Kernel
    ///
    /// Linux 5.10.
    #[must_use]
    pub fn restrict(mut self, restrictions: Restrictions) -> Setup {
        self.tuning.restrictions = Some(restrictions);
        self
    }

    /// Has the queues lie in memory of the program's own, and not of the kernel's. The fallback
    /// has its queues there anyway.
    ///
    /// # Kernel
    ///
    /// Linux 6.5; before 6.10 only for queues of one page each, or in huge pages.
    #[must_use]
    pub fn own_memory(mut self, memory: RingMemory) -> Setup {
        self.tuning.memory = Some(memory);
        self
    }

    /// How large the CQEs are. There is no fallback for others than narrow ones, and a policy that
    /// wants one is a [`Contradiction`](crate::Reason::Contradiction).
    ///
    /// # Kernel
    ///
    /// Linux 5.19 for wide ones, 6.18 for both kinds in one queue.
    #[must_use]
    pub fn completion_width(mut self, width: CompletionWidth) -> Setup {
        self.tuning.width = width;
        self
    }

    /// Has the arguments of waits with a timeout lie where the kernel has them at hand, which
    /// spares it looking them up: for rings of [one thread](Setup::build_local). With others it is
    /// a [`Contradiction`](crate::Reason::Contradiction). The fallback does without.
    ///
    /// # Kernel
    ///
    /// Linux 6.13.
    #[must_use]
    pub fn registered_waits(mut self, registered: bool) -> Setup {
        self.tuning.registered_waits = registered;
        self
    }

    /// Whether what completes interrupts the thread that has submitted it, on a ring for several
    /// threads; it does not unless told.
    ///
    /// Completions are posted by that thread, in the kernel. It is woken for them where it sleeps.
    /// Where it computes they wait until it is in the kernel for whatever reason: a system call, or
    /// the kernel's own tick, some milliseconds later at the most. To interrupt it costs a message
    /// between processors for each, and often a third of all that an operation costs. It is for
    /// programs in which a thread computes for long while others wait for what it has submitted,
    /// and for processors without a tick (`nohz_full`).
    ///
    /// A ring of [one thread](Setup::build_local) never interrupts it. The fallback has nothing to
    /// interrupt.
    ///
    /// # Kernel
    ///
    /// Not to interrupt takes Linux 5.19; before, completions always do.
    #[must_use]
    pub fn interrupting(mut self, interrupting: bool) -> Setup {
        self.tuning.interrupting = interrupting;
        self
    }
}
