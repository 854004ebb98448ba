//! A loop that is woken by another thread, through an eventfd.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

use super::set::Set;
use crate::laboratory::case::Wake;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::waker;
use crate::laboratory::meter::Meter;

/// What an eventfd counts, in bytes.
const COUNT: usize = 8;

pub(super) fn wake(case: &Wake, meter: &mut Meter) -> Result<(), Failure> {
    let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    let event = Arc::new(File::from(eventfd(0, flags)?));
    let mut set = Set::new()?;
    set.add(&*event, 0)?;
    let other = event.clone();
    let wake = move |_| match (&*other).write(&1_u64.to_ne_bytes())? {
        COUNT => Ok(()),
        _ => Err("an eventfd has taken less than a number".into()),
    };
    waker::wakes(case, meter, wake, |_| {
        while set.wait(None)? == 0 {}
        (&*event).read_exact(&mut [0; COUNT])?;
        Ok(())
    })
}
