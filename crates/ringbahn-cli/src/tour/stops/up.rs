//! The driver comes up: a first operation goes through its ring.

use std::collections::BTreeSet;

use ringbahn_core::event::{EVENTS, Nop};

use crate::tour::finding::{Finding, When, equal};
use crate::tour::machine;
use crate::tour::route::Toured;
use crate::tour::site::Site;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    site.submit(Nop::new()).await.when("a first operation")?;
    equal("operations submitted", site.driver.counters().submitted, 1)?;
    site.settle_operations().await?;
    let Some(probe) = &site.probe else { return Ok(machine::kernel()) };
    let opcodes: BTreeSet<u8> = EVENTS.iter().filter_map(|event| event.opcode).collect();
    let known = opcodes.iter().filter(|&&opcode| probe.supports(opcode)).count();
    let (entries, completion_entries) = site.driver.queue_sizes();
    Ok(format!(
        "a ring of {entries} + {completion_entries} entries; {known} of {} opcodes known",
        opcodes.len(),
    ))
}
