//! A zero-copy send tells its length early, and gives the buffer back when the network no longer
//! needs it.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use futures::future::try_join;
use ringbahn_core::event::{SendZc, Shutdown};
use ringbahn_core::{SharedFd, opcode};

use crate::tour::finding::{Failure, Finding, When, equal, hold, size};
use crate::tour::pattern::Pattern;
use crate::tour::route::Toured;
use crate::tour::site::Site;
use crate::tour::stops::echo;

const SENDS: usize = 8;
const LENGTH: usize = 256 << 10;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    site.require(opcode::SEND_ZC, "zero-copy send", "Linux 6.0")?;
    let pattern = Pattern::new(5);
    let (from, to) = echo::connection(site).await?;
    let sends = async {
        for number in 0..SENDS {
            send(site, &from, pattern, (number * LENGTH) as u64).await?;
        }
        let shutdown = Shutdown::new(from.clone(), std::net::Shutdown::Write);
        site.submit(shutdown).await.when("shutting down")
    };
    let ((), received) = try_join(sends, echo::receive(site, &to)).await?;
    equal("bytes received", received.len(), SENDS * LENGTH)?;
    pattern.check("what was received", 0, &received)?;
    Ok(format!("{SENDS} sends of {}: the length first, the buffer later", size(LENGTH),))
}

async fn send<D: Toured>(
    site: &Site<D>,
    socket: &SharedFd,
    pattern: Pattern,
    offset: u64,
) -> Finding<()> {
    let buffer = pattern.bytes(offset, LENGTH);
    let place = buffer.as_ptr();
    let mut send = pin!(site.submit(SendZc::new(socket.clone(), buffer).wait_all(true)));
    let first = poll_fn(|cx| Pin::as_mut(&mut send).poll_cqe(cx, 0)).await;
    let Some(early) = first else {
        let error = send.await.0.err().map_or_else(String::new, |error| error.to_string());
        return Err(Failure::Broken(format!("a zero-copy send was refused: {error}")));
    };
    let length = early.result().when("a zero-copy send")? as usize;
    equal("the length told first", length, LENGTH)?;
    hold(early.has_more(), || "no notification was to follow the length".to_owned())?;
    let (count, buffer) = send.await;
    equal("the length told last", count.when("a zero-copy send")?, length)?;
    equal("where the buffer is", buffer.as_ptr(), place)?;
    pattern.check("the buffer that came back", offset, &buffer)
}
