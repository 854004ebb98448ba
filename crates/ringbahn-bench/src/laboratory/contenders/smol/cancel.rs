//! Receives that are given up: futures that have been polled, and are dropped.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;

use smol::Async;

use super::super::runtime::give_up;
use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn cancel(case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    let pairs: Vec<(Async<UnixStream>, Async<UnixStream>)> =
        (0..case.depth).map(|_| Async::<UnixStream>::pair()).collect::<io::Result<_>>()?;
    let mut receives: Vec<_> = pairs.iter().map(|_| Box::pin(None)).collect();
    while meter.goes_on() {
        smol::block_on(give_up(
            &mut receives,
            |number| receive_one(&pairs[number].0),
            case.lap() / u64::from(case.depth),
        ))?;
        meter.did(case.lap());
    }
    Ok(())
}

async fn receive_one(socket: &Async<UnixStream>) -> io::Result<usize> {
    let mut buffer = [0; 64];
    socket.read_with(|mut socket| socket.read(&mut buffer)).await
}
