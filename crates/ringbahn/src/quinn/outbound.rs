//! [`Outbound`]: the sends in flight, and who waits for room among them.

use std::future::Future;
use std::io;
use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use ::quinn::udp::Transmit;
use ringbahn_core::event::SendMsg;
use ringbahn_core::{Drive, Submission};

use crate::net::{DatagramOptions, Ecn};
use crate::ring::Ring;
use crate::ring::waiters::Waiters;

/// How many sends may be in flight. Nearly all end at once, so they are few.
const IN_FLIGHT_MAX: usize = 64;

type Send<D> = Submission<SendMsg<[Vec<u8>; 1]>, D>;

/// A send, and whether it is of several datagrams.
struct Flight<D: Drive> {
    send: Send<D>,
    segmented: bool,
}

pub(super) struct Outbound<D: Drive + Unpin> {
    flights: Mutex<Flights<D>>,
    bell: Arc<Bell>,
}

/// What every send is polled with.
#[derive(Debug, Default)]
struct Bell {
    /// How often it has been rung.
    count: AtomicU64,
    /// Who is woken when a send has ended, or when one that had to wait for the driver may go on.
    waiters: Waiters,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.waiters.wake_all();
    }
}

struct Flights<D: Drive> {
    /// In the order in which they were given away, but for those that are being polled.
    waiting: Vec<Flight<D>>,
    /// How many are being polled, outside of the lock.
    polled: usize,
}

impl<D: Drive> Flights<D> {
    fn have_room(&self) -> bool {
        self.waiting.len() + self.polled < IN_FLIGHT_MAX
    }
}

impl<D: Drive + Clone + Unpin> Outbound<D> {
    pub(super) fn new() -> Outbound<D> {
        let flights = Mutex::new(Flights { waiting: Vec::new(), polled: 0 });
        Outbound { flights, bell: Arc::default() }
    }

    /// Sends a datagram, or several, as soon as it can be. There is room.
    pub(super) fn send(&self, ring: &Ring<UdpSocket, D>, transmit: &Transmit<'_>) {
        let peer = transmit.destination;
        // One that is as long as its segment is a single one, which is no matter for the network.
        let segment = transmit.segment_size.filter(|&size| size < transmit.contents.len());
        let segment = segment.and_then(|size| u16::try_from(size).ok());
        let options = DatagramOptions::new()
            .ecn(transmit.ecn.and_then(|ecn| Ecn::from_bits(ecn as u8)))
            .segment_size(segment)
            .source(transmit.src_ip);
        let control = options.control_messages(peer);
        let send = ring.send_message([transmit.contents.to_vec()], peer, control);
        self.lock().waiting.push(Flight { send, segmented: segment.is_some() });
    }

    /// Takes the results of the sends that have ended, and starts those that have not begun. Tells
    /// whether the network was found not to take several datagrams at once.
    pub(super) fn settle(&self) -> bool {
        let rung = self.bell.count.load(Ordering::SeqCst);
        let flights = {
            let mut flights = self.lock();
            let taken = std::mem::take(&mut flights.waiting);
            flights.polled += taken.len();
            taken
        };
        if flights.is_empty() {
            return false;
        }
        let count = flights.len();
        let (left, refused) = self.poll(flights);
        let missed = {
            let mut flights = self.lock();
            let had_room = flights.have_room();
            flights.polled -= count;
            let some_left = !left.is_empty();
            // What was given away meanwhile comes behind.
            let later = std::mem::replace(&mut flights.waiting, left);
            flights.waiting.extend(later);
            let was_rung = self.bell.count.load(Ordering::SeqCst) != rung;
            // Whoever was woken for a send, or has looked for room, has found none of these.
            (some_left && was_rung) || (!had_room && flights.have_room())
        };
        if missed {
            self.bell.waiters.wake_all();
        }
        refused
    }

    /// Polls sends, and yields those that have not ended, and whether one of several datagrams was
    /// refused.
    fn poll(&self, flights: Vec<Flight<D>>) -> (Vec<Flight<D>>, bool) {
        let waker = Waker::from(self.bell.clone());
        let mut cx = Context::from_waker(&waker);
        let mut refused = false;
        let mut left = Vec::new();
        for mut flight in flights {
            match Pin::new(&mut flight.send).poll(&mut cx) {
                Poll::Pending => left.push(flight),
                Poll::Ready((Ok(_), _)) => {}
                Poll::Ready((Err(error), _)) => refused |= flight.segmented && is_refusal(&error),
            }
        }
        (left, refused)
    }

    /// Whether another send may be given away.
    pub(super) fn has_room(&self) -> bool {
        self.lock().have_room()
    }

    /// Wakes a task, once, when a send has ended or may go on.
    pub(super) fn attend(&self, waker: &Waker) {
        self.bell.waiters.add(waker);
    }

    fn lock(&self) -> MutexGuard<'_, Flights<D>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Drive + Unpin> Drop for Outbound<D> {
    fn drop(&mut self) {
        let flights = self.flights.get_mut().unwrap_or_else(PoisonError::into_inner);
        // The last words of an endpoint may be among them.
        flights.waiting.iter_mut().for_each(|flight| Pin::new(&mut flight.send).detach());
    }
}

/// Whether the error may be that the network does not take several datagrams at once.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL))
}
