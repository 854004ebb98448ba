//! The ring by hand, as fast as it goes.
//!
//! # Safety
//!
//! W1. The entries name a descriptor and a buffer of this value, and each batch is waited for
//!     before anything else is done with them.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use io_uring::{IoUring, opcode, types};

use super::{Way, Work};

pub(super) struct Raw {
    ring: IoUring,
    work: Work,
    batch: usize,
    zero: File,
    buffers: Vec<[u8; 64]>,
}

impl Raw {
    pub(super) fn new(work: Work, batch: usize) -> io::Result<Raw> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag();
        builder.setup_submit_all().setup_no_sqarray();
        let ring = builder.build(256)?;
        ring.submitter().register_ring_fd()?;
        Ok(Raw { ring, work, batch, zero: File::open("/dev/zero")?, buffers: vec![[0; 64]; batch] })
    }
}

impl Way for Raw {
    fn run(&mut self, operations: usize) {
        for _ in 0..operations / self.batch {
            for (number, buffer) in self.buffers.iter_mut().enumerate() {
                let entry = match self.work {
                    Work::Nop => opcode::Nop::new().build(),
                    Work::Read => {
                        let fd = types::Fd(self.zero.as_raw_fd());
                        opcode::Read::new(fd, buffer.as_mut_ptr(), 64).offset(0).build()
                    }
                };
                // SAFETY: W1.
                let pushed =
                    unsafe { self.ring.submission().push(&entry.user_data(number as u64)) };
                pushed.expect("the queue is larger than a batch");
            }
            self.ring.submit_and_wait(self.batch).expect("the ring can be entered");
            let mut seen = 0;
            while seen < self.batch {
                let next = self.ring.completion().next();
                match next {
                    Some(cqe) => {
                        assert!(cqe.result() >= 0);
                        seen += 1;
                    }
                    None => drop(self.ring.submit_and_wait(1)),
                }
            }
        }
    }
}
