//! The kernel's numbers and structures, from `include/uapi/linux/io_uring.h`.
//!
//! System call numbers are those of every architecture but alpha. Names are the header's without
//! the prefix `IORING_`.
#![allow(dead_code, reason = "a header is copied whole or not at all")]

use std::mem::{offset_of, size_of};

mod tuning;

pub(crate) use tuning::*;

/// `io_uring_setup(2)`.
pub(crate) const SYS_SETUP: libc::c_long = 425;
/// `io_uring_enter(2)`.
pub(crate) const SYS_ENTER: libc::c_long = 426;
/// `io_uring_register(2)`.
pub(crate) const SYS_REGISTER: libc::c_long = 427;

/// The most entries of a submission queue; twice as many for a completion queue.
pub(crate) const ENTRIES_MAX: u32 = 32_768;

macro_rules! bits {
    ($($(#[$doc:meta])* $name:ident = $bit:literal,)*) => {
        $($(#[$doc])* pub(crate) const $name: u32 = 1 << $bit;)*
    };
}

bits! {
    SETUP_IOPOLL = 0,
    SETUP_SQPOLL = 1,
    SETUP_SQ_AFF = 2,
    /// 5.5
    SETUP_CQSIZE = 3,
    /// 5.6
    SETUP_CLAMP = 4,
    SETUP_ATTACH_WQ = 5,
    SETUP_R_DISABLED = 6,
    /// 5.18: a bad entry does not keep the ones behind it from being submitted.
    SETUP_SUBMIT_ALL = 7,
    SETUP_COOP_TASKRUN = 8,
    SETUP_TASKRUN_FLAG = 9,
    SETUP_SQE128 = 10,
    SETUP_CQE32 = 11,
    SETUP_SINGLE_ISSUER = 12,
    SETUP_DEFER_TASKRUN = 13,
    SETUP_NO_MMAP = 14,
    SETUP_REGISTERED_FD_ONLY = 15,
    /// 6.6: places of the submission queue are taken in order, without an array of indices.
    SETUP_NO_SQARRAY = 16,
    SETUP_HYBRID_IOPOLL = 17,
    SETUP_CQE_MIXED = 18,
    SETUP_SQE_MIXED = 19,
    SETUP_SQ_REWIND = 20,
}

bits! {
    FEAT_SINGLE_MMAP = 0,
    FEAT_NODROP = 1,
    FEAT_SUBMIT_STABLE = 2,
    FEAT_RW_CUR_POS = 3,
    FEAT_CUR_PERSONALITY = 4,
    FEAT_FAST_POLL = 5,
    FEAT_POLL_32BITS = 6,
    FEAT_SQPOLL_NONFIXED = 7,
    FEAT_EXT_ARG = 8,
    FEAT_NATIVE_WORKERS = 9,
    FEAT_RSRC_TAGS = 10,
    FEAT_CQE_SKIP = 11,
    FEAT_LINKED_FILE = 12,
    FEAT_REG_REG_RING = 13,
    FEAT_RECVSEND_BUNDLE = 14,
    FEAT_MIN_TIMEOUT = 15,
    FEAT_RW_ATTR = 16,
    FEAT_NO_IOWAIT = 17,
}

bits! {
    ENTER_GETEVENTS = 0,
    ENTER_SQ_WAKEUP = 1,
    ENTER_SQ_WAIT = 2,
    ENTER_EXT_ARG = 3,
    ENTER_REGISTERED_RING = 4,
    ENTER_ABS_TIMER = 5,
    ENTER_EXT_ARG_REG = 6,
    ENTER_NO_IOWAIT = 7,
}

bits! {
    SQ_NEED_WAKEUP = 0,
    /// CQEs wait in the kernel for room in the completion queue.
    SQ_CQ_OVERFLOW = 1,
    SQ_TASKRUN = 2,
}

macro_rules! register_operations {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        $($(#[$doc])* pub(crate) const $name: u32 = $number;)*
    };
}

register_operations! {
    REGISTER_BUFFERS = 0,
    UNREGISTER_BUFFERS = 1,
    REGISTER_FILES = 2,
    UNREGISTER_FILES = 3,
    REGISTER_EVENTFD = 4,
    UNREGISTER_EVENTFD = 5,
    /// 5.5
    REGISTER_FILES_UPDATE = 6,
    REGISTER_EVENTFD_ASYNC = 7,
    REGISTER_PROBE = 8,
    REGISTER_PERSONALITY = 9,
    UNREGISTER_PERSONALITY = 10,
    REGISTER_RESTRICTIONS = 11,
    /// 5.10
    REGISTER_ENABLE_RINGS = 12,
    /// 5.13
    REGISTER_FILES2 = 13,
    REGISTER_FILES_UPDATE2 = 14,
    /// 5.13
    REGISTER_BUFFERS2 = 15,
    /// 5.13
    REGISTER_BUFFERS_UPDATE = 16,
    REGISTER_IOWQ_AFF = 17,
    UNREGISTER_IOWQ_AFF = 18,
    REGISTER_IOWQ_MAX_WORKERS = 19,
    /// 5.18
    REGISTER_RING_FDS = 20,
    /// 5.18
    UNREGISTER_RING_FDS = 21,
    /// 5.19; `IORING_REGISTER_PBUF_RING`.
    REGISTER_BUFFER_RING = 22,
    /// 5.19; `IORING_UNREGISTER_PBUF_RING`.
    UNREGISTER_BUFFER_RING = 23,
    REGISTER_SYNC_CANCEL = 24,
    REGISTER_FILE_ALLOC_RANGE = 25,
    /// `IORING_REGISTER_PBUF_STATUS`.
    REGISTER_BUFFER_STATUS = 26,
    REGISTER_NAPI = 27,
    UNREGISTER_NAPI = 28,
    REGISTER_CLOCK = 29,
    REGISTER_CLONE_BUFFERS = 30,
    REGISTER_SEND_MSG_RING = 31,
    /// 6.15
    REGISTER_ZCRX_IFQ = 32,
    REGISTER_RESIZE_RINGS = 33,
    REGISTER_MEM_REGION = 34,
    REGISTER_QUERY = 35,
    REGISTER_ZCRX_CTRL = 36,
    REGISTER_BPF_FILTER = 37,
}

/// `IORING_REGISTER_USE_REGISTERED_RING`: the ring is named by its index, not by a descriptor.
pub(crate) const REGISTER_USE_REGISTERED_RING: u32 = 1 << 31;

/// Where the submission and completion rings are mapped from (`IORING_OFF_SQ_RING`).
pub(crate) const OFFSET_RINGS: libc::off_t = 0;
/// Where the submission queue's entries are mapped from (`IORING_OFF_SQES`).
pub(crate) const OFFSET_ENTRIES: libc::off_t = 0x1000_0000;

/// `struct io_sqring_offsets`: where the submission queue's words are in the mapping, in bytes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct SubmissionOffsets {
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) ring_mask: u32,
    pub(crate) ring_entries: u32,
    pub(crate) flags: u32,
    pub(crate) dropped: u32,
    pub(crate) array: u32,
    pub(crate) reserved: u32,
    pub(crate) user_address: u64,
}

/// `struct io_cqring_offsets`: where the completion queue's words are in the mapping, in bytes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct CompletionOffsets {
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) ring_mask: u32,
    pub(crate) ring_entries: u32,
    pub(crate) overflow: u32,
    pub(crate) cqes: u32,
    pub(crate) flags: u32,
    pub(crate) reserved: u32,
    pub(crate) user_address: u64,
}

/// `struct io_uring_params`: what is asked of `io_uring_setup`, and what it answers.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Params {
    pub(crate) sq_entries: u32,
    pub(crate) cq_entries: u32,
    pub(crate) flags: u32,
    pub(crate) sq_thread_cpu: u32,
    pub(crate) sq_thread_idle: u32,
    pub(crate) features: u32,
    pub(crate) wq_fd: u32,
    pub(crate) reserved: [u32; 3],
    pub(crate) submission: SubmissionOffsets,
    pub(crate) completion: CompletionOffsets,
}

