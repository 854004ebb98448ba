//! Receives that are given up through a token that they have in common.

use std::io;
use std::os::unix::net;

use compio::buf::BufResult;
use compio::io::AsyncRead as _;
use compio::net::UnixStream;
use compio::runtime::{CancelToken, FutureExt as _};
use rustix::io::Errno;

use super::super::give_way::give_way;
use super::Runtime;
use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn cancel<C: Runtime>(case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    C::run(async |library: C| {
        let pair = |_| -> io::Result<_> {
            let (one, other) = net::UnixStream::pair()?;
            Ok((UnixStream::from_std(one)?, other))
        };
        let pairs = (0..case.depth).map(pair).collect::<io::Result<Vec<_>>>()?;
        let (mut sockets, _others): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        while meter.goes_on() {
            for _ in 0..case.lap() / u64::from(case.depth) {
                let token = CancelToken::new();
                let spawn = |socket| library.spawn(receive(socket, token.clone()));
                let receives: Vec<_> = sockets.drain(..).map(spawn).collect();
                give_way().await;
                token.clone().cancel();
                for receive in receives {
                    sockets.push(receive.await?);
                }
            }
            meter.did(case.lap());
        }
        Ok(())
    })
}

async fn receive(mut socket: UnixStream, token: CancelToken) -> Result<UnixStream, Failure> {
    let receive = socket.read(Vec::with_capacity(64)).with_cancel(token);
    let BufResult(received, _) = receive.await;
    match received {
        Err(error) if error.raw_os_error() == Some(Errno::CANCELED.raw_os_error()) => Ok(socket),
        _ => Err("a receive has ended that was to be given up".into()),
    }
}
