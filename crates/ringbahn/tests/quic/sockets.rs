//! Sockets of the runtime, as quinn sees them.

use std::future::poll_fn;
use std::io::{ErrorKind, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime as _};
use ringbahn::quinn::Runtime;
use ringbahn::{Drive, Shared};

use crate::bounded::block_on;
use crate::gate::Gate;
use crate::loopback;
use crate::support::{driver, skip, wait_until};

type Socket = Arc<dyn AsyncUdpSocket>;

/// How many sends may wait, as the module says.
const WAITING_MAX: usize = 64;

fn socket<D>(driver: &D) -> Socket
where
    D: Drive<Sharing = Shared> + Clone + Unpin + Send + Sync + 'static,
{
    let runtime = Runtime::new_on_driver(|_| unreachable!("no task is started"), driver.clone());
    runtime.wrap_udp_socket(UdpSocket::bind(loopback()).unwrap()).unwrap()
}

fn transmit(contents: &[u8], destination: SocketAddr) -> Transmit<'_> {
    Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None }
}

/// Receives once, up to `count` times.
async fn receive(socket: &Socket, count: usize) -> Vec<(RecvMeta, Vec<u8>)> {
    let mut memory = vec![vec![0; 65_535]; count];
    let mut meta = vec![RecvMeta::default(); count];
    let received = poll_fn(|cx| {
        let mut buffers: Vec<_> = memory.iter_mut().map(|bytes| IoSliceMut::new(bytes)).collect();
        socket.poll_recv(cx, &mut buffers, &mut meta)
    });
    let received = received.await.unwrap();
    let meta = meta.into_iter().take(received);
    meta.zip(memory).map(|(meta, bytes)| (meta, bytes[..meta.len].to_vec())).collect()
}

/// Whether it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn poll_nothing(socket: &Socket, waker: &Waker) {
    let (mut bytes, mut meta) = ([0; 16], [RecvMeta::default()]);
    let mut buffers = [IoSliceMut::new(&mut bytes)];
    let polled = socket.poll_recv(&mut Context::from_waker(waker), &mut buffers, &mut meta);
    assert!(polled.is_pending());
}

#[test]
fn a_datagram_is_told_of_as_quinn_wants_it() {
    let Some(driver) = driver("a_datagram_is_told_of_as_quinn_wants_it") else { return };
    let (near, far) = (socket(&driver), socket(&driver));
    let peer = far.local_addr().unwrap();
    for ecn in [None, Some(EcnCodepoint::Ect0), Some(EcnCodepoint::Ce)] {
        near.try_send(&Transmit { ecn, ..transmit(b"hello", peer) }).unwrap();
        let received = block_on(receive(&far, 4));
        let [(meta, bytes)] = &received[..] else { panic!("{} datagrams", received.len()) };
        assert_eq!((meta.addr, &bytes[..]), (near.local_addr().unwrap(), &b"hello"[..]));
        assert_eq!((meta.stride, meta.ecn, meta.dst_ip), (5, ecn, Some(peer.ip())));
    }
    assert!(!near.may_fragment());
}

#[test]
fn several_datagrams_at_once_stay_apart() {
    let test = "several_datagrams_at_once_stay_apart";
    let Some(driver) = driver(test) else { return };
    let (near, far) = (socket(&driver), socket(&driver));
    if near.max_transmit_segments() < 3 {
        return skip(test, "the kernel is older than 4.18");
    }
    let contents: Vec<u8> = (0..250).collect();
    let transmit = transmit(&contents, far.local_addr().unwrap());
    near.try_send(&Transmit { segment_size: Some(100), ..transmit }).unwrap();
    let mut parts = Vec::new();
    while parts.len() < 3 {
        for (meta, bytes) in block_on(receive(&far, 4)) {
            parts.extend(bytes.chunks(meta.stride).map(<[u8]>::to_vec));
        }
    }
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(parts.concat(), contents);
}

#[test]
fn where_several_at_once_are_refused_there_is_one_at_a_time_from_then_on() {
    let test = "where_several_at_once_are_refused";
    let Some(driver) = driver(test) else { return };
    let (near, far) = (socket(&driver), socket(&driver));
    if near.max_transmit_segments() == 1 {
        return skip(test, "the kernel is older than 4.18");
    }
    // More pieces than any kernel takes, which it says as it does where the network takes none.
    let contents = vec![7; 2000];
    let peer = far.local_addr().unwrap();
    near.try_send(&Transmit { segment_size: Some(1), ..transmit(&contents, peer) }).unwrap();
    // That it is lost is no error, and it is known at once, or when the socket is next looked at.
    wait_until("it is known", || {
        poll_nothing(&near, Waker::noop());
        near.max_transmit_segments() == 1
    });
    near.try_send(&transmit(b"single", peer)).unwrap();
    assert_eq!(block_on(receive(&far, 1))[0].1, b"single");
}

