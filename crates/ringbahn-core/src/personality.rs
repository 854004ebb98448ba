//! [`Personality`]: credentials that are registered with a ring.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::ring_id::RingId;

/// Credentials that are registered with a ring, for operations to
/// [run with](crate::event::EventExt::as_personality): a handle, of which the last one to go lets
/// the ring forget them.
///
/// A driver gives it out. On another ring an event that runs with it fails with
/// [`ForeignRing`](crate::ForeignRing).
#[derive(Clone)]
pub struct Personality {
    inner: Arc<Inner>,
}

struct Inner {
    ring: RingId,
    number: u16,
    /// Its drop has the ring forget the credentials.
    _registration: Box<dyn Any + Send + Sync>,
}

impl Personality {
    /// The credentials that `ring` has under `number`, until `registration` is dropped: by the last
    /// handle, on whatever thread.
    pub fn new(ring: RingId, number: u16, registration: impl Send + Sync + 'static) -> Personality {
        let _registration = Box::new(registration);
        Personality { inner: Arc::new(Inner { ring, number, _registration }) }
    }

    /// The ring whose operations can run with it.
    pub fn ring(&self) -> RingId {
        self.inner.ring
    }

    /// The number that the ring has it under.
    pub fn number(&self) -> u16 {
        self.inner.number
    }
}

impl fmt::Debug for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Personality")
            .field("ring", &self.ring())
            .field("number", &self.number())
            .finish()
    }
}
