//! The workloads of the network. What is measured is the server; the load is the same for all.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bytes;

/// Messages over TCP that are sent back. An operation is a message.
///
/// Messages have the same length, but a server treats what comes as a stream: it sends back
/// whatever a receive yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Echo {
    /// How many connections there are.
    pub(crate) connections: u32,
    /// How long a message is, in bytes.
    pub(crate) length: u64,
    /// How many messages of a connection are on their way at a time.
    pub(crate) pipeline: u32,
}

/// Connections that carry one byte there and back and are closed. An operation is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accept {
    /// How many there are at a time.
    pub(crate) connections: u32,
}

/// Connections that have carried 64 bytes there and back and then wait. An operation is a
/// connection, and its cost the memory of the server that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Idle {
    /// How many there are.
    pub(crate) connections: u32,
}

/// Requests of HTTP/1.1 upon connections that are kept, served by hyper. An operation is a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Http {
    /// How many connections there are, each with one request on its way.
    pub(crate) connections: u32,
}

impl Echo {
    /// How long a buffer is that is received into, in bytes: the same for all.
    pub(crate) fn buffer(&self) -> usize {
        self.length.max(1024) as usize
    }

    /// How many buffers the kernel is given to choose from, where it does: twice as many as there
    /// are messages on their way, since these may come in parts. Not more, for those that were used
    /// last are in the processor's cache.
    pub(crate) fn buffers(&self) -> u16 {
        let messages = u64::from(self.connections) * u64::from(self.pipeline);
        (2 * messages).next_power_of_two().clamp(64, 1 << 14) as u16
    }
}

impl fmt::Display for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", connections(self.connections), bytes(self.length))?;
        if self.pipeline == 1 { Ok(()) } else { write!(f, ", pipeline {}", self.pipeline) }
    }
}

impl fmt::Display for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at a time", connections(self.connections))
    }
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&connections(self.connections))
    }
}

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&connections(self.connections))
    }
}

fn connections(number: u32) -> String {
    if number == 1 { "1 connection".to_owned() } else { format!("{number} connections") }
}
