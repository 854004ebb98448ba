//! Handles for whose reads the kernel chooses buffers out of a group: the same behaviour, nothing
//! is lost, and each buffer comes back.

use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::thread;

use futures::FutureExt;
use futures::executor::block_on as run;
use futures::future::join;
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use ringbahn::{
    BufResultExt, BufferGroup, ForeignRing, Heap, Policy, Provided, Ring, SharedDriver,
};

use super::scene::{Random, free, next_turn, play};
use super::support::{connection, file, wait_until};

type Handle = Ring<UnixStream, SharedDriver, Provided>;

/// A handle that takes its buffers from the group, and the other end.
fn pair(driver: &SharedDriver, group: &BufferGroup) -> (Handle, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    let near = Ring::new_on_driver(near, driver.clone());
    (near.buffered(Provided::new(group.clone())), far)
}

#[test]
fn ten_mebibytes_in_random_pieces_are_echoed_exactly() {
    play("ten_mebibytes_in_random_pieces_are_echoed_exactly", (8, 4096), |driver, group| {
        const LENGTH: usize = 10 << 20;
        let (near, far) = connection();
        let near = Ring::new_on_driver(near, driver.clone());
        let mut near = near.buffered(Provided::new(group.clone()));
        let text: Vec<u8> = (0..LENGTH).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect();
        let sent = text.clone();
        let mut sending = far.try_clone().unwrap();
        let sender = thread::spawn(move || {
            let (mut random, mut rest) = (Random(7), &sent[..]);
            while !rest.is_empty() {
                let (piece, others) = rest.split_at(random.below(20_000).min(rest.len()));
                sending.write_all(piece).unwrap();
                rest = others;
            }
            sending.shutdown(Shutdown::Write).unwrap();
        });
        let receiver = thread::spawn(move || {
            let (mut far, mut echo) = (far, Vec::new());
            far.read_to_end(&mut echo).unwrap();
            echo
        });
        run(async {
            let (mut random, mut piece) = (Random(11), vec![0; 10_000]);
            loop {
                let wanted = random.below(piece.len());
                let count = near.read(&mut piece[..wanted]).await.unwrap();
                if count == 0 {
                    break;
                }
                near.write_all(&piece[..count]).await.unwrap();
            }
            near.close().await.unwrap();
        });
        sender.join().unwrap();
        let echo = receiver.join().unwrap();
        assert!(echo == text, "{} of {LENGTH} bytes have come back", echo.len());
        assert_eq!(free(&driver, &group), 8);
    });
}

#[test]
fn a_read_that_waits_holds_no_buffer() {
    play("a_read_that_waits_holds_no_buffer", (2, 16), |driver, group| {
        let mut ends: Vec<_> = (0..10).map(|_| pair(&driver, &group)).collect();
        for (near, _) in &mut ends {
            assert!(near.fill_buf().now_or_never().is_none());
        }
        assert_eq!(free(&driver, &group), 2);
        // Nor does one that has been served.
        for (near, far) in &mut ends {
            far.write_all(b"data").unwrap();
            let mut text = [0; 4];
            run(near.read_exact(&mut text)).unwrap();
            assert_eq!(&text, b"data");
        }
        assert_eq!(free(&driver, &group), 2);
    });
}

#[test]
fn dropped_reads_lose_nothing() {
    play("dropped_reads_lose_nothing", (2, 16), |driver, group| {
        let ends: Vec<_> = (0..4).map(|_| pair(&driver, &group)).collect();
        run(futures::future::join_all(ends.into_iter().map(|(mut near, mut far)| async move {
            let text: Vec<u8> = (0..5000).map(|at| (at % 251) as u8).collect();
            let sent = text.clone();
            // A piece comes for a read that was dropped, so there is one of these before each.
            let (permit, permits) = channel();
            let sender = thread::spawn(move || {
                for piece in sent.chunks(37) {
                    permits.recv().unwrap();
                    far.write_all(piece).unwrap();
                }
            });
            let mut all = Vec::new();
            let mut dropped = 0;
            loop {
                let mut piece = [0; 10];
                match near.read(&mut piece).now_or_never() {
                    Some(count) => match count.unwrap() {
                        0 => break,
                        count => all.extend_from_slice(&piece[..count]),
                    },
                    None => {
                        dropped += 1;
                        // Nobody takes it any more where all is sent.
                        let _ = permit.send(());
                    }
                }
                next_turn().await;
            }
            sender.join().unwrap();
            assert!(all == text && dropped >= 136, "{dropped} dropped, {} bytes", all.len());
        })));
        assert_eq!(free(&driver, &group), 2);
    });
}

