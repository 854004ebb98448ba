//! The kernel's interface as it is: numbers, structures, three system calls, and mappings.
//!
//! Nothing here decides anything. Policy (which flags, what to retry, what an error means) lives in
//! [`Setup`](crate::Setup) and above.

pub(crate) mod at_once;
pub(crate) mod buffer_ring;
pub(crate) mod datagram_option;
pub(crate) mod enter;
pub(crate) mod fork;
pub(crate) mod mmap;
pub(crate) mod probe;
pub(crate) mod receive_queue;
pub(crate) mod register;
pub(crate) mod register_trial;
pub(crate) mod resources;
pub(crate) mod ring_name;
pub(crate) mod setup;
pub(crate) mod setup_trial;
pub(crate) mod tuning;
pub(crate) mod uapi;
