//! Small files: for each a chain of entries, which the kernel goes through on a thread of its own
//! without coming back for the next.
//!
//! # Safety
//!
//! RM1. The names and the memory of `statx` are never freed, and nobody reads the latter.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::time::Instant;

use io_uring::opcode;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{DestinationSlot, Fd, Fixed};
use rustix::fs::{OFlags, StatxFlags};

use super::ring::{Ring, result};
use crate::laboratory::case::Metadata;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::memory;
use crate::laboratory::meter::{Meter, Stopwatch};

/// How many bytes the kernel writes of a file, at most.
const STATX: usize = 256;

struct Files {
    ring: Ring,
    directory: File,
    files: Vec<Chain>,
    stopwatch: Stopwatch,
}

/// One of the files that are dealt with side by side.
struct Chain {
    /// Create, close, stat, rename, unlink.
    entries: [Entry; 5],
    start: Option<Instant>,
}

pub(super) fn metadata(case: &Metadata, meter: &mut Meter) -> Result<(), Failure> {
    let path = meter.ground().directory().join("files");
    fs::create_dir(&path)?;
    let directory = File::open(&path)?;
    let ring = Ring::new(256, 512)?;
    ring.register_places(case.depth)?;
    let chains = (0..case.depth).map(|number| Chain::new(Fd(directory.as_raw_fd()), number));
    let files = chains.collect::<Result<_, Failure>>()?;
    let mut files = Files { ring, directory, files, stopwatch: meter.stopwatch() };
    while meter.goes_on() {
        let all = case.lap() * u64::from(case.depth);
        files.lap(all)?;
        meter.did(all);
        meter.took(&mut files.stopwatch);
    }
    drop(files.directory);
    Ok(fs::remove_dir(path)?)
}

impl Files {
    fn lap(&mut self, all: u64) -> Result<(), Failure> {
        let mut completions = Vec::with_capacity(512);
        let mut to_begin = all;
        let mut in_flight = 0;
        for number in 0..self.files.len() {
            self.begin(number)?;
            to_begin -= 1;
            in_flight += 1;
        }
        while in_flight > 0 {
            self.ring.submit_and_wait(1)?;
            self.ring.take(&mut completions);
            for cqe in completions.drain(..) {
                // One completion for each chain: that of its end, or of what has failed.
                result(&cqe)?;
                let number = cqe.user_data() as usize;
                self.stopwatch.stop(self.files[number].start);
                in_flight -= 1;
                if to_begin > 0 {
                    self.begin(number)?;
                    to_begin -= 1;
                    in_flight += 1;
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, number: usize) -> Result<(), Failure> {
        let chain = &mut self.files[number];
        chain.start = self.stopwatch.start();
        // SAFETY: RM1.
        Ok(unsafe { self.ring.push(&chain.entries) }?)
    }
}

impl Chain {
    fn new(directory: Fd, number: u32) -> Result<Chain, Failure> {
        let name = CString::new(number.to_string())?.into_raw().cast_const();
        let other = CString::new(format!("{number}-renamed"))?.into_raw().cast_const();
        let statx = memory::pages(STATX).as_mut_ptr().cast();
        let flags = (OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY).bits().cast_signed();
        let slot = DestinationSlot::try_from_slot_target(number).map_err(|_| "too many files")?;
        // A file that has but a place in the ring's table can be closed by an entry that was written
        // before it was open.
        let open = opcode::OpenAt::new(directory, name).flags(flags).mode(0o644);
        let open = open.file_index(Some(slot)).build();
        let close = opcode::Close::new(Fixed(number)).build();
        let stat = opcode::Statx::new(directory, name, statx);
        let stat = stat.mask(StatxFlags::BASIC_STATS.bits()).build();
        let rename = opcode::RenameAt::new(directory, name, directory, other).build();
        let unlink = opcode::UnlinkAt::new(directory, other).build().user_data(number.into());
        let linked = |entry: Entry| {
            let flags = Flags::IO_LINK | Flags::SKIP_SUCCESS;
            entry.flags(flags).user_data(number.into())
        };
        let entries = [linked(open), linked(close), linked(stat), linked(rename), unlink];
        Ok(Chain { entries, start: None })
    }
}
