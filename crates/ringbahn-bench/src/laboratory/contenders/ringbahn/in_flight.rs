//! Receives that wait, of which one at a time ends.

use std::future::{Future as _, poll_fn};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use ringbahn::event::Recv;
use ringbahn::{BufResultExt as _, Drive as _, SharedFd};

use super::Host;
use crate::laboratory::case::InFlight;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn run(host: &impl Host, case: &InFlight, meter: &mut Meter) -> Result<(), Failure> {
    let (mut receives, mut senders) = (Vec::new(), Vec::new());
    for _ in 0..case.waiting {
        let (near, far) = UnixStream::pair()?;
        let socket = SharedFd::new(Arc::new(near));
        receives.push((host.driver().submit(Recv::new(socket.clone(), [0_u8])), socket));
        senders.push(far);
    }
    // All of them wait before the first one is measured.
    host.block_on(poll_fn(|cx| {
        let mut receives = receives.iter_mut().map(|(receive, _)| Pin::new(receive));
        let are_pending = receives.all(|receive| receive.poll(cx).is_pending());
        Poll::Ready(if are_pending { Ok(()) } else { Err("a receive has ended by itself") })
    }))?;
    let mut stopwatch = meter.stopwatch();
    let mut next = 0;
    while meter.goes_on() {
        host.block_on(async {
            for _ in 0..case.lap() {
                let (receive, socket) = &mut receives[next];
                let mut receive = Pin::new(receive);
                let start = stopwatch.start();
                senders[next].write_all(&[1])?;
                let (count, byte) = receive.as_mut().await.both()?;
                receive.as_mut().restart(Recv::new(socket.clone(), byte));
                let is_pending = poll_fn(|cx| Poll::Ready(receive.as_mut().poll(cx).is_pending()));
                let is_pending = is_pending.await;
                stopwatch.stop(start);
                if count != 1 || byte != [1] || !is_pending {
                    return Err("what was received is not what was sent".into());
                }
                next = (next + 1) % receives.len();
            }
            Result::<(), Failure>::Ok(())
        })?;
        meter.did(case.lap());
        meter.took(&mut stopwatch);
    }
    Ok(())
}
