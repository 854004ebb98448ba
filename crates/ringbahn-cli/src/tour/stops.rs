//! The stops of the tour. Each is a function from a [`Site`](super::site::Site) to a
//! [`Finding`](super::finding::Finding): what was done, in a few words, or what did not hold.

pub(crate) mod cancel;
pub(crate) mod copy;
pub(crate) mod echo;
pub(crate) mod errors;
pub(crate) mod files;
pub(crate) mod linked;
pub(crate) mod ring_echo;
pub(crate) mod ring_file;
pub(crate) mod shutdown;
pub(crate) mod sync;
pub(crate) mod timers;
pub(crate) mod up;
pub(crate) mod vectored;
pub(crate) mod zero_copy;
