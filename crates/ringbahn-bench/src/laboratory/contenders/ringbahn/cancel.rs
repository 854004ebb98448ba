//! Receives that are given up, and whose buffers come back when they have been.

use std::future::{Future as _, poll_fn};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures::future::join_all;
use ringbahn::event::Recv;
use ringbahn::{Drive as _, SharedFd};

use super::Host;
use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

/// How much would be received, in bytes.
const BUFFER: usize = 64;

pub(super) fn run(host: &impl Host, case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    let mut sockets = Vec::new();
    let mut silent = Vec::new();
    for _ in 0..case.depth {
        let (near, far) = UnixStream::pair()?;
        sockets.push(SharedFd::new(Arc::new(near)));
        silent.push(far);
    }
    while meter.goes_on() {
        host.block_on(async {
            for _ in 0..case.lap() / u64::from(case.depth) {
                give_up(host, &sockets).await?;
            }
            Result::<(), Failure>::Ok(())
        })?;
        meter.did(case.lap());
    }
    drop(silent);
    Ok(())
}

/// Receives from each of the sockets, gives that up, and waits until nothing is in flight.
async fn give_up(host: &impl Host, sockets: &[SharedFd]) -> Result<(), Failure> {
    let receive = |socket: &SharedFd| Recv::new(socket.clone(), [0_u8; BUFFER]);
    let submit = |socket| host.driver().submit(receive(socket));
    let mut receives: Vec<_> = sockets.iter().map(submit).collect();
    poll_fn(|cx| {
        let mut receives = receives.iter_mut().map(Pin::new);
        let are_pending = receives.all(|receive| receive.poll(cx).is_pending());
        Poll::Ready(if are_pending { Ok(()) } else { Err("a receive has ended by itself") })
    })
    .await?;
    for cancelled in join_all(receives.into_iter().map(|receive| receive.cancel())).await {
        let (result, _buffer) = cancelled.into_inner();
        match result {
            Err(error) if is_cancel(&error) => {}
            other => return Err(format!("a cancelled receive has yielded {other:?}").into()),
        }
    }
    Ok(())
}

fn is_cancel(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::CANCELED.raw_os_error())
        || error.kind() == ErrorKind::Interrupted
}
