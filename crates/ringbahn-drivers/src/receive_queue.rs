//! Receive queues of network cards, for rings.
//!
//! A ring gets such a queue with memory that is the process's own, so that it needs no mapping that
//! would end with the ring. It cannot be given back before the ring is closed.
//!
//! # Safety
//!
//! RQ1. What is made into a [`ReceiveQueue`] is what the kernel has just registered, with the pages
//!      it has registered, and they go along with it.
#![allow(unsafe_code)]

use std::io;

use ringbahn_core::{ReceiveMemory, ReceiveQueue, Sharing};

use crate::RingHandle;
use crate::survey::{NoZeroCopyReceive, Obstacle};
use crate::sys::receive_queue::{Taken, is_known, take};
use crate::sys::uapi::{SETUP_CQE32, SETUP_DEFER_TASKRUN};

/// The most entries of a refill ring that kernels take.
const ENTRIES_MAX: usize = 1 << 15;

impl<S: Sharing> RingHandle<S> {
    /// Takes the receive queue `queue` of the network interface `interface`, such as `eth0`, for
    /// receives [without a copy](ringbahn_core::event::RecvZc). The card puts what arrives there
    /// into `area_length` bytes of memory, rounded up to whole pages, which stay locked.
    ///
    /// The ring has the queue until it is closed. Connections have to be steered to it, by
    /// `ethtool -N`; what arrives there for other sockets is copied. More pieces may be out than
    /// the ring for giving memory back has entries: then some wait for their turn.
    ///
    /// # Errors
    ///
    /// [`NoZeroCopyReceive`] says what is in the way, and what to do about it.
    ///
    /// # Kernel
    ///
    /// 6.15. The ring has to be one thread's, made with
    /// [wide completions](crate::Setup::completion_width). No card was at hand that gives queues
    /// away: what comes before the registration, and what is made of what a card would say, has
    /// been tried; that data arrives has not.
    pub fn receive_queue(
        &self,
        interface: &str,
        queue: u32,
        area_length: usize,
    ) -> Result<ReceiveQueue, NoZeroCopyReceive> {
        let failed =
            |obstacle, error: io::Error| NoZeroCopyReceive::new(obstacle, interface, queue, &error);
        let ring = self.rings().kernel().map_err(|error| failed(Obstacle::NoRing, error))?.fd();
        let needed = SETUP_CQE32 | SETUP_DEFER_TASKRUN;
        if self.setup_flags() & needed != needed {
            return Err(failed(Obstacle::Ring, io::ErrorKind::InvalidInput.into()));
        }
        match is_known(ring) {
            Ok(true) => {}
            Ok(false) => {
                let unknown = io::Error::from_raw_os_error(libc::EINVAL);
                return Err(failed(Obstacle::KernelTooOld, unknown));
            }
            Err(error) => return Err(failed(Obstacle::NotPermitted, error)),
        }
        let number = Obstacle::interface_number(interface).ok_or_else(|| {
            failed(Obstacle::NoInterface, io::Error::from_raw_os_error(libc::ENODEV))
        })?;
        // Pieces are smaller than pages, so there may be more of them.
        let pages = area_length.div_ceil(rustix::param::page_size()).max(1);
        let entries = pages.saturating_mul(2).next_power_of_two().min(ENTRIES_MAX) as u32;
        let taken = take(ring, number, queue, area_length, entries);
        let taken = taken.map_err(|error| failed(Obstacle::of(&error), error))?;
        let Taken { area, region, id, token, refill } = taken;
        let (start, length) = (area.start(), area.length());
        let memory = ReceiveMemory { area: start, length, token, refill };
        let mappings = Box::new((area, region));
        // SAFETY: RQ1.
        Ok(unsafe { ReceiveQueue::new(memory, self.table().ring(), id, mappings) })
    }
}
