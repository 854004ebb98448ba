//! The structures by which a ring is tuned.

use super::Timespec;

/// `struct io_uring_napi`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Napi {
    /// How long to poll, in microseconds.
    pub(crate) busy_poll: u32,
    pub(crate) prefer_busy_poll: u8,
    pub(crate) opcode: u8,
    pub(crate) reserved: [u8; 2],
    /// How the kernel gets to know which queues to poll; for the other opcodes, the id of one.
    pub(crate) parameter: u32,
    pub(crate) reserved2: u32,
}

/// `IO_URING_NAPI_REGISTER_OP`: registers, or changes what is registered.
pub(crate) const NAPI_REGISTER: u8 = 0;
/// `IO_URING_NAPI_STATIC_ADD_ID`; 6.13.
pub(crate) const NAPI_ADD_ID: u8 = 1;
/// `IO_URING_NAPI_STATIC_DEL_ID`; 6.13.
pub(crate) const NAPI_DELETE_ID: u8 = 2;
/// `IO_URING_NAPI_TRACKING_DYNAMIC`.
pub(crate) const NAPI_TRACKING_DYNAMIC: u32 = 0;
/// `IO_URING_NAPI_TRACKING_STATIC`; 6.13.
pub(crate) const NAPI_TRACKING_STATIC: u32 = 1;
/// `IO_URING_NAPI_TRACKING_INACTIVE`.
pub(crate) const NAPI_TRACKING_INACTIVE: u32 = 255;

/// `struct io_uring_sync_cancel_reg`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct SyncCancel {
    /// The `user_data` of the operation.
    pub(crate) address: u64,
    pub(crate) descriptor: i32,
    pub(crate) flags: u32,
    pub(crate) timeout: Timespec,
    pub(crate) opcode: u8,
    pub(crate) reserved: [u8; 7],
    pub(crate) reserved2: [u64; 3],
}

/// `struct io_uring_clock_register`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct ClockRegister {
    pub(crate) clock: u32,
    pub(crate) reserved: [u32; 3],
}

/// `struct io_uring_clone_buffers`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct CloneBuffers {
    pub(crate) source: u32,
    pub(crate) flags: u32,
    pub(crate) source_offset: u32,
    pub(crate) destination_offset: u32,
    pub(crate) count: u32,
    pub(crate) reserved: [u32; 3],
}

/// `IORING_REGISTER_DST_REPLACE`: what the table has there is replaced; 6.13.
pub(crate) const CLONE_REPLACE: u32 = 1 << 1;

/// `struct io_uring_restriction`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Restriction {
    pub(crate) opcode: u16,
    /// A register operation, an opcode, or `IOSQE_*` flags.
    pub(crate) subject: u8,
    pub(crate) reserved: u8,
    pub(crate) reserved2: [u32; 3],
}

/// `IORING_RESTRICTION_REGISTER_OP`
pub(crate) const RESTRICTION_REGISTER: u16 = 0;
/// `IORING_RESTRICTION_SQE_OP`
pub(crate) const RESTRICTION_OPCODE: u16 = 1;
/// `IORING_RESTRICTION_SQE_FLAGS_ALLOWED`
pub(crate) const RESTRICTION_FLAGS_ALLOWED: u16 = 2;

/// `struct io_uring_mem_region_reg`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct MemoryRegion {
    /// The address of a `ReceiveRegion`, which describes it.
    pub(crate) region: u64,
    pub(crate) flags: u64,
    pub(crate) reserved: [u64; 2],
}

/// `IORING_MEM_REGION_TYPE_USER`: the memory is the program's own.
pub(crate) const REGION_OF_USER: u32 = 1;
/// `IORING_MEM_REGION_REG_WAIT_ARG`: it holds the arguments of waits.
pub(crate) const REGION_FOR_WAITS: u64 = 1;

/// `struct io_uring_reg_wait`: an argument of waits that lies in a registered region.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct RegisteredWait {
    pub(crate) timeout: Timespec,
    pub(crate) min_wait_usec: u32,
    pub(crate) flags: u32,
    pub(crate) signal_mask: u64,
    pub(crate) signal_mask_size: u32,
    pub(crate) reserved: [u32; 3],
    pub(crate) reserved2: [u64; 2],
}

/// `IORING_REG_WAIT_TS`: it has a timeout.
pub(crate) const WAIT_HAS_TIMEOUT: u32 = 1;

/// `struct io_uring_file_index_range`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct SlotRange {
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) reserved: u64,
}

/// `struct io_uring_buf_status`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct BufferStatus {
    pub(crate) group: u32,
    /// How many buffers the kernel has taken, modulo 2^16.
    pub(crate) head: u32,
    pub(crate) reserved: [u32; 8],
}

const _: () = {
    assert!(size_of::<Napi>() == 16);
    assert!(size_of::<SyncCancel>() == 64);
    assert!(size_of::<ClockRegister>() == 16);
    assert!(size_of::<CloneBuffers>() == 32);
    assert!(size_of::<Restriction>() == 16);
    assert!(size_of::<MemoryRegion>() == 32);
    assert!(size_of::<RegisteredWait>() == 64);
    assert!(size_of::<SlotRange>() == 16);
    assert!(size_of::<BufferStatus>() == 40);
};