#[test]
fn a_driver_without_room_makes_quinn_wait_and_loses_nothing() {
    let Some(driver) = driver("a_driver_without_room_makes_quinn_wait") else { return };
    let gate = Gate::new(driver.clone());
    let (near, far) = (socket(&gate), socket(&driver));
    let peer = far.local_addr().unwrap();
    gate.shut();
    let contents: Vec<_> = (0..=WAITING_MAX as u32).map(u32::to_be_bytes).collect();
    for bytes in &contents[..WAITING_MAX] {
        near.try_send(&transmit(bytes, peer)).unwrap();
    }
    let last = transmit(&contents[WAITING_MAX], peer);
    assert_eq!(near.try_send(&last).unwrap_err().kind(), ErrorKind::WouldBlock);

    // Each of those who wait is woken.
    let woken = [Arc::new(Woken::default()), Arc::default()];
    let mut pollers = woken.clone().map(|woken| {
        let mut poller = near.clone().create_io_poller();
        let waker = Waker::from(woken);
        assert!(poller.as_mut().poll_writable(&mut Context::from_waker(&waker)).is_pending());
        poller
    });
    gate.open();
    assert!(woken.iter().all(|woken| woken.0.load(Ordering::SeqCst)));
    let cx = &mut Context::from_waker(Waker::noop());
    for poller in &mut pollers {
        assert!(matches!(poller.as_mut().poll_writable(cx), Poll::Ready(Ok(()))));
    }
    near.try_send(&last).unwrap();

    let mut got = Vec::new();
    while got.len() < contents.len() {
        // Those that the kernel has put together come as one.
        for (meta, bytes) in block_on(receive(&far, 8)) {
            got.extend(bytes.chunks(meta.stride).map(<[u8]>::to_vec));
        }
    }
    got.sort_unstable();
    assert_eq!(got, contents);
}

#[test]
fn the_task_that_receives_sends_what_had_to_wait() {
    let Some(driver) = driver("the_task_that_receives_sends_what_had_to_wait") else { return };
    let gate = Gate::new(driver.clone());
    let (near, far) = (socket(&gate), socket(&driver));
    let receiver = Arc::new(Woken::default());
    let waker = Waker::from(receiver.clone());
    poll_nothing(&near, &waker);
    gate.shut();
    near.try_send(&transmit(b"hello", far.local_addr().unwrap())).unwrap();
    poll_nothing(&far, Waker::noop());
    // quinn has nothing more to send, so nobody waits for room.
    gate.open();
    assert!(receiver.0.load(Ordering::SeqCst));
    poll_nothing(&near, &waker);
    assert_eq!(block_on(receive(&far, 1))[0].1, b"hello");
}

/// A task that is polled in the moment in which it is woken.
struct Eager(Weak<dyn AsyncUdpSocket>);

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        if let Some(socket) = self.0.upgrade() {
            poll_nothing(&socket, &self.into());
        }
    }
}

#[test]
fn a_task_that_is_woken_while_the_send_is_looked_at_is_woken_once_more() {
    let Some(driver) = driver("a_task_that_is_woken_while_the_send_is_looked_at") else { return };
    let gate = Gate::new(driver.clone());
    let (near, far) = (socket(&gate), socket(&driver));
    poll_nothing(&near, &Arc::new(Eager(Arc::downgrade(&near))).into());
    // Its turn has come before it is even told to wait. The task looks, and cannot see the send.
    gate.let_in(|waker| {
        waker.wake_by_ref();
        true
    });
    near.try_send(&transmit(b"hello", far.local_addr().unwrap())).unwrap();
    assert_eq!(block_on(receive(&far, 1))[0].1, b"hello");
}

#[test]
fn a_task_that_looks_for_room_while_sends_end_is_told_of_it() {
    let Some(driver) = driver("a_task_that_looks_for_room_while_sends_end") else { return };
    let gate = Gate::new(driver.clone());
    let (near, far) = (socket(&gate), socket(&driver));
    gate.shut();
    for _ in 0..WAITING_MAX {
        near.try_send(&transmit(b"hello", far.local_addr().unwrap())).unwrap();
    }
    let woken = Arc::new(Woken::default());
    let (waker, socket) = (Waker::from(woken.clone()), near.clone());
    gate.open();
    gate.let_in(move |_| {
        let mut poller = socket.create_io_poller();
        assert!(poller.as_mut().poll_writable(&mut Context::from_waker(&waker)).is_pending());
        false
    });
    // Nobody has been woken by the gate, so this is what finds the sends at their end.
    wait_until("there is room", || {
        poll_nothing(&near, Waker::noop());
        woken.0.load(Ordering::SeqCst)
    });
}

#[test]
fn what_was_given_away_last_is_sent_though_the_socket_goes() {
    let Some(driver) = driver("what_was_given_away_last_is_sent") else { return };
    let (near, far) = (socket(&driver), socket(&driver));
    near.try_send(&transmit(b"farewell", far.local_addr().unwrap())).unwrap();
    drop(near);
    assert_eq!(block_on(receive(&far, 1))[0].1, b"farewell");
}
