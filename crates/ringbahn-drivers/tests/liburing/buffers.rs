//! Buffers of a group, and registered ones.

use std::io::{ErrorKind, Write as _};
use std::net::Shutdown;

use futures::StreamExt as _;
use ringbahn_core::Drive;
use ringbahn_core::event::{Position, Read, ReadMulti, RecvMulti, RecvProvided};

use crate::scene::pipe;
use crate::subject::{Subject, assert_full, begin, datagrams};
use crate::support::{pattern, stream_pair};

on_both_drivers! {
    buf_ring,
    buf_ring_mshot,
    buf_ring_stress,
    ringbuf_loop,
    read_mshot,
    read_mshot_empty,
    recv_multishot,
    recv_mshot_drain,
    recv_mshot_fair,
    mshot_shutdown_race,
}

/// A group is made, used and gone, again and again; a receive finds a buffer or is told of none.
fn buf_ring<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    for count in [1, 2, 7, 32] {
        let group = driver.buffers(count, 64);
        assert_full(&driver, &group);
    }
    driver.end();
}

/// Datagrams that come one by one are all received by one operation.
fn buf_ring_mshot<S: Subject>() {
    let driver = S::make(2, 8).unwrap();
    let group = driver.buffers(4, 64);
    let (near, far) = datagrams();
    let mut received = driver.clone().stream(RecvMulti::new(near, &group));
    begin(&driver, &mut received);
    for number in 0..100_u32 {
        far.send(&number.to_ne_bytes()).unwrap();
        let buffer = driver.run(received.next()).unwrap().unwrap();
        assert_eq!(buffer[..], number.to_ne_bytes());
    }
    drop(received);
    assert_full(&driver, &group);
    driver.end();
}

/// Several sockets draw from one group that is too small for them: all data arrives.
fn buf_ring_stress<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let group = driver.buffers(2, 64);
    let (mut streams, senders): (Vec<_>, Vec<_>) = (0..6)
        .map(|_| {
            let (near, far) = datagrams();
            (driver.clone().stream(RecvMulti::new(near, &group)), far)
        })
        .unzip();
    for round in 0..20_u32 {
        for sender in &senders {
            sender.send(&round.to_ne_bytes()).unwrap();
        }
        for stream in &mut streams {
            let buffer = driver.run(stream.next()).unwrap().unwrap();
            assert_eq!(buffer[..], round.to_ne_bytes());
        }
    }
    drop(streams);
    assert_full(&driver, &group);
    driver.end();
}

/// The ring of a group goes round many times.
fn ringbuf_loop<S: Subject>() {
    let driver = S::make(1, 2).unwrap();
    let group = driver.buffers(2, 16);
    let (near, far) = datagrams();
    for number in 0..1000_u32 {
        far.send(&number.to_ne_bytes()).unwrap();
        let receive = RecvProvided::new(near.clone(), &group);
        let buffer = driver.run(driver.clone().submit(receive)).unwrap().unwrap();
        assert_eq!(buffer[..], number.to_ne_bytes());
    }
    assert_full(&driver, &group);
    driver.end();
}

/// A pipe is read by one operation, to its end.
fn read_mshot<S: Subject>() {
    let driver = S::make(2, 8).unwrap();
    let group = driver.buffers(4, 16);
    let (reader, mut writer) = pipe();
    let mut pieces = driver.clone().stream(ReadMulti::new(reader, &group));
    begin(&driver, &mut pieces);
    let sent = pattern(100);
    let mut received = Vec::new();
    writer.write_all(&sent).unwrap();
    drop(writer);
    while let Some(piece) = driver.run(pieces.next()) {
        received.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(received, sent);
    drop(pieces);
    assert_full(&driver, &group);
    driver.end();
}

/// A stream that waits holds no buffer: an empty pipe that ends uses none up.
fn read_mshot_empty<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let group = driver.buffers(1, 16);
    for _ in 0..10 {
        let (reader, writer) = pipe();
        let mut pieces = driver.clone().stream(ReadMulti::new(reader, &group));
        begin(&driver, &mut pieces);
        assert_full(&driver, &group);
        drop(writer);
        assert!(driver.run(pieces.next()).is_none());
    }
    assert_full(&driver, &group);
    driver.end();
}

