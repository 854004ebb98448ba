//! Buffers that are used up bit by bit: no byte is given out twice, and no buffer too early.

use std::io::{ErrorKind, Write as _};
use std::thread;

use futures::StreamExt;
use ringbahn_core::event::{RecvBundle, RecvMulti, RecvParts};
use ringbahn_core::{BufferGroup, ForeignRing, MultiEvent, ProvidedBuffer};

use crate::receive::{pattern, streams};
use crate::subject::{Subject, begin, datagrams, until_starved};

on_both_drivers! { with queues:
    pieces_share_buffers_and_arrive_whole,
    pieces_follow_each_other_in_one_buffer,
    the_end_of_a_stream_takes_nothing_of_a_buffer,
    a_part_that_is_kept_keeps_its_buffer_and_no_other,
    a_stream_waits_for_the_last_part_wherever_it_is_dropped,
    a_dropped_stream_gives_back_what_nobody_has_read,
    parts_outlive_everything_else,
    a_part_is_the_readers_alone,
    a_queue_of_another_ring_is_refused,
    nobody_shares_the_buffers_of_a_queue,
    ids_of_queues_that_have_gone_are_used_again,
}

/// What counts the buffers of the queue that `event` has.
pub(crate) fn observer<M: MultiEvent>(event: &M) -> BufferGroup {
    M::group(&event.decoder()).expect("it has a queue").clone()
}

fn pieces_share_buffers_and_arrive_whole<S: Subject>() {
    let driver = S::make(2, 8).unwrap();
    let (near, mut far) = streams();
    let sent = pattern(1 << 18);
    let writer = thread::spawn({
        let sent = sent.clone();
        move || {
            let mut rest = &sent[..];
            for length in [1, 13, 999, 1000, 1001, 20_000].into_iter().cycle() {
                let (part, others) = rest.split_at(length.min(rest.len()));
                far.write_all(part).unwrap();
                rest = others;
                if rest.is_empty() {
                    break;
                }
            }
        }
    });
    let event = RecvParts::new(near, driver.queue(3, 1000));
    let group = observer(&event);
    let mut data = driver.clone().stream(event);
    let mut received = Vec::new();
    while let Some(part) = driver.run(data.next()) {
        let part = part.unwrap();
        assert!(!part.is_empty() && part.len() <= 1000);
        received.extend_from_slice(&part);
        drop(part);
        assert_eq!(
            group.returns(),
            received.len() as u64 / 1000,
            "each of them, when it is used up"
        );
    }
    writer.join().unwrap();
    assert!(received == sent, "the bytes are not those that were sent");
    drop(data);
    driver.end();
}

fn pieces_follow_each_other_in_one_buffer<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let event = RecvParts::new(near, driver.queue(2, 64));
    let group = observer(&event);
    let mut data = driver.clone().stream(event);
    let mut parts: Vec<ProvidedBuffer> = Vec::new();
    for (length, expected) in [(40, &[40][..]), (40, &[24, 16]), (40, &[40]), (8, &[8])] {
        far.write_all(&pattern(length)).unwrap();
        for &expected in expected {
            let part = driver.run(data.next()).unwrap().unwrap();
            assert_eq!(part.len(), expected);
            parts.push(part);
        }
    }
    let places: Vec<_> = parts.iter().map(|part| part.as_ptr().addr()).collect();
    let offsets: Vec<_> = places.iter().map(|place| place - places[0]).collect();
    assert_eq!(offsets, [0, 40, 64, 80, 120]);
    let received: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
    let sent = [40, 40, 40, 8].map(pattern).concat();
    assert_eq!(received, sent);
    assert_eq!(group.returns(), 0);
    drop(parts);
    assert_eq!(group.returns(), 2);
    drop(data);
    driver.end();
}

