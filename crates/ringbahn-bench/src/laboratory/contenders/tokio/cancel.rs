//! Receives that are given up: futures that have been polled, and are dropped.

use std::io;

use tokio::net::UnixStream;

use super::super::runtime::give_up;
use super::Tokio;
use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn cancel<R: Tokio>(case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = R::new()?;
    let _inside = runtime.executor().enter();
    let pairs: Vec<(UnixStream, UnixStream)> =
        (0..case.depth).map(|_| UnixStream::pair()).collect::<io::Result<_>>()?;
    let mut receives: Vec<_> = pairs.iter().map(|_| Box::pin(None)).collect();
    while meter.goes_on() {
        runtime.executor().block_on(give_up(
            &mut receives,
            |number| receive_one(&pairs[number].0),
            case.lap() / u64::from(case.depth),
        ))?;
        meter.did(case.lap());
    }
    Ok(())
}

/// Receives, in the way that loses nothing when it is given up.
async fn receive_one(socket: &UnixStream) -> io::Result<usize> {
    let mut buffer = [0; 64];
    loop {
        socket.readable().await?;
        match socket.try_read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}
