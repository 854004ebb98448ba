//! The rows.

use super::Kind::{Enter, Register, Setup};
use super::OnFallback::{Executed, Ignored, Unasked, Unsupported};
use super::{Kind, Knob, OnFallback};

const fn knob(kind: Kind, number: u32, by: &'static str, fallback: OnFallback) -> Knob {
    Knob { kind, number, by, fallback, remark: "" }
}

impl Knob {
    const fn remark(self, remark: &'static str) -> Knob {
        Knob { remark, ..self }
    }
}

/// All that a ring can be asked for: the flags of `io_uring_setup` and of `io_uring_enter`, by bit,
/// and the operations of `io_uring_register`, by number.
///
/// ```
/// use ringbahn_drivers::tuning::{KNOBS, OnFallback};
///
/// // What a program on the fallback has to do without:
/// for knob in KNOBS.iter().filter(|knob| knob.fallback == OnFallback::Unsupported) {
///     println!("{}, by {}", knob.listing().name, knob.by);
/// }
/// ```
pub const KNOBS: &[Knob] = &[
    knob(Setup, 0, "IopollDriver", Unsupported),
    knob(Setup, 1, "SqpollDriver", Unsupported),
    knob(Setup, 2, "SqpollBuilder::cpu", Unsupported),
    knob(Setup, 3, "Setup::completion_entries", Executed),
    knob(Setup, 4, "Setup::clamp", Executed),
    knob(Setup, 5, "SqpollBuilder::attach_to", Unsupported),
    knob(Setup, 6, "Setup::build_local, Setup::restrict", Ignored).remark(
        "a ring is enabled by the thread whose it is to be, or when it has been restricted",
    ),
    knob(Setup, 7, "every driver", Executed),
    knob(Setup, 8, "Setup::build, Setup::interrupting", Ignored)
        .remark("completions do not interrupt; for one thread where DEFER_TASKRUN is lacking"),
    knob(Setup, 9, "Setup::build_local", Ignored),
    knob(Setup, 10, "", Unasked).remark("no event has an entry of 128 bytes"),
    knob(Setup, 11, "Setup::completion_width", Unsupported),
    knob(Setup, 12, "Setup::build_local", Ignored),
    knob(Setup, 13, "Setup::build_local", Ignored),
    knob(Setup, 14, "Setup::own_memory", Ignored)
        .remark("the fallback has its queues in memory of its own anyway"),
    knob(Setup, 15, "", Unasked)
        .remark("a ring without a descriptor cannot be waited for by anybody else"),
    knob(Setup, 16, "every driver", Ignored),
    knob(Setup, 17, "IopollBuilder::sleep_first", Unsupported),
    knob(Setup, 18, "Setup::completion_width", Unsupported),
    knob(Setup, 19, "", Unasked).remark("no event has an entry of 128 bytes"),
    knob(Setup, 20, "", Unasked).remark("the places of a queue are told by counters that go on"),
    knob(Enter, 0, "RingHandle::enter", Executed),
    knob(Enter, 1, "SqpollDriver", Unsupported),
    knob(Enter, 2, "SqpollDriver", Unsupported),
    knob(Enter, 3, "RingHandle::enter_timeout, RingHandle::enter_gathering", Executed)
        .remark("a mask of signals is not passed"),
    knob(Enter, 4, "Setup::build_local", Ignored)
        .remark("of a thread that has 16 such rings, the others go by their descriptors"),
    knob(Enter, 5, "RingHandle::enter_until", Executed),
    knob(Enter, 6, "Setup::registered_waits", Ignored),
    knob(Enter, 7, "every driver", Ignored),
    knob(Register, 0, "", Unasked).remark(
        "REGISTER_BUFFERS2 instead, whose table is filled and emptied while operations run",
    ),
    knob(Register, 1, "", Unasked).remark("it waits for operations; slots are emptied one by one"),
    knob(Register, 2, "", Unasked).remark("REGISTER_FILES2 instead"),
    knob(Register, 3, "", Unasked).remark("it waits for operations; slots are emptied one by one"),
    knob(Register, 4, "Registrar::notify", Unsupported),
    knob(Register, 5, "the drop of a Notice", Unsupported),
    knob(Register, 6, "the drop of a DirectFd", Unsupported),
    knob(Register, 7, "Registrar::notify", Unsupported),
    knob(Register, 8, "RingHandle::probe", Executed),
    knob(Register, 9, "Registrar::register_personality", Unsupported),
    knob(Register, 10, "the drop of a Personality", Unsupported),
    knob(Register, 11, "Setup::restrict", Unsupported),
    knob(Register, 12, "Setup::build_local, Setup::restrict", Ignored),
    knob(Register, 13, "RingHandle::direct_table", Unsupported),
    knob(Register, 14, "", Unasked)
        .remark("it is for files with tags; what a slot has is known without"),
    knob(Register, 15, "RingHandle::register_buffers", Unsupported),
    knob(Register, 16, "RingHandle::register_buffers", Unsupported),
    knob(Register, 17, "Registrar::bind_workers", Unsupported),
    knob(Register, 18, "Registrar::unbind_workers", Unsupported),
    knob(Register, 19, "Registrar::worker_limits, Registrar::limit_workers", Unsupported),
    knob(Register, 20, "Setup::build_local", Ignored),
    knob(Register, 21, "the drop of a ring of one thread", Ignored),
    knob(Register, 22, "RingHandle::buffer_group", Unsupported),
    knob(Register, 23, "the drop of a BufferGroup", Unsupported),
    knob(Register, 24, "Registrar::cancel_now", Unsupported)
        .remark("SharedDriver::cancel_all is executed"),
    knob(Register, 25, "Registrar::choose_slots", Unsupported),
    knob(Register, 26, "Registrar::buffers_taken", Unsupported),
    knob(Register, 27, "Registrar::set_napi", Unsupported),
    knob(Register, 28, "Registrar::clear_napi", Unsupported),
    knob(Register, 29, "Registrar::set_clock", Unsupported),
    knob(Register, 30, "Registrar::clone_buffers", Unsupported),
    knob(Register, 31, "", Unasked).remark("a thread without a ring wakes a driver by its eventfd"),
    knob(Register, 32, "", Unasked)
        .remark("zero_copy_receive says whether a network card can; nothing receives by it yet"),
    knob(Register, 33, "Registrar::resize, RingHandle::resize", Unsupported)
        .remark("rings of one thread only"),
    knob(Register, 34, "Setup::registered_waits", Ignored),
    knob(Register, 35, "Survey::take", Executed),
    knob(Register, 36, "", Unasked).remark("as REGISTER_ZCRX_IFQ"),
    knob(Register, 37, "", Unasked).remark("Restrictions and Rule say which operations may run"),
];
