//! Copies from handle to handle: in one direction, and in both as a proxy does.
//!
//! Goal: every byte arrives once and in order, whoever ends first, and also where the copy is
//! dropped and begun again.

use std::fs::File;
use std::io::{self as std_io, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};
use futures::{AsyncReadExt, AsyncWriteExt};
use ringbahn::{BufResultExt, Ring, SharedDriver, io};

#[path = "support/support.rs"]
mod support;
use support::{connection, driver, file, pause, poll_once, stream};

fn sequence(length: usize) -> Vec<u8> {
    (0..length as u32 / 4).flat_map(u32::to_be_bytes).collect()
}

/// A proxy between the two far ends of what is yielded.
fn proxied(
    driver: &SharedDriver,
) -> (TcpStream, UnixStream, thread::JoinHandle<std_io::Result<(u64, u64)>>) {
    let (client, near) = connection();
    let (server, far) = UnixStream::pair().unwrap();
    let mut near = Ring::new_on_driver(near, driver.clone());
    let mut far = Ring::new_on_driver(far, driver.clone());
    let proxy = thread::spawn(move || block_on(io::copy_bidirectional(&mut near, &mut far)));
    (client, server, proxy)
}

#[test]
fn one_side_goes_on_when_the_other_has_ended() {
    let Some(driver) = driver("one_side_goes_on_when_the_other_has_ended") else { return };
    let bytes = sequence(1 << 20);

    // The client has sent all, and the server answers after that.
    let (mut client, mut server, proxy) = proxied(&driver);
    let request = bytes.clone();
    let asking = thread::spawn(move || {
        client.write_all(&request).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        answer
    });
    let mut request = Vec::new();
    server.read_to_end(&mut request).unwrap();
    assert!(request == bytes);
    server.write_all(&bytes[..123_456]).unwrap();
    drop(server);
    assert!(asking.join().unwrap() == bytes[..123_456]);
    assert_eq!(proxy.join().unwrap().unwrap(), (1 << 20, 123_456));

    // The other way round.
    let (mut client, mut server, proxy) = proxied(&driver);
    server.write_all(b"greeting").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    let mut greeting = String::new();
    client.read_to_string(&mut greeting).unwrap();
    assert_eq!(greeting, "greeting");
    client.write_all(b"answer").unwrap();
    drop(client);
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
    assert_eq!(proxy.join().unwrap().unwrap(), (6, 8));
}

#[test]
fn a_side_that_is_gone_ends_the_proxy_with_an_error() {
    let Some(driver) = driver("a_side_that_is_gone_ends_the_proxy_with_an_error") else { return };
    let (mut client, server, proxy) = proxied(&driver);
    drop(server);
    // The first piece may be accepted still; the failure of its write is seen with no second one.
    client.write_all(b"hello").unwrap();
    let error = proxy.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), std_io::ErrorKind::BrokenPipe);
}

#[test]
fn a_copy_that_is_dropped_again_and_again_loses_nothing() {
    let Some(driver) = driver("a_copy_that_is_dropped_again_and_again_loses_nothing") else {
        return;
    };
    let bytes = sequence(2 << 20);
    let (mut near, mut source) = stream(&driver);
    let (far, mut target) = UnixStream::pair().unwrap();
    let mut far = Ring::new_on_driver(far, driver.clone());
    let sent = bytes.clone();
    let sender = thread::spawn(move || {
        for piece in sent.chunks(30_011) {
            source.write_all(piece).unwrap();
            // sleep: lets the copy wait for bytes; orders nothing.
            thread::sleep(Duration::from_micros(50));
        }
    });
    let receiver = thread::spawn(move || {
        let mut got = Vec::new();
        target.read_to_end(&mut got).unwrap();
        got
    });
    let mut dropped = 0;
    block_on(async {
        for turn in 0_u64.. {
            let timer = pin!(pause(&driver, Duration::from_micros(turn * 13 % 300)));
            let copy = pin!(io::copy(&mut near, &mut far));
            match select(timer, copy).await {
                Either::Left(_) => dropped += 1,
                Either::Right((copied, _)) => {
                    copied.unwrap();
                    break;
                }
            }
        }
        far.close().await.unwrap();
    });
    sender.join().unwrap();
    assert!(receiver.join().unwrap() == bytes);
    assert!(dropped > 0, "the timer has never won");
}

