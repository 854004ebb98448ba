//! Errors, and the buffers that come back with them.

use std::io::{self, ErrorKind};

use ringbahn_core::event::{
    Accept, Connect, Domain, Fsync, Nop, OpenAt, OpenOptions, Position, Read, ReadVectored, Recv,
    RecvMsg, Send, SendAll, Shutdown, Type, Write, WriteAll, WriteVectored,
};

use crate::bench::Bench;
use crate::case::list_cases;
use crate::kind::Kind;
use crate::props::{
    DATA, datagrams, file_with, listener, pipe, shared, socket_pair, unreadable, unwritable,
};
use crate::verdict::{Stop, Verdict, ensure_eq};

list_cases! {
    a_missing_file_is_not_found,
    a_file_that_is_there_cannot_be_made,
    a_folder_cannot_be_read_and_gives_the_buffer_back,
    an_end_that_cannot_be_read_or_written_gives_the_buffer_back,
    a_pipe_that_nobody_reads_is_broken,
    a_full_device_takes_nothing,
    a_position_out_of_range_is_invalid,
    what_is_no_socket_cannot_receive_or_send,
    a_connection_is_refused_where_nobody_listens,
    an_unconnected_socket_says_so,
    a_peer_that_is_gone_breaks_a_send,
    what_does_not_listen_accepts_nothing,
    a_hundred_errors_leave_the_driver_as_good_as_before,
}

/// The error of an operation that must fail.
fn error<T>(result: io::Result<T>) -> Result<io::Error, Stop> {
    result.err().ok_or_else(|| Stop::failed("an operation that cannot succeed has"))
}

fn open(options: &mut OpenOptions, path: &std::path::Path) -> Result<OpenAt, Stop> {
    Ok(OpenAt::new(path, options)?)
}

fn a_missing_file_is_not_found<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let folder = tempfile::tempdir()?;
    let event = open(OpenOptions::new().read(true), &folder.path().join("missing"))?;
    ensure_eq!(error(driver.complete(event)?)?.kind(), ErrorKind::NotFound, "the error");
    driver.end()
}

fn a_file_that_is_there_cannot_be_made<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = tempfile::NamedTempFile::new()?;
    let event = open(OpenOptions::new().write(true).create_new(true), file.path())?;
    ensure_eq!(error(driver.complete(event)?)?.kind(), ErrorKind::AlreadyExists, "the error");
    driver.end()
}

fn a_folder_cannot_be_read_and_gives_the_buffer_back<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let folder = shared(std::fs::File::open("/")?);
    let (result, buffer) =
        driver.complete(Read::new(folder.clone(), DATA.to_vec(), Position::At(0)))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::IsADirectory, "the error");
    ensure_eq!(buffer, DATA, "the buffer of a failed read");
    let event = ReadVectored::new(folder, vec![DATA.to_vec()], Position::At(0));
    let (result, buffers) = driver.complete(event)?;
    ensure_eq!(error(result)?.kind(), ErrorKind::IsADirectory, "the error");
    ensure_eq!(buffers, [DATA], "the buffers of a failed read");
    driver.end()
}

fn an_end_that_cannot_be_read_or_written_gives_the_buffer_back<S: Kind>(
    bench: &Bench<S>,
) -> Verdict {
    let driver = bench.driver()?;
    let (unreadable, _reader) = unreadable()?;
    let (result, buffer) =
        driver.complete(Read::new(unreadable, DATA.to_vec(), Position::Current))?;
    ensure_eq!(error(result)?.raw_os_error(), Some(libc::EBADF), "the error of the read");
    ensure_eq!(buffer, DATA, "the buffer of the read");
    let (unwritable, _writer) = unwritable()?;
    let event = Write::new(unwritable.clone(), DATA.to_vec(), Position::Current);
    let (result, buffer) = driver.complete(event)?;
    ensure_eq!(error(result)?.raw_os_error(), Some(libc::EBADF), "the error of the write");
    ensure_eq!(buffer, DATA, "the buffer of the write");
    let event = WriteAll::new(unwritable, DATA.to_vec(), Position::Current);
    let (result, buffer) = driver.complete(event)?;
    ensure_eq!(error(result)?.raw_os_error(), Some(libc::EBADF), "the error of the whole write");
    ensure_eq!(buffer, DATA, "the buffer of the whole write");
    driver.end()
}