fn the_end_of_a_stream_takes_nothing_of_a_buffer<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let mut queue = driver.queue(1, 64);
    let mut kept = Vec::new();
    // Each connection ends with the one buffer half used, and the next one goes on in it.
    for number in 0..12_u8 {
        let (near, mut far) = streams();
        far.write_all(&[number; 4]).unwrap();
        drop(far);
        let (bundle, back) =
            driver.run(driver.clone().submit(RecvBundle::new(near.clone(), queue)));
        kept.extend(bundle.unwrap().unwrap());
        let (end, back) = driver.run(driver.clone().submit(RecvBundle::new(near, back)));
        assert!(end.unwrap().is_none());
        queue = back;
        assert_eq!(queue.returns(), 0);
        for (number, part) in kept.iter().enumerate() {
            assert_eq!(part[..], [number as u8; 4], "what was given out has been written to");
        }
    }

    // The same of a stream, whose reader keeps what it has read.
    let (near, mut far) = streams();
    let event = RecvParts::new(near, queue);
    let group = observer(&event);
    let mut data = driver.clone().stream(event);
    begin(&driver, &mut data);
    far.write_all(b"the last words").unwrap();
    let words = driver.run(data.next()).unwrap().unwrap();
    drop(far);
    assert!(driver.run(data.next()).is_none());
    assert_eq!((&words[..], group.returns()), (&b"the last words"[..], 0));
    assert_eq!(words.as_ptr().addr() - kept[0].as_ptr().addr(), 48, "it goes on right behind");
    drop(data);
    for (number, part) in kept.iter().enumerate() {
        assert_eq!(part[..], [number as u8; 4], "what was given out has been written to");
    }
    driver.end();
}

fn a_part_that_is_kept_keeps_its_buffer_and_no_other<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let event = RecvParts::new(near, driver.queue(3, 8));
    let group = observer(&event);
    let mut data = driver.clone().stream(event);
    far.write_all(b"kept").unwrap();
    let kept = driver.run(data.next()).unwrap().unwrap();
    for round in 0..50_u8 {
        far.write_all(&[round; 12]).unwrap();
        let mut rest = 12;
        while rest > 0 {
            let part = driver.run(data.next()).unwrap().unwrap();
            assert!(part.iter().all(|byte| *byte == round), "{part:?}");
            rest -= part.len();
        }
        assert_eq!(kept[..], *b"kept");
    }
    // All that was used up is back, but for the first one.
    assert_eq!(group.returns(), (4 + 50 * 12) / 8 - 1);
    drop(kept);
    assert_eq!(group.returns(), (4 + 50 * 12) / 8);
    drop(data);
    driver.end();
}

fn a_stream_waits_for_the_last_part_wherever_it_is_dropped<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let mut data = driver.clone().stream(RecvParts::new(near, driver.queue(1, 8)));
    for round in 0..100_u8 {
        let mut parts = Vec::new();
        for half in 0..2 {
            far.write_all(&[round, half, 0, 0]).unwrap();
            parts.push(driver.run(data.next()).unwrap().unwrap());
            assert_eq!(parts.last().unwrap()[..], [round, half, 0, 0]);
        }
        // The kernel refuses while the buffer is out.
        far.write_all(&[round; 8]).unwrap();
        until_starved(&driver, &mut data);
        let submitted = driver.so_far().submitted;
        drop(parts.swap_remove(usize::from(round % 2)));
        begin(&driver, &mut data);
        assert_eq!(driver.so_far().submitted, submitted, "it tries in vain");
        let other = thread::spawn(move || drop(parts));
        assert_eq!(driver.run(data.next()).unwrap().unwrap()[..], [round; 8]);
        other.join().unwrap();
    }
    drop(data);
    driver.until("it is over", || driver.so_far().in_flight == 0);
    driver.end();
}

fn a_dropped_stream_gives_back_what_nobody_has_read<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    for read in 0..4_u8 {
        let (near, far) = datagrams();
        let event = RecvParts::new(near, driver.queue(4, 4));
        let group = observer(&event);
        let mut data = driver.clone().stream(event);
        begin(&driver, &mut data);
        for number in 0..7 {
            far.send(&[number, 0]).unwrap();
        }
        let mut kept = Vec::new();
        for number in 0..read {
            kept.push(driver.run(data.next()).unwrap().unwrap());
            assert_eq!(kept.last().unwrap()[..], [number, 0]);
        }
        drop(data);
        driver.until("the operation is over", || driver.so_far().in_flight == 0);
        drop(kept);
        // The kernel has had all seven by now, or has left some to the socket.
        assert!((u64::from(read) / 2..=3).contains(&group.returns()), "{}", group.returns());
    }
    driver.end();
}