/// `struct __kernel_timespec`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Timespec {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i64,
}

/// `struct io_uring_getevents_arg`: what `ENTER_EXT_ARG` passes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct GeteventsArg {
    pub(crate) signal_mask: u64,
    pub(crate) signal_mask_size: u32,
    pub(crate) min_wait_usec: u32,
    /// The address of a [`Timespec`], or 0.
    pub(crate) timeout: u64,
}

/// `struct io_uring_rsrc_update`, as the registration of a ring's descriptor uses it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RingFdUpdate {
    /// The index, or `u32::MAX` for any.
    pub(crate) offset: u32,
    pub(crate) reserved: u32,
    /// The descriptor.
    pub(crate) data: u64,
}

/// `IORING_RSRC_REGISTER_SPARSE`: a table of empty slots; 5.19.
pub(crate) const RSRC_REGISTER_SPARSE: u32 = 1;
/// The most slots of a table of buffers.
pub(crate) const BUFFERS_MAX: u32 = 1 << 14;

/// `struct io_uring_rsrc_register`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ResourceRegister {
    pub(crate) slots: u32,
    pub(crate) flags: u32,
    pub(crate) reserved: u64,
    pub(crate) data: u64,
    pub(crate) tags: u64,
}

/// `struct io_uring_rsrc_update`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ResourceUpdate {
    pub(crate) offset: u32,
    pub(crate) reserved: u32,
    /// The address of the new contents.
    pub(crate) data: u64,
}

/// `struct io_uring_rsrc_update2`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ResourceUpdate2 {
    pub(crate) offset: u32,
    pub(crate) reserved: u32,
    /// The address of the new contents.
    pub(crate) data: u64,
    pub(crate) tags: u64,
    pub(crate) count: u32,
    pub(crate) reserved2: u32,
}

/// `IOU_PBUF_RING_INC`: the kernel uses buffers up bit by bit.
pub(crate) const BUFFER_RING_INCREMENTAL: u16 = 1 << 1;

