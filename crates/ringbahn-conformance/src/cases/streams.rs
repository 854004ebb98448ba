//! What one operation yields, one after the other.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt as _};
use ringbahn_core::event::{
    AcceptMulti, Interest, PollMulti, ReadMulti, RecvMsgMulti, RecvMulti, RecvProvided,
    TimeoutMulti,
};
use ringbahn_core::{BufferGroup, Drive as _, SharedFd};

use crate::bench::{Bench, DEADLINE, Subjected};
use crate::case::list_cases;
use crate::cases::data::pattern;
use crate::kind::Kind;
use crate::props::{listener, pipe, shared, socket_pair};
use crate::verdict::{Stop, Verdict, ensure, ensure_eq};

list_cases! {
    every_connection_arrives_once,
    a_dropped_stream_closes_what_nobody_has_taken,
    a_stopped_stream_yields_what_it_has_and_ends,
    a_stream_of_bytes_arrives_whole,
    a_pipe_is_read_to_its_end,
    each_datagram_comes_with_its_sender,
    a_dropped_stream_gives_back_what_nobody_has_read,
    a_reader_that_holds_all_buffers_goes_on_when_it_lets_go,
    a_file_tells_each_time_that_it_becomes_ready,
    ticks_come_no_earlier_than_they_should,
    a_reader_that_lags_loses_nothing,
    a_shutdown_ends_streams,
}

/// One poll of `stream`, with nobody to be woken.
fn poll_next<T: Stream + Unpin>(stream: &mut T) -> Poll<Option<T::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// The next item of `stream`, which is not at its end.
fn next<S: Kind, I, T>(driver: &Subjected<'_, S>, stream: &mut T) -> Result<I, Stop>
where
    T: Stream<Item = std::io::Result<I>> + Unpin,
{
    match driver.run(stream.next())? {
        Some(item) => Ok(item?),
        None => Err(Stop::failed("a stream is at its end where there is more to come")),
    }
}

/// Begins to wait for an item of `stream`, which has none.
fn begin<S: Kind, I, T>(driver: &Subjected<'_, S>, stream: &mut T) -> Verdict
where
    T: Stream<Item = std::io::Result<I>> + Unpin,
{
    match driver.run(async { poll_next(stream) })? {
        Poll::Pending => driver.moment(),
        Poll::Ready(Some(Err(error))) => Err(error.into()),
        Poll::Ready(_) => Err(Stop::failed("a stream with nothing to yield has not waited")),
    }
}

fn listening() -> Result<(TcpListener, std::net::SocketAddr), Stop> {
    let listener = listener()?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn datagrams() -> Result<(SharedFd, UnixDatagram), Stop> {
    let (near, far) = UnixDatagram::pair()?;
    Ok((shared(near), far))
}

/// Whether every buffer of `group` is in it, or soon comes back: takes all of them out at once, and
/// finds none more.
pub(super) fn is_full<S: Kind>(driver: &Subjected<'_, S>, group: &BufferGroup) -> Verdict {
    let (near, far) = datagrams()?;
    let receive = || driver.complete(RecvProvided::new(near.clone(), group));
    let mut taken = Vec::new();
    for number in 0..group.count() {
        far.send(&number.to_ne_bytes())?;
        let end = Instant::now() + driver.quick();
        let buffer = loop {
            match receive()? {
                Err(error) if is_empty(&error) && Instant::now() < end => driver.moment()?,
                received => break received?,
            }
        };
        ensure!(buffer.is_some(), "buffer {number} of a group is empty");
        taken.push(buffer);
    }
    far.send(b"one too many")?;
    let received = receive()?.map(|_buffer| ());
    ensure!(received.as_ref().is_err_and(is_empty), "an empty group answers {received:?}");
    Ok(())
}

/// Whether a group had no buffer.
fn is_empty(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}

fn every_connection_arrives_once<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let (listener, address) = listening()?;
    let mut incoming = driver.handle().stream(AcceptMulti::new(shared(listener)));
    let mut clients = Vec::new();
    let mut seen = BTreeSet::new();
    for round in 0..8_u8 {
        // More at a time than there is room for.
        for number in 0..4 {
            let mut client = TcpStream::connect(address)?;
            client.write_all(&[4 * round + number])?;
            clients.push(client);
        }
        for _ in 0..4 {
            let connection: OwnedFd = next(&driver, &mut incoming)?;
            let mut number = [0];
            TcpStream::from(connection).read_exact(&mut number)?;
            ensure!(seen.insert(number), "connection {number:?} was accepted twice");
        }
    }
    ensure_eq!(seen.len(), clients.len(), "connections");
    drop(incoming);
    driver.end()
}

fn a_dropped_stream_closes_what_nobody_has_taken<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 8)?;
    let (listener, address) = listening()?;
    let mut incoming = driver.handle().stream(AcceptMulti::new(shared(listener)));
    let mut clients = (0..6).map(|_| TcpStream::connect(address)).collect::<Result<Vec<_>, _>>()?;
    drop(next(&driver, &mut incoming)?);
    driver.moment()?;
    drop(incoming);
    driver.until_idle()?;
    // What was in the backlog went with the listener.
    for client in &mut clients {
        client.set_read_timeout(Some(Duration::from_secs(3)))?;
        match client.read(&mut [0; 1]) {
            Ok(0) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            other => return Err(Stop::failed(format!("a connection is still open: {other:?}"))),
        }
    }
    driver.end()
}

