//! Receives that are given up by dropping their futures.

use std::os::unix::net::UnixStream;

use a10::AsyncFd;

use super::super::give_way::give_way;
use super::Rings;
use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn cancel<A: Rings>(case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    A::run(async |library: A| {
        let mut sockets = Vec::new();
        let mut others = Vec::new();
        for _ in 0..case.depth {
            let (one, other) = UnixStream::pair()?;
            sockets.push(AsyncFd::new(one.into(), library.queue()));
            others.push(other);
        }
        while meter.goes_on() {
            for _ in 0..case.lap() / u64::from(case.depth) {
                let mut receives = Vec::new();
                for socket in &sockets {
                    let mut receive = socket.recv(Vec::with_capacity(64));
                    if futures::poll!(&mut receive).is_ready() {
                        return Err("a receive has ended that was to be given up".into());
                    }
                    receives.push(receive);
                }
                give_way().await;
                drop(receives);
                give_way().await;
            }
            meter.did(case.lap());
        }
        Ok(())
    })
}
