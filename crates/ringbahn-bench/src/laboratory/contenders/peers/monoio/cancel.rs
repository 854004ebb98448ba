//! Receives that are given up through a handle that they have in common.

use std::io;

use monoio::io::{CancelHandle, CancelableAsyncReadRent as _, Canceller};
use monoio::net::UnixStream;
use rustix::io::Errno;

use super::super::give_way::give_way;
use super::Runtime;
use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn cancel<M: Runtime>(case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    M::run(async |_| {
        let pairs = (0..case.depth).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>()?;
        let (mut sockets, _others): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let mut canceller = Canceller::new();
        while meter.goes_on() {
            for _ in 0..case.lap() / u64::from(case.depth) {
                let spawn = |socket| monoio::spawn(receive(socket, canceller.handle()));
                let receives: Vec<_> = sockets.drain(..).map(spawn).collect();
                give_way().await;
                canceller = canceller.cancel();
                for receive in receives {
                    sockets.push(receive.await?);
                }
            }
            meter.did(case.lap());
        }
        Ok(())
    })
}

async fn receive(mut socket: UnixStream, handle: CancelHandle) -> Result<UnixStream, Failure> {
    let (received, _) = socket.cancelable_read(Vec::with_capacity(64), handle).await;
    match received {
        Err(error) if error.raw_os_error() == Some(Errno::CANCELED.raw_os_error()) => Ok(socket),
        _ => Err("a receive has ended that was to be given up".into()),
    }
}
