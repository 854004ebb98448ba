//! [`listener`]: a socket that listens already becomes one of the runtime.
//!
//! # Safety
//!
//! GL1. The number is that of a descriptor which its owner has just given up.
#![allow(unsafe_code)]

use std::net;
use std::os::fd::{FromRawFd as _, IntoRawFd as _};

use glommio::net::TcpListener;

/// The same socket, within the runtime that this is called from.
pub(super) fn listener(listener: net::TcpListener) -> TcpListener {
    // SAFETY: GL1.
    unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) }
}