fn a_pipe_that_nobody_reads_is_broken<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let writer = shared(io::pipe()?.1);
    let event = Write::new(writer.clone(), DATA.to_vec(), Position::Current);
    let (result, buffer) = driver.complete(event)?;
    ensure_eq!(error(result)?.kind(), ErrorKind::BrokenPipe, "the error");
    ensure_eq!(buffer, DATA, "the buffer");
    let event = WriteVectored::new(writer, vec![DATA.to_vec()], Position::Current);
    let (result, buffers) = driver.complete(event)?;
    ensure_eq!(error(result)?.kind(), ErrorKind::BrokenPipe, "the error");
    ensure_eq!(buffers, [DATA], "the buffers");
    driver.end()
}

fn a_full_device_takes_nothing<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let full = shared(std::fs::File::options().write(true).open("/dev/full")?);
    let (result, buffer) = driver.complete(Write::new(full, DATA.to_vec(), Position::At(0)))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::StorageFull, "the error");
    ensure_eq!(buffer, DATA, "the buffer");
    driver.end()
}

fn a_position_out_of_range_is_invalid<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let file = shared(file_with(DATA)?);
    let far = Position::At(u64::MAX);
    let (result, buffer) = driver.complete(Read::new(file.clone(), vec![1; 4], far))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::InvalidInput, "the error of the read");
    ensure_eq!(buffer, [1; 4], "the buffer of the read");
    let (result, buffer) = driver.complete(Write::new(file, vec![1; 4], far))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::InvalidInput, "the error of the write");
    ensure_eq!(buffer, [1; 4], "the buffer of the write");
    driver.end()
}

fn what_is_no_socket_cannot_receive_or_send<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (file, _writer) = pipe()?;
    let (result, buffer) = driver.complete(Recv::new(file.clone(), DATA.to_vec()))?;
    ensure_eq!(error(result)?.raw_os_error(), Some(libc::ENOTSOCK), "the error of the receive");
    ensure_eq!(buffer, DATA, "the buffer of the receive");
    let (result, buffers) = driver.complete(RecvMsg::new(file.clone(), vec![DATA.to_vec()]))?;
    ensure_eq!(error(result)?.raw_os_error(), Some(libc::ENOTSOCK), "the error of the message");
    ensure_eq!(buffers, [DATA], "the buffers of the message");
    let (result, buffer) = driver.complete(Send::new(file.clone(), DATA.to_vec()))?;
    ensure_eq!(error(result)?.raw_os_error(), Some(libc::ENOTSOCK), "the error of the send");
    ensure_eq!(buffer, DATA, "the buffer of the send");
    // What has no disk below it.
    let result = driver.complete(Fsync::new(file))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::InvalidInput, "the error of the sync");
    driver.end()
}

fn a_connection_is_refused_where_nobody_listens<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let address = listener()?.local_addr()?;
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let result = driver.complete(Connect::new(shared(socket), address))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::ConnectionRefused, "the error");
    driver.end()
}

fn an_unconnected_socket_says_so<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let socket = shared(socket2::Socket::new(Domain::IPV4, Type::STREAM, None)?);
    let (result, buffer) = driver.complete(Recv::new(socket.clone(), DATA.to_vec()))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::NotConnected, "the error of the receive");
    ensure_eq!(buffer, DATA, "the buffer of the receive");
    let result = driver.complete(Shutdown::new(socket, std::net::Shutdown::Both))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::NotConnected, "the error of the shutdown");
    driver.end()
}

fn a_peer_that_is_gone_breaks_a_send<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (near, far) = socket_pair()?;
    drop(far);
    let (result, buffer) = driver.complete(Send::new(near.clone(), DATA.to_vec()))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::BrokenPipe, "the error of the send");
    ensure_eq!(buffer, DATA, "the buffer of the send");
    let (result, buffer) = driver.complete(SendAll::new(near, DATA.to_vec()))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::BrokenPipe, "the error of the whole send");
    ensure_eq!(buffer, DATA, "the buffer of the whole send");
    driver.end()
}

fn what_does_not_listen_accepts_nothing<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let result = driver.complete(Accept::new(shared(datagrams()?)))?;
    ensure_eq!(error(result)?.raw_os_error(), Some(libc::EOPNOTSUPP), "the error");
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let result = driver.complete(Accept::new(shared(socket)))?;
    ensure_eq!(error(result)?.kind(), ErrorKind::InvalidInput, "the error");
    driver.end()
}

fn a_hundred_errors_leave_the_driver_as_good_as_before<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver()?;
    let (file, _reader) = unreadable()?;
    for _ in 0..100 {
        let event = Read::new(file.clone(), [0; 8], Position::Current);
        error(driver.complete(event)?.0)?;
    }
    driver.complete(Nop)??;
    driver.end()
}
