//! What waits in a queue is sent by one entry: in its order, and to the byte.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::task::Poll;
use std::thread;

use ringbahn_core::event::SendBundle;
use ringbahn_core::{Cancelled, SharedFd};

use crate::receive::{pattern, streams};
use crate::subject::Subject;

on_both_drivers! { with queues:
    what_waits_is_sent_in_order_by_one_entry,
    a_peer_that_is_slow_gets_all_of_it,
    what_a_cancel_has_left_is_sent_by_the_next_one,
    a_send_that_is_dropped_sends_a_beginning,
    a_peer_that_has_gone_is_told,
    a_queue_is_used_again_for_ever,
    a_queue_of_another_ring_is_refused,
}

fn what_waits_is_sent_in_order_by_one_entry<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let mut queue = driver.outgoing(8, 16);
    let sent = pattern(100);
    let mut rest = &sent[..];
    for length in [1, 16, 17, 40] {
        let (piece, others) = rest.split_at(length);
        assert_eq!(queue.push(piece), length);
        rest = others;
    }
    assert_eq!((queue.unsent(), queue.room()), (74, 128 - 74));
    let before = driver.so_far().submitted;
    let (count, mut queue) =
        driver.run(driver.clone().submit(SendBundle::new(near.clone(), queue)));
    assert_eq!(count.unwrap(), 74);
    assert_eq!(driver.so_far().submitted - before, 1);
    assert_eq!((queue.unsent(), queue.room()), (0, 128));
    assert_eq!(queue.push(rest), 26);
    let (count, queue) = driver.run(driver.clone().submit(SendBundle::new(near.clone(), queue)));
    assert_eq!(count.unwrap(), 26);
    let (count, queue) = driver.run(driver.clone().submit(SendBundle::new(near, queue)));
    assert_eq!(count.unwrap(), 0);
    drop(queue);
    let mut received = vec![0; 100];
    far.read_exact(&mut received).unwrap();
    assert_eq!(received, sent);
    driver.end();
}

fn a_peer_that_is_slow_gets_all_of_it<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut far = listener.accept().unwrap().0;
    socket2::SockRef::from(&near).set_send_buffer_size(4096).unwrap();
    let sent = pattern(600 * 4001);
    let mut queue = driver.outgoing(600, 4001);
    assert_eq!(queue.push(&sent), sent.len());
    let reader = thread::spawn(move || {
        let mut received = Vec::new();
        let mut piece = [0; 3001];
        loop {
            match far.read(&mut piece).unwrap() {
                0 => return received,
                count => received.extend_from_slice(&piece[..count]),
            }
        }
    });
    let near = SharedFd::from(OwnedFd::from(near));
    let (mut done, length) = (0, sent.len());
    while done < length {
        let (count, back) = driver.run(driver.clone().submit(SendBundle::new(near.clone(), queue)));
        queue = back;
        done += count.unwrap();
        assert_eq!(queue.unsent(), length - done);
    }
    drop(near);
    assert_eq!(queue.room(), length);
    driver.end();
    assert!(reader.join().unwrap() == sent, "the bytes are not those that were to be sent");
}

/// Takes what there is out of a socket.
pub(crate) fn drain(far: &mut UnixStream) -> Vec<u8> {
    far.set_nonblocking(true).unwrap();
    let mut bytes = Vec::new();
    let error = far.read_to_end(&mut bytes).err();
    assert!(error.is_none_or(|error| error.kind() == ErrorKind::WouldBlock));
    far.set_nonblocking(false).unwrap();
    bytes
}

fn what_a_cancel_has_left_is_sent_by_the_next_one<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let sent = pattern(700_000);
    let mut queue = driver.outgoing(700, 1000);
    assert_eq!(queue.push(&sent), sent.len());
    let (mut received, mut told) = (Vec::new(), 0);
    for round in 0.. {
        let mut send = driver.clone().submit(SendBundle::new(near.clone(), queue));
        let polled = driver.run(async { futures::poll!(&mut send) });
        let (result, back) = match polled {
            Poll::Ready(output) => output,
            Poll::Pending => driver.run(send.cancel()).into_inner(),
        };
        queue = back;
        match result {
            Ok(count) => told += count,
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ECANCELED)),
        }
        assert_eq!(told + queue.unsent(), sent.len());
        // The socket is full every second time, so nothing is sent then.
        if round % 2 == 1 {
            received.extend(drain(&mut far));
            assert_eq!(received.len(), told, "more was sent, or less, than was told");
        }
        if received.len() == sent.len() {
            break;
        }
    }
    assert!(received == sent, "the bytes are not those that were to be sent");
    driver.end();
}

