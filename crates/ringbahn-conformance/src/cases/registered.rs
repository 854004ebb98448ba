//! What is registered with a ring: buffers, groups of them, and files in slots.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use ringbahn_core::event::{
    Accept, OpenAt, OpenOptions, Opens as _, Position, Read, ReadExact, ReadProvided, RecvProvided,
    SendAll, WriteAll,
};
use ringbahn_core::{Cancelled, ForeignRing, IoBuf as _, IoBufMut as _, SharedFd};

use crate::any_buffer::AnyBuffer;
use crate::bench::{Bench, poll_once};
use crate::case::list_cases;
use crate::cases::data::pattern;
use crate::cases::streams::is_full;
use crate::kind::Kind;
use crate::props::{DATA, file_with, listener, pipe, shared, socket_pair};
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};

list_cases! {
    a_registered_buffer_is_written_and_read_into,
    a_registered_buffer_is_good_for_other_rings,
    a_cancelled_read_gives_its_registered_buffer_back,
    registered_buffers_outlive_their_driver,
    a_receive_takes_a_buffer_when_there_is_data,
    a_read_takes_a_buffer_of_a_group,
    an_abandoned_receive_gives_its_buffer_back,
    a_group_of_another_ring_is_refused,
    a_file_in_a_slot_is_written_and_read,
    a_connection_in_a_slot_is_closed_with_it,
    a_full_table_takes_nothing_and_a_closed_slot_is_used_again,
    a_file_opened_into_a_slot_for_nobody_is_closed,
    a_slot_of_another_ring_is_refused,
}

fn one(mut buffers: Vec<AnyBuffer>) -> Result<AnyBuffer, Stop> {
    buffers.pop().ok_or_else(|| Stop::failed("there is no registered buffer"))
}

fn read_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// Whether an error says that something is of another ring.
fn is_foreign(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>())
}

fn a_registered_buffer_is_written_and_read_into<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let mut buffer = one(driver.registered_buffers(2, 4096)?)?;
    let file = shared(file_with(&[])?);
    ensure_eq!(buffer.fill_from(DATA), DATA.len(), "bytes that fit into a registered buffer");
    let write = WriteAll::new(file.clone(), buffer, Position::At(3));
    let (result, buffer) = driver.complete(write)?;
    result?;
    let (count, buffer) = driver.complete(Read::new(file.clone(), buffer, Position::At(0)))?;
    ensure_eq!(count?, DATA.len() + 3, "bytes read");
    ensure_eq!(buffer.as_bytes()[3..], *DATA, "what was read");
    let part = ReadExact::new(file, buffer.slice(1..5), Position::At(3));
    let (result, part) = driver.complete(part)?;
    result?;
    ensure_eq!(part.as_bytes(), &DATA[..4], "what was read into a part of it");
    drop(part);
    driver.end()
}

fn a_registered_buffer_is_good_for_other_rings<S: Kind>(bench: &Bench<S>) -> Verdict {
    let (driver, other) = (bench.driver()?, bench.driver()?);
    let buffer = one(driver.registered_buffers(1, 4096)?)?;
    let file = shared(file_with(DATA)?);
    let (count, buffer) = other.complete(Read::new(file, buffer, Position::At(0)))?;
    ensure_eq!(count?, DATA.len(), "bytes read");
    ensure_eq!(buffer.as_bytes(), DATA, "what was read");
    drop(buffer);
    other.end()?;
    driver.end()
}

fn a_cancelled_read_gives_its_registered_buffer_back<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let mut buffer = one(driver.registered_buffers(1, 64)?)?;
    let (reader, mut writer) = pipe()?;
    for _ in 0..10 {
        let mut read = driver.submit(Read::new(reader.clone(), buffer, Position::Current));
        driver.start(&mut read)?;
        let Cancelled::Cancelled((result, returned)) = driver.run(read.cancel())? else {
            return Err(Stop::failed("a read of an empty pipe has completed"));
        };
        ensure!(result.is_err(), "it was cancelled, and says {result:?}");
        ensure_eq!(returned.bytes_len(), 0, "bytes in the buffer of a cancelled read");
        buffer = returned;
    }
    writer.write_all(&DATA[..5])?;
    let (count, buffer) = driver.complete(Read::new(reader, buffer, Position::Current))?;
    ensure_eq!(count?, 5, "bytes read");
    ensure_eq!(buffer.as_bytes(), &DATA[..5], "what was read");
    drop(buffer);
    driver.end()
}

