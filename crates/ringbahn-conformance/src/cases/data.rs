//! The right bytes at the right places.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use futures::future::join_all;
use ringbahn_core::event::{
    Accept, Connect, Domain, OpenAt, OpenOptions, Position, Read, ReadExact, ReadVectored, Recv,
    RecvMsg, SendAll, SendTo, Statx, Truncate, Type, Write, WriteAll, WriteVectored,
};

use crate::bench::Bench;
use crate::case::list_cases;
use crate::kind::Kind;
use crate::props::{DATA, datagrams, file_with, listener, pipe, shared, socket_pair};
use crate::verdict::{Verdict, ensure, ensure_eq};

list_cases! {
    a_file_is_read_as_it_was_written,
    a_read_and_a_write_at_an_offset_leave_the_position_alone,
    the_position_moves_on_with_what_was_transferred,
    several_buffers_are_filled_and_emptied_in_their_order,
    an_empty_buffer_moves_nothing,
    the_end_of_a_file_cuts_a_read_short,
    a_read_of_all_fails_at_the_end_and_keeps_what_there_was,
    megabytes_go_through_a_file,
    megabytes_go_through_a_pipe,
    a_read_waits_for_its_data,
    many_reads_at_once_have_each_its_own_bytes,
    a_connection_is_made_and_carries_bytes_both_ways,
    a_datagram_arrives_whole_and_with_its_sender,
    a_peek_leaves_the_data,
    a_file_is_opened_measured_and_cut,
}

/// Bytes of which no two stretches are the same.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

fn a_file_is_read_as_it_was_written<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(tempfile::tempfile()?);
    let (written, buffer) =
        driver.complete(Write::new(file.clone(), DATA.to_vec(), Position::At(0)))?;
    ensure_eq!(written?, DATA.len(), "bytes written");
    ensure_eq!(buffer, DATA, "the buffer that was written");
    let event = Read::new(file, Vec::with_capacity(2 * DATA.len()), Position::At(0));
    let (read, buffer) = driver.complete(event)?;
    ensure_eq!(read?, DATA.len(), "bytes read");
    ensure_eq!(buffer, DATA, "the bytes that were read");
    driver.end()
}

fn a_read_and_a_write_at_an_offset_leave_the_position_alone<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(file_with(&[0; 8])?);
    for index in [5_u8, 1, 7, 0] {
        let event = Write::new(file.clone(), [index], Position::At(index.into()));
        ensure_eq!(driver.complete(event)?.0?, 1, "bytes written at {index}");
    }
    for index in [0_u8, 7, 1, 5] {
        let event = Read::new(file.clone(), [9; 1], Position::At(index.into()));
        ensure_eq!(driver.complete(event)?.1, [index], "the byte at {index}");
    }
    // The position is where making the file has left it: at its end.
    let event = Read::new(file, [9; 8], Position::Current);
    ensure_eq!(driver.complete(event)?.0?, 0, "bytes behind the end");
    driver.end()
}

fn the_position_moves_on_with_what_was_transferred<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(tempfile::tempfile()?);
    for word in ["one ", "two ", "three"] {
        let event = Write::new(file.clone(), word, Position::Current);
        ensure_eq!(driver.complete(event)?.0?, word.len(), "bytes written");
    }
    let event = Read::new(file, Vec::with_capacity(64), Position::At(0));
    ensure_eq!(driver.complete(event)?.1, b"one two three", "what was written in three parts");
    driver.end()
}

fn several_buffers_are_filled_and_emptied_in_their_order<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(tempfile::tempfile()?);
    let parts: Vec<&'static [u8]> = vec![b"a", b"", b"bcd", b"ef"];
    let event = WriteVectored::new(file.clone(), parts, Position::At(2));
    ensure_eq!(driver.complete(event)?.0?, 6, "bytes written");
    let buffers = vec![Vec::with_capacity(3), Vec::with_capacity(1), Vec::with_capacity(9)];
    let (read, buffers) = driver.complete(ReadVectored::new(file, buffers, Position::At(0)))?;
    ensure_eq!(read?, 8, "bytes read");
    ensure_eq!(buffers, [&b"\0\0a"[..], b"b", b"cdef"], "the buffers that were read into");
    driver.end()
}

