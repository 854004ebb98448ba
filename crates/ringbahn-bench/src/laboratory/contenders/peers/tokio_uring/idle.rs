//! Connections that wait, each with a buffer of a page, since a receive has one from its beginning.

use std::net;

use super::super::library::Library;
use super::echo;
use crate::laboratory::case::Idle;
use crate::laboratory::contender::Failure;

/// How long a buffer is, in bytes.
const BUFFER: usize = 4096;

pub(super) fn idle<U: Library>(_: &Idle, listener: net::TcpListener) -> Result<(), Failure> {
    echo::serve_with::<U>(BUFFER, listener)
}
