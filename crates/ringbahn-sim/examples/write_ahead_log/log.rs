//! A write-ahead log, and the simulation that it has to survive.
//!
//! A record is acknowledged when it is on the disk for good: written behind the last one, and
//! synced. After a crash every acknowledged record must be found again.

use std::cell::RefCell;
use std::io;

use ringbahn_core::event::{Fsync, OpenAt, OpenOptions, Position, Read, Write, WriteAll};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_sim::{Fault, Faults, Sim, SimDriver};

const PATH: &str = "/log";

/// The length of a record's header: number, length and checksum.
const HEADER: usize = 24;

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Append {
    /// With one write, which is believed to have written everything.
    Believing,
    /// Until all of it is written.
    Whole,
}

/// A log that is open.
struct Log {
    driver: SimDriver,
    file: SharedFd,
    append: Append,
    end: u64,
    records: u64,
}

impl Log {
    /// Opens the log, and finds where its records end.
    async fn open(driver: SimDriver, append: Append) -> io::Result<Log> {
        let mut options = OpenOptions::new();
        let open = OpenAt::new(PATH, options.read(true).write(true).create(true))?;
        let file = SharedFd::from(driver.clone().submit(open).await?);
        // A new file is found again only when its directory is on the disk, too.
        let root = OpenAt::new("/", OpenOptions::new().read(true))?;
        let root = driver.clone().submit(root).await?;
        driver.clone().submit(Fsync::new(root)).await?;

        let mut log = Log { driver, file, append, end: 0, records: 0 };
        let content = log.content().await?;
        while let Some(length) = valid(&content[log.end as usize..], log.records) {
            log.end += length as u64;
            log.records += 1;
        }
        Ok(log)
    }

    async fn content(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let position = Position::At(content.len() as u64);
            let read = Read::new(self.file.clone(), vec![0; 4096], position);
            let (count, buffer) = self.driver.clone().submit(read).await;
            if count? == 0 {
                return Ok(content);
            }
            content.extend_from_slice(&buffer);
        }
    }

    /// Adds a record. When this is done it is on the disk for good.
    async fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        let record = record(self.records, payload);
        let (length, position) = (record.len() as u64, Position::At(self.end));
        match self.append {
            Append::Believing => {
                let write = Write::new(self.file.clone(), record, position);
                // The bug: it may have written less than that.
                let (_count, _) = self.driver.clone().submit(write).await;
            }
            Append::Whole => {
                let write = WriteAll::new(self.file.clone(), record, position);
                self.driver.clone().submit(write).await.0?;
            }
        }
        self.driver.clone().submit(Fsync::new(self.file.clone())).await?;
        self.end += length;
        self.records += 1;
        Ok(())
    }
}

fn record(number: u64, payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(HEADER + payload.len());
    record.extend(number.to_le_bytes());
    record.extend((payload.len() as u64).to_le_bytes());
    record.extend(checksum(number, payload).to_le_bytes());
    record.extend(payload);
    record
}

/// The length of the record with which `bytes` begin, if it is whole and has this number.
fn valid(bytes: &[u8], number: u64) -> Option<usize> {
    let word = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let length = usize::try_from(word(8)?).ok()?;
    let payload = bytes.get(HEADER..)?.get(..length)?;
    (word(0)? == number && word(16)? == checksum(number, payload)).then_some(HEADER + length)
}

fn checksum(number: u64, payload: &[u8]) -> u64 {
    let start = number.wrapping_add(0xcbf2_9ce4_8422_2325);
    payload.iter().fold(start, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Runs the log through crashes, short writes and slow disks.
///
/// # Errors
///
/// What was lost, in words.
pub(crate) fn simulate(seed: u64, append: Append) -> Result<(), String> {
    let faults = Faults::none()
        .with(Fault::Defer, 0.3)
        .with(Fault::ShortWrite, 0.02)
        .with(Fault::ShortRead, 0.1)
        .with(Fault::StoppedUnasked, 0.02)
        .with(Fault::Crash, 0.02);
    let sim = Sim::with_faults(seed, faults);
    let acknowledged = RefCell::new(0_u64);
    let appending = async || {
        let mut log = Log::open(sim.driver(), append).await.map_err(|error| error.to_string())?;
        let promised = *acknowledged.borrow();
        if log.records < promised {
            return Err(format!("{} of {promised} acknowledged records are there", log.records));
        }
        for _ in 0..8 {
            let payload = vec![log.records as u8; 1 + sim.random(700) as usize];
            log.append(&payload).await.map_err(|error| error.to_string())?;
            *acknowledged.borrow_mut() = log.records;
        }
        Ok(())
    };
    for _ in 0..4 {
        // Crashed or not, it is opened again.
        if let Ok(ended) = sim.run_until_crash(appending()) {
            ended?;
        }
    }
    sim.set_faults(Faults::none());
    sim.block_on(appending())
}