#[test]
fn what_a_dropped_read_has_brought_is_received_into_an_owned_buffer() {
    let test = "what_a_dropped_read_has_brought_is_received_into_an_owned_buffer";
    play(test, (2, 16), |driver, group| {
        let (mut near, mut far) = pair(&driver, &group);
        assert!(near.fill_buf().now_or_never().is_none());
        far.write_all(b"brought").unwrap();
        run(async {
            let peeked = near.peek(vec![0; 3]).await.both().unwrap();
            assert_eq!(peeked, (3, b"bro".to_vec()));
            let (count, text) = near.recv(Vec::with_capacity(64)).await.both().unwrap();
            assert_eq!((count, &text[..]), (7, &b"brought"[..]));
        });
        assert_eq!(free(&driver, &group), 2);
    });
}

#[test]
fn buffers_come_back_from_handles_that_go_with_bytes_unread() {
    let test = "buffers_come_back_from_handles_that_go_with_bytes_unread";
    play(test, (4, 16), |driver, group| {
        let mut ends: Vec<_> = (0..4).map(|_| pair(&driver, &group)).collect();
        for (near, far) in &mut ends {
            far.write_all(b"unread").unwrap();
            assert_eq!(run(near.fill_buf()).unwrap(), b"unread");
            near.consume_unpin(2);
        }
        assert_eq!(free(&driver, &group), 0);
        let [(a, _a), (b, _b), (c, _c), (d, _d)] = <[_; 4]>::try_from(ends).unwrap();
        run(async {
            drop(a);
            assert_eq!(free(&driver, &group), 1);
            b.close().await.unwrap();
            assert_eq!(free(&driver, &group), 2);
            assert_eq!(c.into_inner().await.unwrap_err().unread, b"read");
            assert_eq!(free(&driver, &group), 3);
            let mut d = d.buffered(Heap);
            assert_eq!(d.fill_buf().await.unwrap(), b"read", "they change with the handle");
            d.consume_unpin(4);
            assert_eq!(free(&driver, &group), 4);
        });
        // One in flight, whose data comes when the handle has gone.
        let (mut near, mut far) = pair(&driver, &group);
        assert!(near.fill_buf().now_or_never().is_none());
        drop(near);
        let _ = far.write_all(b"late");
        wait_until("all have come back", || free(&driver, &group) == 4);
    });
}

#[test]
fn the_halves_of_a_stream_choose_from_the_group_and_are_put_together_again() {
    let test = "the_halves_of_a_stream_choose_from_the_group_and_are_put_together_again";
    play(test, (2, 16), |driver, group| {
        let (mut near, mut far) = pair(&driver, &group);
        far.write_all(&[1; 40]).unwrap();
        run(async {
            let mut text = [0; 40];
            let (mut reader, mut writer) = Ring::split(&mut near);
            let read = reader.read_exact(&mut text[..20]);
            let (read, written) = join(read, writer.write_all(&[2; 20])).await;
            read.and(written).unwrap();
            // What did not fit into the buffer has come straight.
            assert_eq!(reader.fill_buf().await.unwrap(), [1; 16]);

            let (mut reader, mut writer) = near.into_split();
            assert_eq!(free(&driver, &group), 1, "the half has what was unread");
            let read = reader.read_exact(&mut text[20..]);
            let (read, written) = join(read, writer.write_all(&[3; 20])).await;
            read.and(written).unwrap();
            assert_eq!(text, [1; 40]);

            let mut near: Handle = reader.reunite(writer).unwrap();
            far.write_all(b"again").unwrap();
            near.read_exact(&mut text[..5]).await.unwrap();
            assert_eq!(&text[..5], b"again");
            near.close().await.unwrap();
        });
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        assert_eq!(all, [[2; 20], [3; 20]].concat());
        assert_eq!(free(&driver, &group), 2);
    });
}

