//! Receives that are given up: futures that have been polled, and are dropped.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::task::Poll;

use smol::Async;

use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn cancel(case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    let pairs: Vec<(Async<UnixStream>, Async<UnixStream>)> =
        (0..case.depth).map(|_| Async::<UnixStream>::pair()).collect::<io::Result<_>>()?;
    let mut receives: Vec<_> = pairs.iter().map(|_| Box::pin(None)).collect();
    while meter.goes_on() {
        smol::block_on(async {
            for _ in 0..case.lap() / u64::from(case.depth) {
                std::future::poll_fn(|cx| {
                    for (receive, (socket, _)) in receives.iter_mut().zip(&pairs) {
                        receive.set(Some(receive_one(socket)));
                        let receive = receive.as_mut().as_pin_mut();
                        if receive.is_some_and(|receive| receive.poll(cx).is_ready()) {
                            return Poll::Ready(Err("something has come from nowhere"));
                        }
                    }
                    Poll::Ready(Ok(()))
                })
                .await?;
                // They have all waited at the same time.
                for receive in &mut receives {
                    receive.set(None);
                }
            }
            Ok::<(), Failure>(())
        })?;
        meter.did(case.lap());
    }
    Ok(())
}

async fn receive_one(socket: &Async<UnixStream>) -> io::Result<usize> {
    let mut buffer = [0; 64];
    socket.read_with(|mut socket| socket.read(&mut buffer)).await
}