fn a_send_that_is_dropped_sends_a_beginning<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    for pushed in [10, 1000, 1_000_000] {
        let (near, mut far) = streams();
        let sent = pattern(pushed);
        let mut queue = driver.outgoing(1000, 1000);
        assert_eq!(queue.push(&sent), pushed);
        let mut send = driver.clone().submit(SendBundle::new(near, queue));
        let _ = driver.run(async { futures::poll!(&mut send).is_pending() });
        drop(send);
        driver.until("the operation is over", || driver.so_far().in_flight == 0);
        let received = drain(&mut far);
        assert!(received == sent[..received.len()], "not a beginning of what was to be sent");
    }
    driver.end();
}

fn a_peer_that_has_gone_is_told<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, far) = streams();
    let mut queue = driver.outgoing(4, 16);
    assert_eq!(queue.push(b"hello"), 5);
    drop(far);
    for _ in 0..2 {
        let send = SendBundle::new(near.clone(), queue);
        let (result, back) = driver.run(driver.clone().submit(send));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(back.unsent(), 5);
        queue = back;
    }
    // What was not sent to one goes to another.
    let (near, mut far) = streams();
    let (count, queue) = driver.run(driver.clone().submit(SendBundle::new(near, queue)));
    assert_eq!((count.unwrap(), queue.room()), (5, 64));
    assert_eq!(drain(&mut far), b"hello");
    driver.end();
}

fn a_queue_is_used_again_for_ever<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let mut queue = driver.outgoing(3, 8);
    let (mut sent, mut received) = (Vec::new(), Vec::new());
    for round in 0..300 {
        let piece = pattern(round % 30);
        let pushed = queue.push(&piece);
        assert_eq!(pushed, piece.len().min(24));
        sent.extend_from_slice(&piece[..pushed]);
        let send = SendBundle::new(near.clone(), queue);
        let (count, back) = driver.run(driver.clone().submit(send));
        assert_eq!(count.unwrap(), pushed);
        queue = back;
        received.extend(drain(&mut far));
    }
    assert!(received == sent, "the bytes are not those that were to be sent");
    driver.end();
}

fn a_queue_of_another_ring_is_refused<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let other = S::make(1, 4).unwrap();
    let (near, mut far) = streams();
    let mut queue = other.outgoing(2, 8);
    assert_eq!(queue.push(b"elsewhere"), 9);
    let (refused, queue) = driver.run(driver.clone().submit(SendBundle::new(near.clone(), queue)));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(queue.unsent(), 9);
    match other.run(other.clone().submit(SendBundle::new(near, queue)).cancel()) {
        // A cancel before the first poll never starts it.
        Cancelled::Cancelled((_, queue)) => assert_eq!(queue.unsent(), 9),
        Cancelled::Completed((count, _)) => assert_eq!(count.unwrap(), 9),
    }
    drop(drain(&mut far));
    driver.end();
    other.end();
}

/// Fills a socket, and yields with how many bytes.
fn fill(mut near: &UnixStream) -> usize {
    near.set_nonblocking(true).unwrap();
    let mut filled = 0;
    while let Ok(count) = near.write(&[0; 4096]) {
        filled += count;
    }
    near.set_nonblocking(false).unwrap();
    filled
}

#[test]
fn a_send_outlives_the_thread_that_began_it() {
    use ringbahn_core::Drive as _;
    use ringbahn_drivers::SharedDriver;
    let test = "sends::a_send_outlives_the_thread_that_began_it";
    crate::subject::play_with_queues::<SharedDriver>(test, || {
        let driver = SharedDriver::make(1, 4).unwrap();
        let sent = pattern(20_000);
        for round in 0..20 {
            let (near, mut far) = UnixStream::pair().unwrap();
            // At times the socket is full, so nothing has been sent when the thread exits.
            let before = if round % 2 == 0 { fill(&near) } else { 0 };
            let near = SharedFd::from(OwnedFd::from(near));
            let mut queue = driver.outgoing(20, 1000);
            assert_eq!(queue.push(&sent), sent.len());
            let mut send = driver.clone().submit(SendBundle::new(near.clone(), queue));
            let (send, polled) = thread::spawn({
                let driver = driver.clone();
                move || {
                    let polled = driver.run(async { futures::poll!(&mut send) });
                    (send, polled)
                }
            })
            .join()
            .unwrap();
            let reader = thread::spawn(move || {
                let mut received = vec![0; before + 20_000];
                far.read_exact(&mut received).unwrap();
                received.split_off(before)
            });
            let (count, mut queue) = match polled {
                Poll::Ready(output) => output,
                Poll::Pending => driver.run(send),
            };
            let mut count = count.unwrap();
            while queue.unsent() > 0 {
                assert_eq!(count + queue.unsent(), sent.len());
                let rest = SendBundle::new(near.clone(), queue);
                let (more, back) = driver.run(driver.clone().submit(rest));
                (count, queue) = (count + more.unwrap(), back);
            }
            assert_eq!(count, sent.len());
            assert!(reader.join().unwrap() == sent, "not what was to be sent");
        }
        driver.end();
    });
}