#[test]
fn the_end_and_the_failure_of_a_peer_are_told() {
    play("the_end_and_the_failure_of_a_peer_are_told", (2, 16), |driver, group| {
        let (mut near, mut far) = pair(&driver, &group);
        far.write_all(b"last words, and that is all").unwrap();
        drop(far);
        let mut text = String::new();
        run(near.read_to_string(&mut text)).unwrap();
        assert_eq!(text, "last words, and that is all");
        assert_eq!(run(near.read(&mut [0; 4])).unwrap(), 0);
        run(near.close()).unwrap();

        let (near, far) = connection();
        let near = Ring::new_on_driver(near, driver.clone());
        let mut near = near.buffered(Provided::new(group.clone()));
        assert!(near.fill_buf().now_or_never().is_none());
        rustix::net::sockopt::set_socket_linger(&far, Some(std::time::Duration::ZERO)).unwrap();
        drop(far);
        assert_eq!(run(near.fill_buf()).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(free(&driver, &group), 2);
    });
}

#[test]
fn a_read_told_to_stop_says_so_and_the_next_one_goes_on() {
    play("a_read_told_to_stop_says_so_and_the_next_one_goes_on", (2, 16), |driver, group| {
        let (mut near, mut far) = pair(&driver, &group);
        assert!(near.fill_buf().now_or_never().is_none());
        let report = run(near.cancel_all().unwrap());
        assert_eq!((report.asked, report.cancelled), (1, 1));
        let stopped = run(near.fill_buf()).unwrap_err();
        assert_eq!(stopped.raw_os_error(), Some(libc::ECANCELED));
        far.write_all(b"on").unwrap();
        assert_eq!(run(near.fill_buf()).unwrap(), b"on");
    });
}

#[test]
fn pipes_choose_from_the_group_and_files_do_without() {
    play("pipes_choose_from_the_group_and_files_do_without", (2, 16), |driver, group| {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let reader = Ring::new_on_driver(reader, driver.clone());
        let mut reader = reader.buffered(Provided::new(group.clone()));
        assert!(reader.fill_buf().now_or_never().is_none());
        assert_eq!(free(&driver, &group), 2);
        writer.write_all(b"through a pipe").unwrap();
        assert_eq!(run(reader.fill_buf()).unwrap(), b"through a pipe");
        assert_eq!(free(&driver, &group), 1);
        drop((reader, writer));

        let before = group.returns();
        let mut plain = file(b"a file has a position");
        let handle = Ring::new_on_driver(plain.try_clone().unwrap(), driver);
        let mut handle = handle.buffered(Provided::new(group.clone()));
        let mut text = [0; 6];
        run(async {
            handle.read_exact(&mut text).await.unwrap();
            assert_eq!(handle.fill_buf().await.unwrap(), b" has a position");
            handle.write_all(b"!").await.unwrap();
            handle.close().await.unwrap();
        });
        assert_eq!((&text, group.returns()), (b"a file", before));
        assert_eq!(plain.stream_position().unwrap(), 7, "what was unread is given back");
    });
}

#[test]
fn a_copy_runs_from_and_to_handles_of_a_group() {
    play("a_copy_runs_from_and_to_handles_of_a_group", (2, 64), |driver, group| {
        let (mut source, mut from) = pair(&driver, &group);
        let (mut sink, mut to) = pair(&driver, &group);
        let text: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
        let sent = text.clone();
        let sender = thread::spawn(move || from.write_all(&sent).unwrap());
        let receiver = thread::spawn(move || {
            let mut all = Vec::new();
            to.read_to_end(&mut all).unwrap();
            all
        });
        let copied = run(ringbahn::io::copy(&mut source, &mut sink)).unwrap();
        run(sink.close()).unwrap();
        sender.join().unwrap();
        assert_eq!(copied, 100_000);
        assert!(receiver.join().unwrap() == text);
        assert_eq!(free(&driver, &group), 2);
    });
}

#[cfg(feature = "tokio")]
#[test]
fn a_copy_of_tokio_runs_both_ways() {
    play("a_copy_of_tokio_runs_both_ways", (2, 64), |driver, group| {
        let (mut left, mut client) = pair(&driver, &group);
        let (mut right, server) = pair(&driver, &group);
        let text: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
        let sent = text.clone();
        let echo = thread::spawn(move || {
            let copied = std::io::copy(&mut &server, &mut &server).unwrap();
            server.shutdown(Shutdown::Write).unwrap();
            copied
        });
        let mut sending = client.try_clone().unwrap();
        let sender = thread::spawn(move || {
            sending.write_all(&sent).unwrap();
            sending.shutdown(Shutdown::Write).unwrap();
        });
        let receiver = thread::spawn(move || {
            let mut back = vec![0; 100_000];
            client.read_exact(&mut back).unwrap();
            back
        });
        let copied = run(tokio::io::copy_bidirectional(&mut left, &mut right)).unwrap();
        sender.join().unwrap();
        assert_eq!((copied, echo.join().unwrap()), ((100_000, 100_000), 100_000));
        assert!(receiver.join().unwrap() == text);
        assert_eq!(free(&driver, &group), 2);
    });
}

#[test]
fn a_group_of_another_driver_is_refused_and_the_handle_goes_on() {
    let test = "a_group_of_another_driver_is_refused_and_the_handle_goes_on";
    play(test, (2, 16), |driver, group| {
        let other = SharedDriver::builder().entries(2).build().unwrap();
        let (near, mut far) = pair(&driver, &other.buffer_group(1, 16).unwrap());
        let mut near = near;
        far.write_all(b"here").unwrap();
        for _ in 0..2 {
            let refused = run(near.fill_buf()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput);
            assert!(refused.get_ref().unwrap().is::<ForeignRing>(), "{refused}");
        }
        let mut near = near.buffered(Provided::new(group));
        assert_eq!(run(near.fill_buf()).unwrap(), b"here");
    });
}

#[test]
fn the_fallback_has_groups_as_well() {
    let driver = SharedDriver::builder().entries(2).policy(Policy::Never).build().unwrap();
    let group = driver.buffer_group(2, 16).unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    let mut near = Ring::new_on_driver(near, driver.clone()).buffered(Provided::new(group));
    far.write_all(b"hello").unwrap();
    assert_eq!(run(near.fill_buf()).unwrap(), b"hello");
    drop(near);
    let patience = std::time::Duration::from_secs(10);
    assert_eq!(run(driver.shutdown(patience)).leaked, 0);
}