#[test]
fn files_are_copied_from_and_to_where_they_are() {
    let Some(driver) = driver("files_are_copied_from_and_to_where_they_are") else { return };
    let bytes = sequence(300_000);
    let mut from = Ring::new_on_driver(file(&bytes), driver.clone());
    let mut to = Ring::new_on_driver(file(b"head"), driver.clone());
    block_on(async {
        from.read_exact(&mut [0; 100]).await.unwrap();
        to.read_exact(&mut [0; 4]).await.unwrap();
        assert_eq!(io::copy(&mut from, &mut to).await.unwrap(), 299_900);
        let (_, copied) = to.read_to_end_at(Vec::new(), 0).await.both().unwrap();
        assert!(copied[..4] == *b"head" && copied[4..] == bytes[100..]);

        // Dropped half-way, what was read ahead and not accepted is given back to the file.
        let mut from = Ring::new_on_driver(file(&bytes), driver.clone());
        let (mut reader, writer) = std_io::pipe().unwrap();
        let mut writer = Ring::new_on_driver(writer, driver.clone());
        assert!(poll_once(&mut Box::pin(io::copy(&mut from, &mut writer))).is_pending());
        let mut got = vec![0; 1000];
        reader.read_exact(&mut got).unwrap();
        let rest = thread::spawn(move || {
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).unwrap();
            rest
        });
        writer.close().await.unwrap();
        got.extend(rest.join().unwrap());
        let mut from = from.into_inner().await.unwrap();
        from.read_to_end(&mut got).unwrap();
        assert!(got == bytes);
    });
}

#[test]
fn halves_are_copied_between() {
    let Some(driver) = driver("halves_are_copied_between") else { return };
    let (mut echo, far) = stream(&driver);
    let far = Ring::new_on_driver(far, driver.clone());
    block_on(async {
        let echo = async {
            let (mut reader, mut writer) = Ring::split(&mut echo);
            let count = io::copy(&mut reader, &mut writer).await.unwrap();
            writer.close().await.unwrap();
            count
        };
        let (mut reader, mut writer) = far.into_split();
        let client = async {
            io::copy(
                &mut Ring::new_on_driver(file(&sequence(40_000)), driver.clone()),
                &mut writer,
            )
            .await
            .unwrap();
            drop(writer);
            let mut got = Ring::new_on_driver(file(b""), driver.clone());
            io::copy(&mut reader, &mut got).await.unwrap();
            got.read_to_end_at(Vec::new(), 0).await.both().unwrap().1
        };
        let (count, got) = futures::join!(echo, client);
        assert_eq!(count, 40_000);
        assert!(got == sequence(40_000));
    });
}

#[test]
fn a_copy_without_end_lets_others_have_their_turn() {
    let Some(driver) = driver("a_copy_without_end_lets_others_have_their_turn") else { return };
    let mut zero = Ring::new_on_driver(File::open("/dev/zero").unwrap(), driver.clone());
    let null = File::options().write(true).open("/dev/null").unwrap();
    let mut null = Ring::new_on_driver(null, driver.clone());
    block_on(async {
        let copy = pin!(io::copy(&mut zero, &mut null));
        let timer = pin!(pause(&driver, Duration::from_millis(1)));
        assert!(matches!(select(timer, copy).await, Either::Left(_)));
    });
}

#[test]
fn a_full_disk_is_the_error_of_the_copy() {
    let Some(driver) = driver("a_full_disk_is_the_error_of_the_copy") else { return };
    let mut from = Ring::new_on_driver(file(b"hello"), driver.clone());
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut full = Ring::new_on_driver(full, driver);
    let error = block_on(io::copy(&mut from, &mut full)).unwrap_err();
    assert_eq!(error.kind(), std_io::ErrorKind::StorageFull);
    block_on(full.flush()).unwrap();
}