fn an_empty_buffer_moves_nothing<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(file_with(DATA)?);
    let (read, _) = driver.complete(Read::new(file.clone(), Vec::new(), Position::At(0)))?;
    ensure_eq!(read?, 0, "bytes read into no room");
    let (written, _) = driver.complete(Write::new(file.clone(), "", Position::At(0)))?;
    ensure_eq!(written?, 0, "bytes written of none");
    let event = ReadExact::new(file.clone(), Vec::new(), Position::At(0));
    driver.complete(event)?.0?;
    driver.complete(WriteAll::new(file, "", Position::At(0)))?.0?;
    driver.end()
}

fn the_end_of_a_file_cuts_a_read_short<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(file_with(DATA)?);
    let event = Read::new(file.clone(), vec![7; 20], Position::At(DATA.len() as u64 - 5));
    let (read, buffer) = driver.complete(event)?;
    ensure_eq!(read?, 5, "bytes before the end");
    ensure_eq!(buffer, DATA[DATA.len() - 5..], "the last bytes");
    let event = Read::new(file.clone(), [7; 20], Position::At(DATA.len() as u64 - 5));
    let (read, buffer) = driver.complete(event)?;
    ensure_eq!(read?, 5, "bytes before the end");
    ensure_eq!(buffer[5..], [7; 15], "the part of an array that was not read into");
    let event = Read::new(file, vec![7; 20], Position::At(1 << 20));
    ensure_eq!(driver.complete(event)?.0?, 0, "bytes far behind the end");
    driver.end()
}

fn a_read_of_all_fails_at_the_end_and_keeps_what_there_was<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(file_with(DATA)?);
    let event = ReadExact::new(file, Vec::with_capacity(DATA.len() + 1), Position::At(0));
    let (result, buffer) = driver.complete(event)?;
    let kind = result.err().map(|error| error.kind());
    ensure_eq!(kind, Some(std::io::ErrorKind::UnexpectedEof), "the error at the end");
    ensure_eq!(buffer, DATA, "what there was");
    driver.end()
}

fn megabytes_go_through_a_file<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(tempfile::tempfile()?);
    let data = pattern(3 << 20);
    let (written, data) = driver.complete(WriteAll::new(file.clone(), data, Position::At(0)))?;
    written?;
    let event = ReadExact::new(file, Vec::with_capacity(data.len()), Position::At(0));
    let (read, buffer) = driver.complete(event)?;
    read?;
    ensure!(buffer == data, "megabytes have come back as others");
    driver.end()
}

fn megabytes_go_through_a_pipe<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, writer) = std::io::pipe()?;
    let data = pattern(1 << 20);
    let write = WriteAll::new(shared(writer), data.clone(), Position::Current);
    let read = ReadExact::new(shared(reader), Vec::with_capacity(data.len()), Position::Current);
    let both = futures::future::join(driver.submit(write), driver.submit(read));
    let ((written, _), (read, buffer)) = driver.run(both)?;
    written?;
    read?;
    ensure!(buffer == data, "megabytes have come out as others");
    driver.end()
}

fn a_read_waits_for_its_data<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (reader, mut writer) = pipe()?;
    let mut read = driver.submit(Read::new(reader, Vec::with_capacity(64), Position::Current));
    driver.start(&mut read)?;
    driver.moment()?;
    driver.start(&mut read)?;
    writer.write_all(DATA)?;
    let (count, buffer) = driver.run(read)?;
    ensure_eq!(count?, DATA.len(), "bytes read");
    ensure_eq!(buffer, DATA, "the bytes that were waited for");
    driver.end()
}

