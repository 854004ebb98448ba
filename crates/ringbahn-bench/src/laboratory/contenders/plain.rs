//! System calls by hand, without a ring.

mod calls;
mod epoll;

pub(super) use calls::CALLS;
pub(super) use epoll::EPOLL;
