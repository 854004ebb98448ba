//! Several buffers in one completion: in their order, and each of them comes back.

use std::io::{Read as _, Write as _};
use std::thread;

use futures::StreamExt;
use ringbahn_core::event::{RecvBundle, RecvBundles, SendMsg};
use ringbahn_core::{Cancelled, IoBufs};

use crate::queues::observer;
use crate::receive::{pattern, streams};
use crate::subject::{Subject, begin};

on_both_drivers! { with queues:
    a_bundle_spans_the_buffers_in_their_order,
    a_stream_of_bundles_arrives_whole,
    buffers_that_come_back_in_another_order_are_used_in_that_order,
    a_bundle_is_sent_as_it_is,
    one_queue_serves_one_connection_after_the_other,
    a_receive_that_is_cancelled_gives_the_queue_back,
    a_queue_that_is_used_up_is_no_buffer_space,
}

fn a_bundle_spans_the_buffers_in_their_order<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    far.write_all(&pattern(40)).unwrap();
    let receive = RecvBundle::new(near.clone(), driver.queue(4, 16));
    let (bundle, queue) = driver.run(driver.clone().submit(receive));
    let bundle = bundle.unwrap().unwrap();
    let lengths: Vec<_> = bundle.iter().map(|part| part.len()).collect();
    assert_eq!((lengths, bundle.bytes()), (vec![16, 16, 8], 40));
    assert_eq!(bundle.to_bytes(), pattern(40));
    // The next one goes on in the third buffer, and reaches no further than there are buffers.
    far.write_all(&pattern(40)).unwrap();
    let (more, queue) = driver.run(driver.clone().submit(RecvBundle::new(near.clone(), queue)));
    let more = more.unwrap().unwrap();
    let lengths: Vec<_> = more.iter().map(|part| part.len()).collect();
    assert_eq!((lengths, more.to_bytes()), (vec![8, 16], pattern(40)[..24].to_vec()));
    let mut parts = bundle.into_iter();
    assert_eq!(parts.len(), 3);
    drop((parts.next(), parts.next()));
    assert_eq!(queue.returns(), 2);
    drop(more);
    assert_eq!(queue.returns(), 3);
    drop(parts);
    assert_eq!(queue.returns(), 4);
    let (rest, _queue) = driver.run(driver.clone().submit(RecvBundle::new(near, queue)));
    assert_eq!(rest.unwrap().unwrap().to_bytes(), pattern(40)[24..]);
    driver.end();
}

fn a_stream_of_bundles_arrives_whole<S: Subject>() {
    let driver = S::make(2, 8).unwrap();
    let (near, mut far) = streams();
    let sent = pattern(1 << 20);
    let writer = thread::spawn({
        let sent = sent.clone();
        move || {
            let mut rest = &sent[..];
            for length in [1, 77, 4095, 4096, 4097, 70_000].into_iter().cycle() {
                let (part, others) = rest.split_at(length.min(rest.len()));
                far.write_all(part).unwrap();
                rest = others;
                if rest.is_empty() {
                    break;
                }
            }
        }
    });
    let event = RecvBundles::new(near, driver.queue(16, 1000));
    let group = observer(&event);
    let mut data = driver.clone().stream(event);
    let (mut received, mut several) = (Vec::new(), 0);
    while let Some(bundle) = driver.run(data.next()) {
        let bundle = bundle.unwrap();
        assert!(!bundle.is_empty() && bundle.iter().all(|part| !part.is_empty()));
        several += usize::from(bundle.len() > 1);
        bundle.into_iter().for_each(|part| received.extend_from_slice(&part));
        assert_eq!(group.returns(), received.len() as u64 / 1000);
    }
    writer.join().unwrap();
    assert!(received == sent, "the bytes are not those that were sent");
    assert!(several > 0, "the kernel has never filled more than one buffer at once");
    drop(data);
    driver.end();
}

fn buffers_that_come_back_in_another_order_are_used_in_that_order<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let mut queue = driver.queue(4, 4);
    let mut kept = Vec::new();
    for round in 0..100_usize {
        let sent = vec![round as u8; 16 - 4 * kept.len()];
        far.write_all(&sent).unwrap();
        let mut rest = sent.len();
        while rest > 0 {
            let receive = RecvBundle::new(near.clone(), queue);
            let (bundle, back) = driver.run(driver.clone().submit(receive));
            queue = back;
            for part in bundle.unwrap().unwrap() {
                rest -= part.len();
                assert!(part.iter().all(|byte| *byte == round as u8), "{part:?}");
                kept.push((round as u8, part));
            }
        }
        assert_eq!(kept.len(), 4);
        for (round, part) in &kept {
            assert_eq!(part[..], [*round; 4]);
        }
        kept.swap(round % 4, (round / 4) % 4);
        kept.truncate(round % 4);
    }
    driver.end();
}

