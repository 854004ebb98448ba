//! [`Inbound`]: the receive in flight.

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use ::quinn::udp::{EcnCodepoint, RecvMeta};
use ringbahn_core::event::{Received, RecvMsg};
use ringbahn_core::{Drive, Submission};

use crate::net::{CONTROL_SPACE, DatagramInfo};
use crate::ring::Ring;

/// The longest that the kernel gives at once, of one datagram or of several put together.
const LONGEST: usize = 65_535;

type Receive<D> = Submission<RecvMsg<[Vec<u8>; 1]>, D>;

pub(super) struct Inbound<D: Drive> {
    stage: Mutex<Stage<D>>,
}

#[allow(clippy::large_enum_variant, reason = "there is one for each socket")]
enum Stage<D: Drive> {
    Idle(Vec<u8>),
    InFlight(Receive<D>),
    /// Some task is at it, outside of the lock.
    Taken,
}

impl<D: Drive + Clone + Unpin> Inbound<D> {
    pub(super) fn new() -> Inbound<D> {
        Inbound { stage: Mutex::new(Stage::Idle(Vec::new())) }
    }

    /// Receives as many datagrams as have arrived and there are buffers for, or waits for one.
    pub(super) fn poll(
        &self,
        ring: &Ring<UdpSocket, D>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut stage = std::mem::replace(&mut *self.lock(), Stage::Taken);
        if matches!(stage, Stage::Taken) {
            // Two tasks receive at once, which quinn has none of. The other one is about to end.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut count = 0;
        let mut failure = None;
        while count < buffers.len().min(meta.len()) {
            let mut receive = match stage {
                Stage::InFlight(receive) => receive,
                Stage::Idle(mut buffer) => {
                    buffer.clear();
                    buffer.reserve_exact(LONGEST);
                    ring.receive_raw([buffer], CONTROL_SPACE)
                }
                Stage::Taken => unreachable!("it was looked at, and is made anew below"),
            };
            let Poll::Ready((result, [buffer])) = Pin::new(&mut receive).poll(cx) else {
                stage = Stage::InFlight(receive);
                break;
            };
            match result {
                Ok(received) => match tell(&received, &buffer, &mut buffers[count]) {
                    Some(told) => {
                        meta[count] = told;
                        count += 1;
                    }
                    None => failure = Some(shut_down()),
                },
                Err(error) => failure = Some(error),
            }
            stage = Stage::Idle(buffer);
            if failure.is_some() {
                break;
            }
        }
        let waits = matches!(stage, Stage::InFlight(_));
        *self.lock() = stage;
        match failure {
            _ if count > 0 => {
                // What has failed is found again by the next receive, or has passed.
                Poll::Ready(Ok(count))
            }
            Some(error) => Poll::Ready(Err(error)),
            None if waits => Poll::Pending,
            None => Poll::Ready(Ok(0)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stage<D>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is received without a sender is the word of a socket that was shut down.
fn shut_down() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket was shut down")
}

/// Copies what was received to quinn's buffer, and tells quinn what it is.
fn tell(received: &Received, bytes: &[u8], buffer: &mut [u8]) -> Option<RecvMeta> {
    let address = received.address.as_ref()?.as_inet()?;
    let info = DatagramInfo::of(received);
    let length = bytes.len().min(buffer.len());
    buffer[..length].copy_from_slice(&bytes[..length]);
    Some(RecvMeta {
        addr: address,
        len: length,
        stride: info.segment_size.unwrap_or(length),
        ecn: info.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn.bits())),
        dst_ip: info.destination,
    })
}
