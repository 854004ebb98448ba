//! The lifecycle matrix: every event of the registry at every moment of its life.
//!
//! | axis | made of |
//! |---|---|
//! | events | [`rows`], which do not compile unless they are those of the registry |
//! | moments | [`Moment::ALL`] |
//!
//! In each cell one operation comes to one end. Afterwards its event has ended exactly once, the
//! driver has nothing in flight, and the descriptors of the process are those from before.

pub(crate) mod moment;
pub(crate) mod operation;
pub(crate) mod resources;
pub(crate) mod rows;
pub(crate) mod scene;
pub(crate) mod stand;

use std::sync::Arc;

use crate::case::{Body, Case};
use crate::kind::Kind;
use moment::Moment;

/// The cells, event by event.
pub(crate) fn cases<S: Kind>() -> Vec<Case<S>> {
    let mut cases = Vec::new();
    for row in rows::ROWS.iter().filter(|row| !row.stands_apart()) {
        for &moment in Moment::ALL {
            let body = Body::Closure(Arc::new(move |bench| moment.try_on(bench, *row)));
            cases.push(Case { name: format!("{}/{}", row.name, moment.name()), body });
        }
    }
    cases
}
