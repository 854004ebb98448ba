//! The kernel's numbers for the operations of `io_uring_register`.
//!
//! They are for [`Restrictions::allow_registration`](crate::Restrictions::allow_registration) and
//! [`Setup::without_registration`](crate::Setup::without_registration). What each is for, and by
//! which method ringbahn uses it, [`KNOBS`](crate::tuning::KNOBS) says.

macro_rules! registrations {
    ($($name:ident = $number:literal,)*) => {
        $(
            #[doc = concat!("`IORING_", stringify!($name), "`, with `REGISTER_` before it where ")]
            #[doc = "that is not taken back."]
            pub const $name: u8 = $number;
        )*
    };
}

registrations! {
    BUFFERS = 0,
    UNREGISTER_BUFFERS = 1,
    FILES = 2,
    UNREGISTER_FILES = 3,
    EVENTFD = 4,
    UNREGISTER_EVENTFD = 5,
    FILES_UPDATE = 6,
    EVENTFD_ASYNC = 7,
    PROBE = 8,
    PERSONALITY = 9,
    UNREGISTER_PERSONALITY = 10,
    RESTRICTIONS = 11,
    ENABLE_RINGS = 12,
    FILES2 = 13,
    FILES_UPDATE2 = 14,
    BUFFERS2 = 15,
    BUFFERS_UPDATE = 16,
    IOWQ_AFF = 17,
    UNREGISTER_IOWQ_AFF = 18,
    IOWQ_MAX_WORKERS = 19,
    RING_FDS = 20,
    UNREGISTER_RING_FDS = 21,
    PBUF_RING = 22,
    UNREGISTER_PBUF_RING = 23,
    SYNC_CANCEL = 24,
    FILE_ALLOC_RANGE = 25,
    PBUF_STATUS = 26,
    NAPI = 27,
    UNREGISTER_NAPI = 28,
    CLOCK = 29,
    CLONE_BUFFERS = 30,
    SEND_MSG_RING = 31,
    ZCRX_IFQ = 32,
    RESIZE_RINGS = 33,
    MEM_REGION = 34,
    QUERY = 35,
    ZCRX_CTRL = 36,
    BPF_FILTER = 37,
}
