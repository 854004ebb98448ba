//! Receives that are given up by dropping their futures, which belong to sockets of datagrams: a
//! stream keeps what it has asked the ring for to itself.

use glommio::net::UnixDatagram;

use super::super::library::Library as _;
use super::{Glommio, failure};
use crate::laboratory::case::Cancel;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn cancel(case: &Cancel, meter: &mut Meter) -> Result<(), Failure> {
    Glommio::run(async |_| {
        let pairs = (0..case.depth).map(|_| UnixDatagram::pair().map_err(failure));
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        while meter.goes_on() {
            for _ in 0..case.lap() / u64::from(case.depth) {
                let mut receives = Vec::new();
                for (socket, _) in &pairs {
                    let mut receive = Box::pin(receive(socket));
                    if futures::poll!(&mut receive).is_ready() {
                        return Err("a receive has ended that was to be given up".into());
                    }
                    receives.push(receive);
                }
                glommio::executor().yield_task_queue_now().await;
                drop(receives);
                glommio::executor().yield_task_queue_now().await;
            }
            meter.did(case.lap());
        }
        Ok(())
    })
}

async fn receive(socket: &UnixDatagram) -> Result<usize, Failure> {
    socket.recv(&mut [0; 64]).await.map_err(failure)
}
