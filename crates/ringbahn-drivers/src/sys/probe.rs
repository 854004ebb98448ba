//! [`Probe`]: which operations the running kernel knows.
//!
//! # Safety
//!
//! P1. `IORING_REGISTER_PROBE` with a count of `n` writes a header and at most `n` opcodes to the
//!     address given, during the call only, and wants to find it zeroed. [`ProbeAnswer`] has room
//!     for [`PROBE_OPCODES`] and accepts every bit pattern.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

use super::register::register;
use super::uapi::{PROBE_OPCODES, PROBE_SUPPORTED, ProbeAnswer, ProbeOpcode, REGISTER_PROBE};

/// Which operations the running kernel knows.
///
/// A kernel that knows an operation may still refuse what is asked of it: file systems and
/// sockets differ. A probe only tells what is not worth trying.
///
/// # Kernel
///
/// 5.6; every kernel that [`Setup`](crate::Setup) accepts has it.
#[derive(Clone, Debug)]
pub struct Probe {
    supported: [u64; PROBE_OPCODES / 64],
}

impl Probe {
    pub(crate) fn of(ring: BorrowedFd<'_>) -> io::Result<Probe> {
        let mut answer = ProbeAnswer {
            last_opcode: 0,
            opcodes_len: 0,
            reserved: 0,
            reserved2: [0; 3],
            opcodes: [ProbeOpcode::default(); PROBE_OPCODES],
        };
        let argument = (&raw mut answer).cast();
        // SAFETY: P1; `answer` is a zeroed local with room for the count given.
        unsafe { register(ring, REGISTER_PROBE, argument, PROBE_OPCODES as u32) }?;
        Ok(Probe::read(&answer))
    }

    /// What an engine knows that executes these.
    pub(crate) fn with(opcodes: &[u8]) -> Probe {
        let mut probe = Probe { supported: [0; PROBE_OPCODES / 64] };
        opcodes.iter().for_each(|&opcode| probe.add(opcode));
        probe
    }

    fn add(&mut self, opcode: u8) {
        let number = usize::from(opcode);
        self.supported[number / 64] |= 1 << (number % 64);
    }

    fn read(answer: &ProbeAnswer) -> Probe {
        let mut probe = Probe { supported: [0; PROBE_OPCODES / 64] };
        for opcode in answer.opcodes.iter().take(usize::from(answer.opcodes_len)) {
            if opcode.flags & PROBE_SUPPORTED != 0 {
                probe.add(opcode.opcode);
            }
        }
        probe
    }

    /// Whether the kernel knows `opcode`, one of [`opcode`](ringbahn_core::opcode).
    pub fn supports(&self, opcode: u8) -> bool {
        let number = usize::from(opcode);
        self.supported[number / 64] & 1 << (number % 64) != 0
    }
}