fn a_stopped_stream_yields_what_it_has_and_ends<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 8)?;
    let (listener, address) = listening()?;
    let mut incoming = driver.handle().stream(AcceptMulti::new(shared(listener)));
    let clients = (0..5).map(|_| TcpStream::connect(address)).collect::<Result<Vec<_>, _>>()?;
    drop(next(&driver, &mut incoming)?);
    Pin::new(&mut incoming).stop();
    let mut rest = 0;
    while let Some(connection) = driver.run(incoming.next())? {
        drop(connection?);
        rest += 1;
    }
    ensure!(rest < clients.len(), "{rest} more connections than there were");
    ensure!(matches!(poll_next(&mut incoming), Poll::Ready(None)), "it is not at its end");
    driver.end()
}

fn a_stream_of_bytes_arrives_whole<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let group = driver.buffer_group(4, 100)?;
    let (near, mut far) = socket_pair()?;
    let sent = pattern(5000);
    let mut data = driver.handle().stream(RecvMulti::new(near, &group));
    let mut received = Vec::new();
    for part in sent.chunks(1250) {
        far.write_all(part)?;
        let wanted = received.len() + part.len();
        while received.len() < wanted {
            let piece = next(&driver, &mut data)?;
            ensure!((1..=100).contains(&piece.len()), "a piece of {} bytes", piece.len());
            received.extend_from_slice(&piece);
        }
    }
    ensure!(received == sent, "the bytes are not those that were sent");
    drop(far);
    ensure!(driver.run(data.next())?.is_none(), "it goes on when the peer has gone");
    drop(data);
    is_full(&driver, &group)?;
    driver.end()
}

fn a_pipe_is_read_to_its_end<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 2)?;
    let group = driver.buffer_group(2, 100)?;
    let (reader, mut writer) = pipe()?;
    let mut data = driver.handle().stream(ReadMulti::new(reader, &group));
    begin(&driver, &mut data)?;
    let sent = pattern(1000);
    writer.write_all(&sent)?;
    drop(writer);
    let mut received = Vec::new();
    while let Some(piece) = driver.run(data.next())? {
        received.extend_from_slice(&piece?);
    }
    ensure!(received == sent, "the bytes are not those that were sent");
    drop(data);
    is_full(&driver, &group)?;
    driver.end()
}

fn each_datagram_comes_with_its_sender<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 4)?;
    let group = driver.buffer_group(4, RecvMsgMulti::overhead(0) as u32 + 64)?;
    let socket = crate::props::datagrams()?;
    let address = socket.local_addr()?;
    let mut messages = driver.handle().stream(RecvMsgMulti::new(shared(socket), &group));
    let senders = [crate::props::datagrams()?, crate::props::datagrams()?];
    for round in 0..4_u8 {
        for (number, sender) in senders.iter().enumerate() {
            // Empty ones as well, which end no stream of datagrams. The last ones are too long.
            let data = vec![round; usize::from(round) * 25 + number];
            sender.send_to(&data, address)?;
            let message = next(&driver, &mut messages)?;
            ensure_eq!(message[..], data[..data.len().min(64)], "the datagram");
            ensure_eq!(message.is_truncated(), data.len() > 64, "whether it was cut off");
            let from = message.address().and_then(|address| address.as_inet());
            ensure_eq!(from, Some(sender.local_addr()?), "the sender");
        }
    }
    drop(messages);
    driver.until_idle()?;
    is_full(&driver, &group)?;
    driver.end()
}