/// A stream of bytes is received by one operation, until the peer shuts down.
fn recv_multishot<S: Subject>() {
    let driver = S::make(2, 8).unwrap();
    let group = driver.buffers(4, 100);
    let (near, mut far) = stream_pair();
    let mut pieces = driver.clone().stream(RecvMulti::new(near, &group));
    begin(&driver, &mut pieces);
    let sent = pattern(5000);
    far.write_all(&sent).unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    while let Some(piece) = driver.run(pieces.next()) {
        received.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(received, sent);
    drop(pieces);
    assert_full(&driver, &group);
    driver.end();
}

/// What has arrived before the end of the connection is yielded before the end is.
fn recv_mshot_drain<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let group = driver.buffers(2, 8);
    let (near, mut far) = stream_pair();
    let mut pieces = driver.clone().stream(RecvMulti::new(near, &group));
    far.write_all(b"all of it, and then the end").unwrap();
    drop(far);
    let mut received = Vec::new();
    while let Some(piece) = driver.run(pieces.next()) {
        received.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(received, b"all of it, and then the end");
    drop(pieces);
    assert_full(&driver, &group);
    driver.end();
}

/// A socket that has much to tell keeps none from telling its little.
fn recv_mshot_fair<S: Subject>() {
    let driver = S::make(4, 16).unwrap();
    let group = driver.buffers(8, 64);
    let (loud, mut loud_far) = stream_pair();
    let (quiet, mut quiet_far) = stream_pair();
    let mut loud = driver.clone().stream(RecvMulti::new(loud, &group));
    let mut quiet = driver.clone().stream(RecvMulti::new(quiet, &group));
    loud_far.write_all(&pattern(64 * 1024)).unwrap();
    quiet_far.write_all(b"psst").unwrap();
    let mut pieces_before = 0;
    let mut heard = false;
    let mut received = 0;
    while received < 64 * 1024 || !heard {
        let next = driver.run(futures::future::select(quiet.next(), loud.next()));
        match next {
            futures::future::Either::Left((piece, _)) => {
                assert_eq!(piece.unwrap().unwrap()[..], *b"psst");
                heard = true;
            }
            futures::future::Either::Right((piece, _)) => {
                received += piece.unwrap().unwrap().len();
                pieces_before += usize::from(!heard);
            }
        }
        if heard && received >= 64 * 1024 {
            break;
        }
        assert!(pieces_before < 500, "it was not heard behind {pieces_before} pieces");
    }
    drop((loud, quiet));
    assert_full(&driver, &group);
    driver.end();
}

/// A peer shuts down while data is on its way: what was sent arrives, then the end.
fn mshot_shutdown_race<S: Subject>() {
    let driver = S::make(2, 8).unwrap();
    let group = driver.buffers(4, 16);
    for length in (0..60).step_by(7) {
        let (near, mut far) = stream_pair();
        let mut pieces = driver.clone().stream(RecvMulti::new(near, &group));
        begin(&driver, &mut pieces);
        let sent = pattern(length);
        let writer = std::thread::spawn({
            let sent = sent.clone();
            move || {
                far.write_all(&sent).unwrap();
                far.shutdown(Shutdown::Both).unwrap();
            }
        });
        let mut received = Vec::new();
        while let Some(piece) = driver.run(pieces.next()) {
            match piece {
                Ok(piece) => received.extend_from_slice(&piece),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                    break;
                }
            }
        }
        writer.join().unwrap();
        assert_eq!(received, sent);
    }
    assert_full(&driver, &group);
    driver.end();
}

mod registered {
    //! What is registered with the shared driver.

    use std::io::Write as _;

    use ringbahn_core::IoBufMut as _;
    use ringbahn_core::event::Write;

    use super::*;
    use crate::scene::{end, run, shared};

    /// A buffer that was given back is the one that is taken next, with nothing of before in it.
    #[test]
    fn fixed_reuse() {
        let Some(driver) = crate::skip::driver("fixed_reuse", 2, 4) else { return };
        let buffers = driver.register_buffers(1, 64).unwrap();
        let (reader, mut writer) = pipe();
        for round in 1..=20 {
            writer.write_all(&vec![round; usize::from(round)]).unwrap();
            let read = Read::new(reader.clone(), buffers.take().unwrap(), Position::Current);
            let (count, buffer) = run(driver.clone().submit(read));
            assert_eq!(count.unwrap(), usize::from(round));
            assert!(buffer.len() == usize::from(round) && buffer.iter().all(|&b| b == round));
        }
        end(&driver);
    }

    /// A table of buffers stays while somebody has one of them, and another one may be made then.
    #[test]
    fn rsrc_tags() {
        let Some(driver) = crate::skip::driver("rsrc_tags", 2, 4) else { return };
        let file = shared(tempfile::tempfile().unwrap());
        for _ in 0..10 {
            let first = driver.register_buffers(2, 64).unwrap();
            let mut kept = first.take().unwrap();
            drop(first);
            let second = driver.register_buffers(2, 64).unwrap();
            let mut other = second.take().unwrap();
            kept.fill_from(b"kept");
            other.fill_from(b"other");
            let write = |buffer, at| {
                driver.clone().submit(Write::new(file.clone(), buffer, Position::At(at)))
            };
            assert_eq!(run(write(kept, 0)).0.unwrap(), 4);
            assert_eq!(run(write(other, 4)).0.unwrap(), 5);
        }
        end(&driver);
    }
}