fn parts_outlive_everything_else<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, far) = datagrams();
    let mut data = driver.clone().stream(RecvParts::new(near, driver.queue(2, 32)));
    far.send(b"still").unwrap();
    far.send(b"here").unwrap();
    let mut first = driver.run(data.next()).unwrap().unwrap();
    let second = driver.run(data.next()).unwrap().unwrap();
    drop(data);
    driver.until("the operation is over", || driver.so_far().in_flight == 0);
    driver.end();
    drop(driver);
    first.make_ascii_uppercase();
    thread::spawn(move || assert_eq!(first[..], *b"STILL")).join().unwrap();
    assert_eq!(second[..], *b"here");
}

fn a_part_is_the_readers_alone<S: Subject>() {
    let driver = S::make(1, 8).unwrap();
    let (near, far) = datagrams();
    let mut data = driver.clone().stream(RecvParts::new(near, driver.queue(4, 60)));
    let mut kept = Vec::new();
    for number in 0..100_u8 {
        far.send(&[number; 12]).unwrap();
        let mut part = driver.run(data.next()).unwrap().unwrap();
        assert_eq!(part[..], [number; 12]);
        part.advance(4);
        part.truncate(5);
        part.fill(!number);
        kept.push((number, part));
        for (number, part) in &kept {
            assert_eq!(part[..], [!number; 5], "a part was written to after it was given out");
        }
        if kept.len() == 8 {
            kept.drain(..usize::from(number) % 7 + 1);
        }
    }
    drop((kept, data));
    driver.until("the operation is over", || driver.so_far().in_flight == 0);
    driver.end();
}

fn a_queue_of_another_ring_is_refused<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let other = S::make(1, 4).unwrap();
    let (near, far) = datagrams();
    far.send(b"x").unwrap();
    let mut data = driver.clone().stream(RecvParts::new(near.clone(), other.queue(2, 32)));
    let error = driver.run(data.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>()), "{error}");
    assert!(driver.run(data.next()).is_none());
    // The queue is as good as before, on its own ring.
    let receive = RecvBundle::new(near, other.queue(2, 32));
    let (refused, queue) = driver.run(driver.clone().submit(receive));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    let (near, far) = datagrams();
    far.send(b"y").unwrap();
    let (bundle, _) = other.run(other.clone().submit(RecvBundle::new(near, queue)));
    assert_eq!(bundle.unwrap().unwrap().to_bytes(), b"y");
    driver.end();
    other.end();
}

fn nobody_shares_the_buffers_of_a_queue<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, far) = datagrams();
    let mut data = driver.clone().stream(RecvParts::new(near, driver.queue(2, 32)));
    far.send(b"mine").unwrap();
    let part = driver.run(data.next()).unwrap().unwrap();
    let (near, far) = datagrams();
    far.send(b"not mine").unwrap();
    let mut others = driver.clone().stream(RecvMulti::new(near, part.group()));
    let error = driver.run(others.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("one operation at a time"), "{error}");
    assert_eq!(part[..], *b"mine");
    drop((others, part, data));
    driver.until("the operation is over", || driver.so_far().in_flight == 0);
    driver.end();
}

fn ids_of_queues_that_have_gone_are_used_again<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let first = driver.queue(1, 16);
    thread::spawn(move || drop(first)).join().unwrap();
    for round in 0..500_u16 {
        let (near, mut far) = streams();
        far.write_all(&round.to_ne_bytes()).unwrap();
        let receive = RecvBundle::new(near, driver.queue(1, 16));
        let (bundle, queue) = driver.run(driver.clone().submit(receive));
        let bundle = bundle.unwrap().unwrap();
        assert_eq!(bundle.to_bytes(), round.to_ne_bytes());
        drop(queue);
        drop(driver.outgoing(1, 16));
        assert_eq!(bundle.to_bytes(), round.to_ne_bytes());
    }
    driver.end();
}