fn registered_buffers_outlive_their_driver<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let mut buffers = driver.registered_buffers(2, 64)?;
    driver.end()?;
    for buffer in &mut buffers {
        buffer.fill_from(DATA);
        ensure_eq!(buffer.as_bytes(), DATA, "what is in a buffer that has outlived its driver");
    }
    let other = bench.driver()?;
    let write = WriteAll::new(shared(file_with(&[])?), one(buffers)?, Position::At(0));
    other.complete(write)?.0?;
    other.end()
}

fn a_receive_takes_a_buffer_when_there_is_data<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 4)?;
    let group = driver.buffer_group(1, 4)?;
    let (near, mut far) = socket_pair()?;
    let (other_near, mut other_far) = socket_pair()?;
    // Two wait, and the one buffer is good for either.
    let mut first = driver.submit(RecvProvided::new(other_near, &group));
    let mut second = driver.submit(RecvProvided::new(near.clone(), &group));
    driver.start(&mut first)?;
    driver.start(&mut second)?;
    other_far.write_all(b"abc")?;
    let buffer = driver.run(first)??;
    ensure_eq!(buffer.as_deref(), Some(&b"abc"[..]), "what the first has received");
    drop(buffer);
    far.write_all(b"defghi")?;
    let buffer = driver.run(second)??;
    ensure_eq!(buffer.as_deref(), Some(&b"defg"[..]), "what the second has received");

    let before = group.returns();
    let error = driver.complete(RecvProvided::new(near.clone(), &group))?.err();
    let errno = error.and_then(|error| error.raw_os_error());
    ensure_eq!(errno, Some(libc::ENOBUFS), "what an empty group answers");
    drop(buffer);
    driver.run(group.returned_after(before))?;
    let rest = driver.complete(RecvProvided::new(near.clone(), &group))??;
    ensure_eq!(rest.as_deref(), Some(&b"hi"[..]), "the rest");
    drop((rest, far));
    let end = driver.complete(RecvProvided::new(near, &group))??;
    ensure!(end.is_none(), "there is something after the end");
    is_full(&driver, &group)?;
    driver.end()
}

fn a_read_takes_a_buffer_of_a_group<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let group = driver.buffer_group(2, 64)?;
    let content = pattern(100);
    let file = shared(file_with(&content)?);
    let read = |at| driver.complete(ReadProvided::new(file.clone(), &group, Position::At(at)));
    ensure_eq!(read(0)??.as_deref(), Some(&content[..64]), "the first buffer");
    ensure_eq!(read(64)??.as_deref(), Some(&content[64..]), "the second buffer");
    ensure!(read(100)??.is_none(), "there is something behind the end");
    is_full(&driver, &group)?;
    driver.end()
}

fn an_abandoned_receive_gives_its_buffer_back<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let group = driver.buffer_group(2, 64)?;
    for _ in 0..20 {
        let (near, mut far) = socket_pair()?;
        let mut receive = driver.submit(RecvProvided::new(near, &group));
        driver.start(&mut receive)?;
        far.write_all(b"x")?;
        // It may have received already, or be stopped before it does.
        drop(receive);
        driver.until_idle()?;
    }
    is_full(&driver, &group)?;
    driver.end()
}

fn a_group_of_another_ring_is_refused<S: Kind>(bench: &Bench<S>) -> Verdict {
    let (driver, other) = (bench.driver()?, bench.driver()?);
    let group = other.buffer_group(1, 64)?;
    let (near, mut far) = socket_pair()?;
    far.write_all(b"x")?;
    let error = driver.complete(RecvProvided::new(near.clone(), &group))?.err();
    ensure!(error.as_ref().is_some_and(is_foreign), "on another ring it answers {error:?}");
    let received = other.complete(RecvProvided::new(near, &group))??;
    ensure_eq!(received.as_deref(), Some(&b"x"[..]), "what is received on its own");
    drop(received);
    driver.end()?;
    other.end()
}

