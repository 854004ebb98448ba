//! Zero-copy sends: the count comes first, the buffer when the kernel has let go of it.

use std::future::poll_fn;
use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ringbahn_core::event::{SendMsg, SendZc, Usage};
use ringbahn_core::{Drive, IoBuf};
use ringbahn_drivers::SharedDriver;

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use scene::{end, run, shared, start, until, until_idle};
use watched::Watched;

/// A connection over the loopback device: near end, far end.
/// Two ends, of which the far one takes little before it is read.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A socket inherits the size from its listener, and keeps to a size that was set.
    socket2::SockRef::from(&listener).set_recv_buffer_size(16 << 10).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Fills the way to the far end, so that what is sent next stays on the near side.
fn congest(near: &TcpStream) {
    use std::io::Write as _;
    near.set_nonblocking(true).unwrap();
    let mut near = near;
    while near.write(&[0; 65536]).is_ok() {}
    near.set_nonblocking(false).unwrap();
}

fn count<B: IoBuf>(send: &mut ringbahn_core::Submission<SendZc<B>, SharedDriver>) -> usize {
    let first = run(poll_fn(|cx| Pin::new(&mut *send).poll_cqe(cx, 0))).unwrap();
    assert!(!first.is_notification());
    first.result().unwrap() as usize
}

#[test]
fn the_count_comes_first_and_the_buffer_after_the_notification() {
    let test = "the_count_comes_first_and_the_buffer_after_the_notification";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (near, mut far) = connection();
    // More than the far end takes, and less than an ordinary user may lock.
    let length = 1 << 20;
    let mut send = driver.clone().submit(SendZc::new(shared(near), vec![7; length]));
    let sent = count(&mut send);
    assert!(sent > 0);
    // The far end has not read it, so the near end may have to send it again.
    start(&mut send);
    assert_eq!(driver.counters().in_flight, 1);
    let mut received = 0;
    let mut part = vec![0; 1 << 20];
    while received < sent {
        received += far.read(&mut part).unwrap();
    }
    let second = run(poll_fn(|cx| Pin::new(&mut send).poll_cqe(cx, 1))).unwrap();
    assert!(second.is_notification());
    assert!(run(poll_fn(|cx| Pin::new(&mut send).poll_cqe(cx, 2))).is_none());
    let (result, buffer) = run(send);
    assert_eq!((result.unwrap(), buffer.len()), (sent, length));
    end(&driver);
}

#[test]
fn a_send_dropped_between_count_and_notification_keeps_its_buffer_until_the_latter() {
    let test = "a_send_dropped_between_count_and_notification_keeps_its_buffer_until_the_latter";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let ends = Arc::new(AtomicUsize::new(0));
    let (near, mut far) = connection();
    congest(&near);
    // Make just enough room for the near end to take a block that it cannot pass on.
    let mut part = vec![0; 1 << 20];
    let mut send = driver.clone().submit(SendZc::new(shared(near), Watched::new(&ends)));
    start(&mut send);
    let mut received = 0;
    while run(poll_fn(|cx| {
        std::task::Poll::Ready(Pin::new(&mut send).poll_cqe(cx, 0).is_pending())
    })) {
        received += far.read(&mut part[..16384]).unwrap();
    }
    // The notification may have come or not; the buffer goes with it, and not before.
    drop(send);
    let freed = ends.load(Ordering::SeqCst) > 0;
    assert!(!freed || driver.counters().in_flight == 0, "freed in flight");
    far.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    while let Ok(count @ 1..) = far.read(&mut part) {
        received += count;
    }
    assert!(received > canary::SIZE);
    until("the buffer is freed", || ends.load(Ordering::SeqCst) == 1);
    until_idle(&driver);
    end(&driver);
    canary::inspect();
}

#[test]
fn many_small_sends_arrive_in_order_with_their_buffers_back() {
    let test = "many_small_sends_arrive_in_order_with_their_buffers_back";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (near, mut far) = connection();
    let near = shared(near);
    for round in 0..200_u8 {
        let send = SendZc::new(near.clone(), vec![round; 100]).wait_all(true);
        let mut send = driver.clone().submit(send);
        assert_eq!(count(&mut send), 100);
        let mut received = [0; 100];
        far.read_exact(&mut received).unwrap();
        assert_eq!(received, [round; 100]);
        let (result, buffer) = run(send);
        assert_eq!((result.unwrap(), buffer), (100, vec![round; 100]));
    }
    end(&driver);
}

#[test]
fn a_socket_that_cannot_send_so_says_so_and_gives_the_buffer_back() {
    let test = "a_socket_that_cannot_send_so_says_so_and_gives_the_buffer_back";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (near, _far) = UnixStream::pair().unwrap();
    let send = SendZc::new(shared(near), b"as it was".to_vec());
    let (result, buffer) = run(driver.clone().submit(send));
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EOPNOTSUPP));
    assert_eq!(buffer, b"as it was");

    // Not even a socket.
    let file = shared(tempfile::tempfile().unwrap());
    let (result, buffer) = run(driver.clone().submit(SendZc::new(file, b"as it was".to_vec())));
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ENOTSOCK));
    assert_eq!(buffer, b"as it was");
    end(&driver);
}

#[test]
fn a_send_to_a_closed_peer_is_a_broken_pipe_and_no_signal() {
    let test = "a_send_to_a_closed_peer_is_a_broken_pipe_and_no_signal";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (near, _far) = connection();
    near.shutdown(std::net::Shutdown::Write).unwrap();
    let send = SendZc::new(shared(near), b"as it was".to_vec());
    let (result, buffer) = run(driver.clone().submit(send));
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(buffer, b"as it was");
    end(&driver);
}

#[test]
fn a_send_tells_whether_it_was_without_a_copy() {
    let test = "a_send_tells_whether_it_was_without_a_copy";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (near, mut far) = connection();
    let near = shared(near);
    let send = SendZc::new(near.clone(), vec![7; 1000]).wait_all(true).reporting();
    let send = driver.clone().submit(send);
    let mut received = [0; 1000];
    let reader = std::thread::spawn(move || {
        far.read_exact(&mut received).unwrap();
        (far, received)
    });
    let ((sent, buffer), usage) = run(send);
    assert_eq!((sent.unwrap(), buffer.len()), (1000, 1000));
    // What goes through the loopback device is copied where it arrives.
    assert_eq!(usage, Some(Usage::Copied));
    let (far, received) = reader.join().unwrap();
    assert_eq!(received, [7; 1000]);
    drop(far);
    end(&driver);
}

#[test]
fn a_message_of_several_buffers_is_sent_without_a_copy() {
    let test = "a_message_of_several_buffers_is_sent_without_a_copy";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (near, mut far) = connection();
    let send = SendMsg::new(shared(near), [vec![1; 100], vec![2; 200]]).zero_copy();
    let reader = std::thread::spawn(move || {
        let mut received = [0; 300];
        far.read_exact(&mut received).unwrap();
        received
    });
    let ((sent, buffers), usage) = run(driver.clone().submit(send.reporting()));
    assert_eq!(sent.unwrap(), 300);
    assert!(usage.is_some());
    assert_eq!(reader.join().unwrap()[..], buffers.concat()[..]);
    end(&driver);

    // A socket that cannot is told so, and the buffers come back.
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (near, _far) = UnixStream::pair().unwrap();
    let send = SendMsg::new(shared(near), ["as", "it was"]).zero_copy().reporting();
    let ((sent, buffers), usage) = run(driver.clone().submit(send));
    assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::Unsupported);
    assert_eq!((buffers, usage), (["as", "it was"], None));
    end(&driver);
}
