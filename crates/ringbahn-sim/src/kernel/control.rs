//! [`Control`]: what travels beside the bytes of a message: descriptors.

use std::os::fd::{IntoRawFd, OwnedFd, RawFd};

use crate::kernel::descriptors::{duplicate, duplicate_passed};
use crate::kernel::request::Request;

/// The length of a control message's header.
const HEADER: usize = 16;

/// Descriptors that travel beside the bytes of a message. They are closed where nobody takes them.
#[derive(Debug, Default)]
pub(crate) struct Control {
    descriptors: Vec<OwnedFd>,
}

impl Control {
    /// What `request` passes on. Fails with `EINVAL` for messages that no simulated socket knows.
    pub(crate) fn of(request: &Request) -> Result<Control, i32> {
        let bytes = request.control();
        let mut rest = &bytes[..];
        let mut descriptors = Vec::new();
        while let Some((head, _)) = rest.split_first_chunk::<HEADER>() {
            let word = |at: usize| i32::from_ne_bytes([0, 1, 2, 3].map(|byte| head[at + byte]));
            let length = usize::from_ne_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|byte| head[byte]));
            if (word(8), word(12)) != (libc::SOL_SOCKET, libc::SCM_RIGHTS)
                || !(HEADER..=rest.len()).contains(&length)
            {
                return Err(libc::EINVAL);
            }
            for number in rest[HEADER..length].chunks_exact(4) {
                let number = RawFd::from_ne_bytes([number[0], number[1], number[2], number[3]]);
                descriptors.push(duplicate_passed(request, number)?);
            }
            rest = &rest[length.next_multiple_of(8).min(rest.len())..];
        }
        Ok(Control { descriptors })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.descriptors.is_empty()
    }

    /// The same once more, with descriptors of its own.
    pub(crate) fn duplicate(&self) -> Result<Control, i32> {
        let descriptors = self.descriptors.iter().map(duplicate).collect::<Result<_, _>>()?;
        Ok(Control { descriptors })
    }

    /// Lays it out for a receiver with so much room, who then owns the descriptors; those that find
    /// no room are closed. Says whether there were such.
    pub(crate) fn into_message(mut self, room: usize) -> (Vec<u8>, bool) {
        let fitting = room.saturating_sub(HEADER) / 4;
        let truncated = self.descriptors.len() > fitting;
        self.descriptors.truncate(fitting);
        if self.descriptors.is_empty() {
            return (Vec::new(), truncated);
        }
        let length = HEADER + 4 * self.descriptors.len();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(libc::SOL_SOCKET.to_ne_bytes());
        bytes.extend(libc::SCM_RIGHTS.to_ne_bytes());
        for descriptor in self.descriptors {
            bytes.extend(descriptor.into_raw_fd().to_ne_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(8).min(room), 0);
        (bytes, truncated)
    }
}