fn a_dropped_stream_gives_back_what_nobody_has_read<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 4)?;
    let group = driver.buffer_group(8, 32)?;
    for read in 0..3 {
        let (near, far) = datagrams()?;
        let mut data = driver.handle().stream(RecvMulti::new(near, &group));
        begin(&driver, &mut data)?;
        for number in 0..6_u8 {
            far.send(&[number])?;
        }
        for number in 0..read {
            ensure_eq!(next(&driver, &mut data)?[..], [number], "the datagram");
        }
        drop(data);
        driver.until_idle()?;
        is_full(&driver, &group)?;
    }
    driver.end()
}

fn a_reader_that_holds_all_buffers_goes_on_when_it_lets_go<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 4)?;
    let group = driver.buffer_group(2, 16)?;
    let (near, far) = datagrams()?;
    let mut data = driver.handle().stream(RecvMulti::new(near, &group));
    for number in 0..8_u8 {
        far.send(&[number])?;
    }
    let mut held = Vec::new();
    for number in 0..8_u8 {
        if held.len() == 2 {
            begin(&driver, &mut data)?;
            held.remove(0);
        }
        let buffer = next(&driver, &mut data)?;
        ensure_eq!(buffer[..], [number], "the datagram");
        held.push(buffer);
    }
    drop((held, data));
    driver.until_idle()?;
    is_full(&driver, &group)?;
    driver.end()
}

fn a_file_tells_each_time_that_it_becomes_ready<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 4)?;
    let (mut reader, mut writer) = std::io::pipe()?;
    let file = shared(reader.try_clone()?);
    let mut ready = driver.handle().stream(PollMulti::new(file, Interest::READABLE));
    begin(&driver, &mut ready)?;
    for _ in 0..5 {
        writer.write_all(b"x")?;
        ensure!(next(&driver, &mut ready)?.is_readable(), "there is something to read");
        reader.read_exact(&mut [0])?;
    }
    drop(writer);
    while !next(&driver, &mut ready)?.is_hung_up() {}
    drop(ready);
    driver.end()
}

fn ticks_come_no_earlier_than_they_should<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 4)?;
    let period = Duration::from_millis(2);
    let begin = Instant::now();
    let mut ticks = driver.handle().stream(TimeoutMulti::new(period));
    for count in 1..=5 {
        next(&driver, &mut ticks)?;
        ensure!(begin.elapsed() >= count * period, "tick {count} has come too early");
    }
    drop(ticks);
    driver.end()
}

fn a_reader_that_lags_loses_nothing<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(2, 4)?;
    let group = driver.buffer_group(4, 16)?;
    let (near, mut far) = socket_pair()?;
    let mut data = driver.handle().stream(RecvMulti::new(near, &group));
    begin(&driver, &mut data)?;
    // More than the group has room for, and than a stream may leave unread.
    let sent = pattern(400);
    for part in sent.chunks(16) {
        far.write_all(part)?;
        driver.moment()?;
    }
    let mut received = Vec::new();
    while received.len() < sent.len() {
        received.extend_from_slice(&next(&driver, &mut data)?);
    }
    ensure!(received == sent, "the bytes are not those that were sent");
    drop(data);
    driver.until_idle()?;
    is_full(&driver, &group)?;
    driver.end()
}

fn a_shutdown_ends_streams<S: Kind>(bench: &Bench<S>) -> Verdict {
    let driver = bench.driver_of(1, 4)?;
    let (listener, address) = listening()?;
    let mut incoming = driver.handle().stream(AcceptMulti::new(shared(listener)));
    let _client = TcpStream::connect(address)?;
    drop(next(&driver, &mut incoming)?);
    let report = driver.shut_down(DEADLINE)?;
    ensure_eq!(report.leaked, 0, "operations leaked");
    let Some(Err(_)) = driver.run(incoming.next())? else {
        return Err(Stop::failed("a stream goes on after the shutdown"));
    };
    ensure!(driver.run(incoming.next())?.is_none(), "it says so more than once");
    Ok(())
}