/// `struct io_uring_buf_reg`: a ring of provided buffers.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct BufferRing {
    pub(crate) address: u64,
    pub(crate) entries: u32,
    pub(crate) id: u16,
    pub(crate) flags: u16,
    pub(crate) reserved: [u64; 3],
}

/// `struct io_uring_zcrx_ifq_reg`: a receive queue of a network card.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ReceiveQueue {
    pub(crate) interface: u32,
    pub(crate) queue: u32,
    pub(crate) entries: u32,
    pub(crate) flags: u32,
    /// The address of a [`ReceiveArea`].
    pub(crate) area: u64,
    /// The address of a [`ReceiveRegion`].
    pub(crate) region: u64,
    /// Where head, tail and entries are: filled in by the kernel.
    pub(crate) offsets: RefillOffsets,
    pub(crate) id: u32,
    pub(crate) reserved: [u32; 7],
}

/// `struct io_uring_zcrx_offsets`: where the words of a refill ring are in its region, in bytes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct RefillOffsets {
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) entries: u32,
    pub(crate) reserved: u32,
    pub(crate) reserved2: [u64; 2],
}

/// `IORING_MEM_REGION_TYPE_USER`: the memory is the process's own.
pub(crate) const REGION_USER: u32 = 1;

/// `struct io_uring_zcrx_area_reg`: the memory that the card writes to.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ReceiveArea {
    pub(crate) address: u64,
    pub(crate) length: u64,
    pub(crate) token: u64,
    pub(crate) flags: u32,
    pub(crate) dmabuf: u32,
    pub(crate) reserved: [u64; 2],
}

/// `struct io_uring_region_desc`: memory for the ring of buffers given back.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ReceiveRegion {
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) flags: u32,
    pub(crate) id: u32,
    pub(crate) offset: u64,
    pub(crate) reserved: [u64; 4],
}

/// How many opcodes a probe has room for; the kernel knows fewer.
pub(crate) const PROBE_OPCODES: usize = 256;

/// `IO_URING_OP_SUPPORTED`.
pub(crate) const PROBE_SUPPORTED: u16 = 1;

/// `struct io_uring_probe_op`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ProbeOpcode {
    pub(crate) opcode: u8,
    pub(crate) reserved: u8,
    pub(crate) flags: u16,
    pub(crate) reserved2: u32,
}

/// `struct io_uring_probe` with room for every opcode.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ProbeAnswer {
    pub(crate) last_opcode: u8,
    pub(crate) opcodes_len: u8,
    pub(crate) reserved: u16,
    pub(crate) reserved2: [u32; 3],
    pub(crate) opcodes: [ProbeOpcode; PROBE_OPCODES],
}

/// `struct io_uring_query_hdr`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct QueryHeader {
    pub(crate) next: u64,
    /// The address of what is asked for: a [`QueryOpcodes`] for the query 0.
    pub(crate) data: u64,
    pub(crate) query: u32,
    pub(crate) size: u32,
    pub(crate) result: i32,
    pub(crate) reserved: [u32; 3],
}

/// `struct io_uring_query_opcode`: what the kernel knows, as counts and as bits.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct QueryOpcodes {
    pub(crate) opcodes: u32,
    pub(crate) register_operations: u32,
    pub(crate) features: u64,
    pub(crate) setup_flags: u64,
    pub(crate) enter_flags: u64,
    pub(crate) entry_flags: u64,
    pub(crate) queries: u32,
    pub(crate) reserved: u32,
}

const _: () = {
    assert!(size_of::<QueryHeader>() == 40);
    assert!(size_of::<QueryOpcodes>() == 48);
    assert!(size_of::<SubmissionOffsets>() == 40);
    assert!(size_of::<CompletionOffsets>() == 40);
    assert!(size_of::<Params>() == 120);
    assert!(offset_of!(Params, submission) == 40);
    assert!(offset_of!(Params, completion) == 80);
    assert!(size_of::<Timespec>() == 16);
    assert!(size_of::<GeteventsArg>() == 24);
    assert!(size_of::<RingFdUpdate>() == 16);
    assert!(size_of::<ResourceRegister>() == 32);
    assert!(size_of::<ResourceUpdate>() == 16);
    assert!(size_of::<ResourceUpdate2>() == 32);
    assert!(size_of::<BufferRing>() == 40);
    assert!(size_of::<ReceiveQueue>() == 96);
    assert!(size_of::<RefillOffsets>() == 32);
    assert!(offset_of!(ReceiveQueue, offsets) == 32);
    assert!(offset_of!(ReceiveQueue, id) == 64);
    assert!(offset_of!(ReceiveArea, token) == 16);
    assert!(size_of::<ReceiveArea>() == 48);
    assert!(size_of::<ReceiveRegion>() == 64);
    assert!(size_of::<ProbeOpcode>() == 8);
    assert!(size_of::<ProbeAnswer>() == 16 + 8 * PROBE_OPCODES);
};
