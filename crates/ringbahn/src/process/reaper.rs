//! [`reap`]: takes the status of children that were dropped before they had ended.
//!
//! A thread waits for their process descriptors. It does not sit on a driver, since none lives as
//! long as any child may: a dropped child belongs to the process.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// How long to wait before looking again at a child that has no descriptor.
const LOOK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

static ORPHANS: Mutex<Orphans> = Mutex::new(Orphans { children: Vec::new(), bell: None });

struct Orphans {
    children: Vec<Orphan>,
    /// Wakes the thread, where there is one, and tells whose it is: none is in a forked child.
    bell: Option<(u32, Arc<OwnedFd>)>,
}

struct Orphan {
    child: Child,
    /// Readable when it has ended; `None` where the kernel makes none.
    descriptor: Option<Arc<OwnedFd>>,
}

/// Takes the status of `child`, now or when it has ended.
pub(super) fn reap(mut child: Child, descriptor: Option<Arc<OwnedFd>>) {
    if has_ended(&mut child) {
        return;
    }
    let mut orphans = lock();
    orphans.children.push(Orphan { child, descriptor });
    if orphans.wake_thread().is_err() {
        // For want of memory, say. The next one that is dropped tries again, and whatever has ended
        // until then is taken now.
        orphans.children.retain_mut(|orphan| !has_ended(&mut orphan.child));
    }
}

impl Orphans {
    fn wake_thread(&mut self) -> io::Result<()> {
        let process = std::process::id();
        if let Some((owner, bell)) = &self.bell
            && *owner == process
        {
            rustix::io::write(bell, &1_u64.to_ne_bytes())?;
            return Ok(());
        }
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let heard = bell.clone();
        let thread = std::thread::Builder::new().name("ringbahn-reaper".to_owned());
        thread.spawn(move || watch(&heard))?;
        self.bell = Some((process, bell));
        Ok(())
    }
}

/// Takes the status of all orphans, as they end. It is over when there are none.
fn watch(bell: &OwnedFd) {
    loop {
        let (descriptors, everybody) = {
            let mut orphans = lock();
            orphans.children.retain_mut(|orphan| !has_ended(&mut orphan.child));
            if orphans.children.is_empty() {
                orphans.bell = None;
                return;
            }
            let of = |orphan: &Orphan| orphan.descriptor.clone();
            let descriptors: Vec<_> = orphans.children.iter().filter_map(of).collect();
            let everybody = descriptors.len() == orphans.children.len();
            (descriptors, everybody)
        };
        let mut watched = vec![PollFd::new(bell, PollFlags::IN)];
        watched.extend(descriptors.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), READABLE)));
        // Interrupted, or for want of memory, it returns at once, and all are looked at again.
        let _ = poll(&mut watched, (!everybody).then_some(&LOOK));
        let _ = rustix::io::read(bell, &mut [0; 8]);
    }
}

const READABLE: PollFlags = PollFlags::IN;

/// Whether nothing is to be waited for any more: where the status is not to be had, somebody else
/// has taken it.
fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

fn lock() -> MutexGuard<'static, Orphans> {
    ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
}