fn many_reads_at_once_have_each_its_own_bytes<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let data = pattern(64 * 64);
    let file = shared(file_with(&data)?);
    let reads = (0..64_u64).map(|index| {
        let buffer = Vec::with_capacity(64);
        driver.submit(Read::new(file.clone(), buffer, Position::At(index * 64)))
    });
    for (index, (count, buffer)) in driver.run(join_all(reads))?.into_iter().enumerate() {
        ensure_eq!(count?, 64, "bytes of read {index}");
        ensure!(buffer == data[index * 64..][..64], "read {index} has another's bytes");
    }
    driver.end()
}

fn a_connection_is_made_and_carries_bytes_both_ways<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let listener = listener()?;
    let address = listener.local_addr()?;
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let near = shared(socket.try_clone()?);
    let accept = driver.submit(Accept::new(shared(listener)));
    let connect = driver.submit(Connect::new(near.clone(), address));
    let (accepted, connected) = driver.run(futures::future::join(accept, connect))?;
    connected?;
    let (far, peer) = accepted?;
    ensure_eq!(peer.as_inet(), TcpStream::from(socket).local_addr().ok(), "the peer's address");
    let far = shared(far);
    for (from, to) in [(&near, &far), (&far, &near)] {
        driver.complete(SendAll::new(from.clone(), DATA))?.0?;
        let event = Recv::new(to.clone(), Vec::with_capacity(DATA.len())).wait_all(true);
        let (count, buffer) = driver.complete(event)?;
        ensure_eq!(count?, DATA.len(), "bytes received");
        ensure_eq!(buffer, DATA, "the bytes received");
    }
    driver.end()
}

fn a_datagram_arrives_whole_and_with_its_sender<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (near, far) = (datagrams()?, datagrams()?);
    let (sender, receiver) = (near.local_addr()?, far.local_addr()?);
    let event = SendTo::new(shared(near), DATA, receiver);
    ensure_eq!(driver.complete(event)?.0?, DATA.len(), "bytes sent");
    let buffers = vec![Vec::with_capacity(4), Vec::with_capacity(16)];
    let (received, buffers) = driver.complete(RecvMsg::new(shared(far), buffers))?;
    let received = received?;
    ensure_eq!(received.count, 20, "bytes that there was room for");
    ensure!(received.is_truncated(), "a datagram that was cut does not say so");
    ensure_eq!(received.address.and_then(|it| it.as_inet()), Some(sender), "the sender");
    ensure_eq!(buffers.concat(), DATA[..20], "the bytes received");
    driver.end()
}

fn a_peek_leaves_the_data<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (near, mut far) = socket_pair()?;
    far.write_all(DATA)?;
    for peek in [true, true, false] {
        let event = Recv::new(near.clone(), Vec::with_capacity(DATA.len())).peek(peek);
        ensure_eq!(driver.complete(event)?.1, DATA, "the bytes received");
    }
    let event = SendAll::new(near, DATA);
    driver.complete(event)?.0?;
    let mut received = vec![0; DATA.len()];
    far.read_exact(&mut received)?;
    ensure_eq!(received, DATA, "the bytes sent");
    driver.end()
}

fn a_file_is_opened_measured_and_cut<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let file = shared(driver.complete(OpenAt::new(&path, &options)?)??);
    driver.complete(WriteAll::new(file.clone(), DATA, Position::At(0)))?.0?;
    ensure_eq!(driver.complete(Statx::of(file.clone()))??.len(), DATA.len() as u64, "the length");
    match driver.complete(Truncate::new(file, 7))? {
        Ok(()) => ensure_eq!(driver.complete(Statx::at(&path)?)??.len(), 7, "the length, cut"),
        // Kernels before 6.9 do not know it.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
        Err(error) => return Err(error.into()),
    }
    driver.end()
}
