//! A write-ahead log: appends that are on the disk when they are reported, by several writers at
//! once, and what is left of it after a crash.
//!
//! ```sh
//! cargo run --example wal_append
//! ```
//!
//! To wait for the disk is what costs the time, so writers share it (group commit): while one
//! batch is on its way, the records of the next one gather. A batch is one chain, a write and a
//! sync that starts when all is written: the kernel goes from one to the other by itself.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::sync::Arc;

use futures::channel::{mpsc, oneshot};
use futures::executor::block_on;
use futures::future::{join, try_join_all};
use futures::{SinkExt, StreamExt};
use ringbahn::event::{EventExt, Fsync, Position, Write};
use ringbahn::{BufResultExt, DefaultDriver, Drive, Ring, SharedFd};

/// The bytes in front of a record: its length, and the checksum of what it holds.
const HEADER: usize = 4 + 8;

/// The most records that are written at once.
const BATCH_MAX: usize = 64;

/// A record, and where to tell that it is on the disk.
type Request = (Vec<u8>, oneshot::Sender<()>);

/// Appends what the writers send, until the last of them has gone. Yields how many batches it
/// took.
///
/// The first error is the end. After a failed sync nobody knows what is on the disk, so there is
/// no going on; the writers whose records are lost learn it by their senders being dropped.
async fn append_all(file: Arc<File>, requests: mpsc::Receiver<Request>) -> io::Result<u32> {
    let file = SharedFd::new(file);
    let mut offset = 0;
    let mut batches = 0;
    let mut ready = requests.ready_chunks(BATCH_MAX);
    while let Some(batch) = ready.next().await {
        let mut bytes = Vec::new();
        let mut senders = Vec::new();
        for (record, sender) in batch {
            encode(&record, &mut bytes);
            senders.push(sender);
        }
        offset += append(&file, bytes, offset).await?;
        batches += 1;
        for sender in senders {
            // A writer that has gone need not be told.
            let _ = sender.send(());
        }
    }
    Ok(batches)
}

/// Writes `bytes`, and waits until they are on the disk. Yields how many they are.
async fn append(file: &SharedFd, bytes: Vec<u8>, offset: u64) -> io::Result<u64> {
    let length = bytes.len();
    let write = Write::new(file.clone(), bytes, Position::At(offset));
    let durable = write.link(Fsync::new(file.clone()).data_only(true));
    let ((written, _bytes), synced) = DefaultDriver.submit(durable).await;
    // A write that falls short breaks the chain, and says why when it is tried again.
    if written? < length {
        return Err(io::Error::new(io::ErrorKind::WriteZero, "the disk took a part of the batch"));
    }
    synced?;
    Ok(length as u64)
}

/// The same without a chain, which is how it is done in ordinary code: two operations one after
/// the other. A write that falls short goes on by itself here.
async fn append_plainly(log: &Ring<File>, bytes: Vec<u8>, offset: u64) -> io::Result<u64> {
    let length = bytes.len() as u64;
    log.write_all_at(bytes, offset).await.both()?;
    log.sync_data().await?;
    Ok(length)
}

fn encode(record: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&checksum(record).to_le_bytes());
    bytes.extend_from_slice(record);
}

/// The first record in `bytes`, and what is behind it; `None` where there is no whole one.
fn decode(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (record, rest) = rest.split_at_checked(length)?;
    (checksum(record) == u64::from_le_bytes(*sum)).then_some((record, rest))
}

/// FNV-1a, of 64 bits. One that finds more errors is a crate away.
fn checksum(bytes: &[u8]) -> u64 {
    let mix = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// Reads the log back, and cuts off what a crash has left unfinished at its end. Yields the
/// records, and how many bytes were cut off.
async fn recover(log: &Ring<File>) -> io::Result<(Vec<Vec<u8>>, u64)> {
    let (_count, bytes) = log.read_to_end_at(Vec::new(), 0).await.both()?;
    let mut records = Vec::new();
    let mut rest = &bytes[..];
    while let Some((record, behind)) = decode(rest) {
        records.push(record.to_vec());
        rest = behind;
    }
    let torn = rest.len() as u64;
    if torn > 0 {
        log.set_len(bytes.len() as u64 - torn).await?;
        log.sync_all().await?;
    }
    Ok((records, torn))
}

const WRITERS: usize = 8;
const RECORDS_EACH: usize = 5;

/// Appends its records one after the other, each when the one before is safe.
async fn writer(number: usize, mut requests: mpsc::Sender<Request>) -> io::Result<()> {
    let failed = || io::Error::other("the log has failed");
    for turn in 0..RECORDS_EACH {
        let (sender, safe) = oneshot::channel();
        let record = format!("record {turn} of writer {number}").into_bytes();
        requests.send((record, sender)).await.map_err(|_| failed())?;
        safe.await.map_err(|_| failed())?;
    }
    Ok(())
}

async fn run() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log");
    let file = Arc::new(File::create_new(&path)?);

    let (sender, requests) = mpsc::channel(BATCH_MAX);
    let writers = (0..WRITERS).map(|number| writer(number, sender.clone()));
    let writers = try_join_all(writers.collect::<Vec<_>>());
    drop(sender);
    let (batches, written) = join(append_all(file, requests), writers).await;
    let batches = batches?;
    written?;

    let log: Ring<File> = Ring::new(File::options().read(true).write(true).open(&path)?);
    let (records, torn) = recover(&log).await?;
    assert_eq!((records.len(), torn), (WRITERS * RECORDS_EACH, 0));
    println!("{} records of {WRITERS} writers in {batches} batches", records.len());

    // Another one, by itself; and then the power fails in the middle of one.
    let end = log.metadata().await?.len();
    let mut bytes = Vec::new();
    encode(b"the last one that counts", &mut bytes);
    let end = end + append_plainly(&log, bytes, end).await?;
    let mut bytes = Vec::new();
    encode(b"half of it is missing", &mut bytes);
    bytes.truncate(HEADER + 9);
    append_plainly(&log, bytes, end).await?;

    let (records, torn) = recover(&log).await?;
    assert_eq!(records.last().map(Vec::as_slice), Some(&b"the last one that counts"[..]));
    assert_eq!(log.metadata().await?.len(), end);
    println!(
        "{} records after the crash; {torn} bytes of an unfinished one cut off",
        records.len()
    );
    log.close().await
}

fn main() -> io::Result<()> {
    DefaultDriver::shared().unwrap_or_else(unavailable);
    block_on(run())
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