fn a_bundle_is_sent_as_it_is<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let event = RecvBundles::new(near.clone(), driver.queue(8, 100));
    let group = observer(&event);
    let mut data = driver.clone().stream(event);
    for round in 1..20 {
        let sent = pattern(round * 37);
        far.write_all(&sent).unwrap();
        let mut back = Vec::new();
        while back.len() < sent.len() {
            let bundle = driver.run(data.next()).unwrap().unwrap();
            let bytes = bundle.bytes();
            assert_eq!(bundle.buffers().len(), bundle.len());
            let (count, bundle) =
                driver.run(driver.clone().submit(SendMsg::new(near.clone(), bundle)));
            assert_eq!((count.unwrap(), bundle.bytes()), (bytes, bytes));
            drop(bundle);
            let mut echo = vec![0; bytes];
            far.read_exact(&mut echo).unwrap();
            back.extend(echo);
        }
        assert_eq!(back, sent);
    }
    assert_eq!(group.returns(), (1..20).map(|round| round * 37).sum::<u64>() / 100);
    drop(data);
    driver.until("the operation is over", || driver.so_far().in_flight == 0);
    driver.end();
}

fn one_queue_serves_one_connection_after_the_other<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let mut queue = driver.queue(2, 10);
    let mut received = 0;
    for round in 0..50_usize {
        let (near, mut far) = streams();
        let sent = pattern(round % 23 + 1);
        far.write_all(&sent).unwrap();
        let mut bytes = Vec::new();
        while bytes.len() < sent.len() {
            let receive = RecvBundle::new(near.clone(), queue);
            let (bundle, back) = driver.run(driver.clone().submit(receive));
            bytes.extend(bundle.unwrap().unwrap().to_bytes());
            queue = back;
        }
        assert_eq!(bytes, sent);
        received += bytes.len() as u64;
        assert_eq!(queue.returns(), received / 10);
    }
    driver.end();
}

fn a_receive_that_is_cancelled_gives_the_queue_back<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let mut queue = driver.queue(1, 100);
    let (near, mut far) = streams();
    for round in 0..50_u8 {
        let mut receive = driver.clone().submit(RecvBundle::new(near.clone(), queue));
        driver.run(async { assert!(futures::poll!(&mut receive).is_pending()) });
        far.write_all(&[round]).unwrap();
        queue = match driver.run(receive.cancel()) {
            Cancelled::Completed((bundle, queue)) => {
                assert_eq!(bundle.unwrap().unwrap().to_bytes(), [round]);
                queue
            }
            Cancelled::Cancelled((bundle, queue)) => {
                assert_eq!(bundle.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
                let receive = RecvBundle::new(near.clone(), queue);
                let (bundle, queue) = driver.run(driver.clone().submit(receive));
                assert_eq!(bundle.unwrap().unwrap().to_bytes(), [round], "it has been lost");
                queue
            }
        };
    }
    // An abandoned one takes the queue with it when the kernel is done.
    let mut receive = driver.clone().submit(RecvBundle::new(near, queue));
    driver.run(async { assert!(futures::poll!(&mut receive).is_pending()) });
    drop(receive);
    driver.until("the operation is over", || driver.so_far().in_flight == 0);
    driver.end();
}

fn a_queue_that_is_used_up_is_no_buffer_space<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    far.write_all(&[7; 12]).unwrap();
    let receive = RecvBundle::new(near.clone(), driver.queue(2, 4));
    let (bundle, queue) = driver.run(driver.clone().submit(receive));
    let bundle = bundle.unwrap().unwrap();
    assert_eq!(bundle.to_bytes(), [7; 8]);
    let before = queue.returns();
    let (refused, queue) = driver.run(driver.clone().submit(RecvBundle::new(near.clone(), queue)));
    assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::ENOBUFS));
    let mut returned = bundle[0].group().returned_after(before);
    driver.run(async { assert!(futures::poll!(&mut returned).is_pending()) });
    drop(bundle);
    driver.run(returned);
    let mut data = driver.clone().stream(RecvBundles::new(near, queue));
    assert_eq!(driver.run(data.next()).unwrap().unwrap().to_bytes(), [7; 4]);
    begin(&driver, &mut data);
    drop(data);
    driver.until("the operation is over", || driver.so_far().in_flight == 0);
    driver.end();
}