fn a_file_in_a_slot_is_written_and_read<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let table = driver.direct_table(1)?;
    let directory = tempfile::tempdir()?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let open = OpenAt::new(directory.path().join("file"), &options)?.into_slot(&table);
    let file = SharedFd::from(driver.complete(open)??);
    driver.complete(WriteAll::new(file.clone(), DATA, Position::At(7)))?.0?;
    let read = Read::new(file.clone(), vec![0; 100], Position::At(7));
    let (count, buffer) = driver.complete(read)?;
    ensure_eq!(count?, DATA.len(), "bytes read");
    ensure_eq!(buffer[..DATA.len()], *DATA, "what was read");
    drop(file);
    driver.until("the slot is closed", || table.open() == 0)?;
    driver.end()
}

fn a_connection_in_a_slot_is_closed_with_it<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let table = driver.direct_table(2)?;
    let listener = listener()?;
    let address = listener.local_addr()?;
    let mut accept = driver.submit(Accept::new(shared(listener)).into_slot(&table));
    driver.start(&mut accept)?;
    let mut far = TcpStream::connect(address)?;
    far.set_read_timeout(Some(std::time::Duration::from_secs(3)))?;
    let (near, peer) = driver.run(accept)??;
    ensure_eq!(peer.as_inet(), Some(far.local_addr()?), "the peer");
    let near = SharedFd::from(near);
    driver.complete(SendAll::new(near.clone(), DATA))?.0?;
    drop(near);
    driver.until("the slot is closed", || table.open() == 0)?;
    // A driver of one thread closes it when that comes by.
    driver.moment()?;
    let mut received = Vec::new();
    far.read_to_end(&mut received)?;
    ensure_eq!(received, DATA, "what was sent");
    driver.end()
}

fn a_full_table_takes_nothing_and_a_closed_slot_is_used_again<S: Kind>(
    bench: &Bench<S>,
) -> Verdict {
    let driver = bench.driver()?;
    let table = driver.direct_table(2)?;
    let open = || driver.complete(OpenAt::new("/dev/null", &read_only())?.into_slot(&table));
    let mut files = vec![open()??, open()??];
    for round in 0..10 {
        let error = open()?.err();
        let errno = error.and_then(|error| error.raw_os_error());
        ensure_eq!(errno, Some(libc::ENFILE), "what a full table answers");
        let slot = files.remove(round % 2).slot();
        let file = open()??;
        ensure_eq!(file.slot(), slot, "the slot that was free");
        files.push(file);
    }
    drop(files);
    driver.until("every slot is closed", || table.open() == 0)?;
    driver.end()
}

fn a_file_opened_into_a_slot_for_nobody_is_closed<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let table = driver.direct_table(2)?;
    for _ in 0..50 {
        let open = OpenAt::new("/dev/null", &read_only())?.into_slot(&table);
        let mut open = driver.submit(open);
        let _ = poll_once(&mut open);
        drop(open);
        driver.until_idle()?;
        driver.until("every slot is closed", || table.open() == 0)?;
    }
    // All of them can be filled.
    let open = || driver.complete(OpenAt::new("/dev/null", &read_only())?.into_slot(&table));
    let files = [open()??, open()??];
    drop(files);
    driver.end()
}

fn a_slot_of_another_ring_is_refused<S: Kind>(bench: &Bench<S>) -> Verdict {
    let (driver, other) = (bench.driver()?, bench.driver()?);
    let table = other.direct_table(1)?;
    let open = || OpenAt::new("/dev/zero", &read_only()).map(|open| open.into_slot(&table));
    let error = driver.complete(open()?)?.err();
    ensure!(error.as_ref().is_some_and(is_foreign), "on another ring it answers {error:?}");
    let file = SharedFd::from(other.complete(open()?)??);
    let read = || Read::new(file.clone(), vec![7; 7], Position::Current);
    let (result, buffer) = driver.complete(read())?;
    let error = result.err();
    ensure!(error.as_ref().is_some_and(is_foreign), "on another ring it answers {error:?}");
    ensure_eq!(buffer, [7; 7], "the buffer of a read that was refused");
    ensure_eq!(other.complete(read())?.0?, 7, "bytes read on its own");
    drop(file);
    driver.end()?;
    other.end()
}
