//! [`MissingEvent`]: an event of ringbahn that the kernel has not got, or not all of.

use std::borrow::Cow;

use ringbahn_core::event::{EVENTS, EventInfo};

use super::capability::Standing;
use super::listing::KernelVersion;
use super::{Capability, Survey};
use crate::fallback::Engine;
use crate::sys::probe::Probe;

/// An event of ringbahn that this machine's kernel cannot execute.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingEvent {
    /// The name of the event.
    pub name: &'static str,
    /// The operation that it asks for.
    pub operation: Cow<'static, str>,
    /// The version of Linux that brought the event.
    pub since: KernelVersion,
    /// What becomes of it here.
    pub outcome: MissingOutcome,
}

/// What becomes of an event that the kernel cannot execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingOutcome {
    /// The drivers execute it themselves, beside the ring.
    Beside,
    /// The kernel knows the operation and not all that the event asks of it, so it may fail.
    InPart,
    /// It fails.
    Fails,
}

impl Survey {
    /// The events of ringbahn that this machine's kernel cannot execute, by name. Empty where there
    /// is no io_uring, and the fallback executes what it can.
    pub fn missing_events(&self) -> Vec<MissingEvent> {
        if self.unavailable.is_some() {
            return Vec::new();
        }
        let engine = Engine::probe();
        EVENTS.iter().filter_map(|event| self.missing_event(event, &engine)).collect()
    }

    fn missing_event(&self, event: &EventInfo, engine: &Probe) -> Option<MissingEvent> {
        let opcode = event.opcode?;
        let of_opcode = |it: &&Capability| it.listing.number == u32::from(opcode);
        let operation = self.opcodes.iter().find(of_opcode)?;
        let since = KernelVersion { major: event.since.0.into(), minor: event.since.1.into() };
        let is_older = self.machine.version.is_some_and(|version| version < since);
        let outcome = match operation.standing {
            Standing::Missing if engine.supports(opcode) => MissingOutcome::Beside,
            Standing::Missing => MissingOutcome::Fails,
            // Nobody could tell.
            Standing::Untested(_) => return None,
            _ if is_older => MissingOutcome::InPart,
            _ => return None,
        };
        let operation = operation.listing.name.clone();
        Some(MissingEvent { name: event.name, operation, since, outcome })
    }
}
