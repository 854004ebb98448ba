//! Receives that wait, of which one at a time gets its byte: one task waits for all of them.

use std::io::Write as _;
use std::os::unix::net::UnixStream;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::{Hand, Runtime, lap};
use crate::laboratory::case::InFlight;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(crate) fn in_flight<R: Runtime>(case: &InFlight, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = R::new()?;
    let (waiting, stopwatch) = (case.waiting as usize, meter.stopwatch());
    let mut hands = runtime.all([async move {
        let (mut writers, receives) = (Vec::new(), FuturesUnordered::new());
        for number in 0..waiting {
            let (writer, reader) = UnixStream::pair()?;
            writers.push(writer);
            receives.push(receive::<R>(number, R::socket(reader)?));
        }
        Ok(Hand { stopwatch, has: (writers, receives, 0) })
    }])?;
    let bytes = case.lap();
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: (mut writers, mut receives, mut turn) } = hand;
            for _ in 0..bytes {
                let start = stopwatch.start();
                writers[turn].write_all(&[1])?;
                let next = receives.next().await.ok_or("nothing waits any more")?;
                let (number, socket) = next?;
                if number != turn {
                    return Err("another one has received what was sent".into());
                }
                receives.push(receive::<R>(number, socket));
                stopwatch.stop(start);
                turn = (turn + 1) % waiting;
            }
            Ok(Hand { stopwatch, has: (writers, receives, turn) })
        })?;
        meter.did(bytes);
    }
    Ok(())
}

async fn receive<R: Runtime>(
    number: usize,
    socket: R::Socket,
) -> Result<(usize, R::Socket), Failure> {
    match R::receive(socket).await? {
        (1, socket) => Ok((number, socket)),
        _ => Err("a socket was closed".into()),
    }
}
