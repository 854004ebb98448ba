//! [`zero_copy_receive`]: whether a network card can put what it receives where a ring wants it.

use std::error::Error;
use std::os::fd::AsFd;
use std::{fmt, fs, io};

use super::attempts::patiently;
use crate::Unavailable;
use crate::sys::receive_queue::{is_known, take};
use crate::sys::setup::setup;
use crate::sys::uapi::{Params, SETUP_CQE32, SETUP_DEFER_TASKRUN, SETUP_SINGLE_ISSUER};

/// How many buffers the queue has at a time, for a moment.
const ENTRIES: u32 = 64;
/// Room for them, whatever the size of a page is.
const AREA_LENGTH: usize = ENTRIES as usize * (64 << 10);

/// Finds out, by doing, whether the receive queue `queue` of the network interface `interface`,
/// such as `eth0`, can be given to a ring for zero-copy receives: by
/// [`LocalDriver::receive_queue`](crate::LocalDriver::receive_queue), for
/// [`RecvZc`](ringbahn_core::event::RecvZc).
///
/// Where it can be, the queue is the ring's for a moment, and what it receives meanwhile is lost:
/// ask for one that no traffic is steered to. Elsewhere nothing happens to it.
///
/// # Examples
///
/// ```
/// use ringbahn_drivers::survey::zero_copy_receive;
///
/// // The loopback interface has no card.
/// let obstacle = zero_copy_receive("lo", 0).unwrap_err();
/// println!("{obstacle}");
/// ```
///
/// # Errors
///
/// [`NoZeroCopyReceive`] says what is in the way, and what to do about it.
///
/// # Kernel
///
/// Linux 6.15; before, [`Obstacle::KernelTooOld`].
///
/// # References
///
/// [io_uring zero copy Rx](https://docs.kernel.org/networking/iou-zcrx.html)
#[doc(alias = "IORING_REGISTER_ZCRX_IFQ")]
#[doc(alias = "IORING_OP_RECV_ZC")]
pub fn zero_copy_receive(interface: &str, queue: u32) -> Result<(), NoZeroCopyReceive> {
    let failed = |obstacle, error: &io::Error| {
        Err(NoZeroCopyReceive::new(obstacle, interface, queue, error))
    };
    let flags = SETUP_CQE32 | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN;
    let ring = match patiently(|| setup(4, &mut Params { flags, ..Params::default() })) {
        Ok(ring) => ring,
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            return failed(Obstacle::KernelTooOld, &error);
        }
        Err(error) => return failed(Obstacle::NoRing, &error),
    };
    match is_known(ring.as_fd()) {
        Ok(true) => {}
        Ok(false) => return failed(Obstacle::KernelTooOld, &errno(libc::EINVAL)),
        Err(error) => return failed(Obstacle::NotPermitted, &error),
    }
    let Some(number) = Obstacle::interface_number(interface) else {
        return failed(Obstacle::NoInterface, &errno(libc::ENODEV));
    };
    match patiently(|| take(ring.as_fd(), number, queue, AREA_LENGTH, ENTRIES)) {
        Ok(_) => Ok(()),
        Err(error) => failed(Obstacle::of(&error), &error),
    }
}

/// Why a ring cannot be given a receive queue of a network card, and what to do about it.
///
/// As an [`io::Error`] it keeps itself inside; the kind is `PermissionDenied`, `NotFound` of the
/// interface, `InvalidInput` of a ring, or `Unsupported`, and else that of the `errno`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoZeroCopyReceive {
    obstacle: Obstacle,
    errno: Option<i32>,
    hint: String,
}

/// What is in the way of a zero-copy receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Obstacle {
    /// There can be no ring at all.
    NoRing,
    /// The ring was not made for it.
    Ring,
    /// The kernel does not have it, or was built without it.
    KernelTooOld,
    /// It takes the capability `CAP_NET_ADMIN`.
    NotPermitted,
    /// There is no network interface of that name.
    NoInterface,
    /// The interface has no card, or one whose driver cannot give its queues away.
    Card,
    /// The card has no such queue, or is not set up to keep the headers of packets apart.
    Queue,
    /// The queue belongs to somebody already.
    Taken,
    /// Memory that may be locked is short.
    LockedMemory,
    /// Something else.
    Other,
}

impl NoZeroCopyReceive {
    pub(crate) fn new(
        obstacle: Obstacle,
        interface: &str,
        queue: u32,
        error: &io::Error,
    ) -> NoZeroCopyReceive {
        let hint = obstacle_hint(obstacle, interface, queue, error);
        NoZeroCopyReceive { obstacle, errno: error.raw_os_error(), hint }
    }

    /// What is in the way.
    pub fn obstacle(&self) -> Obstacle {
        self.obstacle
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The `errno` of the call that has failed, if one has.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.errno
    }
}

impl Obstacle {
    /// What it means that the kernel does not give the queue away.
    pub(crate) fn of(error: &io::Error) -> Obstacle {
        match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Obstacle::NotPermitted,
            Some(libc::ENODEV) => Obstacle::NoInterface,
            Some(libc::EOPNOTSUPP) => Obstacle::Card,
            Some(libc::EINVAL | libc::ERANGE) => Obstacle::Queue,
            Some(libc::EEXIST | libc::EBUSY) => Obstacle::Taken,
            Some(libc::ENOMEM) => Obstacle::LockedMemory,
            _ => Obstacle::Other,
        }
    }

    /// The kernel's number of a network interface, if there is one of that name.
    pub(crate) fn interface_number(name: &str) -> Option<u32> {
        if name.contains('/') {
            return None;
        }
        let number = fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok()?;
        number.trim().parse().ok()
    }
}

fn obstacle_hint(obstacle: Obstacle, interface: &str, queue: u32, error: &io::Error) -> String {
    match obstacle {
        // A ring that there is, but not the kernel's.
        Obstacle::NoRing if error.raw_os_error().is_none() => error.to_string(),
        Obstacle::NoRing => Unavailable::failed("io_uring_setup", error).to_string(),
        Obstacle::Ring => "it takes a ring of one thread with CQEs of 32 bytes: that of a local \
                           driver, built with `completion_width(CompletionWidth::Wide)` on \
                           Linux 6.1 or newer"
            .to_owned(),
        Obstacle::KernelTooOld => {
            "Linux 6.15 has it, where it was built with CONFIG_IO_URING_ZCRX".to_owned()
        }
        Obstacle::NotPermitted => {
            "run as root, or with the capability CAP_NET_ADMIN: `setcap cap_net_admin+ep`"
                .to_owned()
        }
        Obstacle::NoInterface => {
            format!("there is no network interface {interface}; `ip link` lists them")
        }
        Obstacle::Card => format!(
            "{interface} has no card whose driver can give a queue away; it takes one that keeps \
             headers apart (TCP header/data split), such as bnxt or mlx5"
        ),
        Obstacle::Queue => format!(
            "queue {queue} of {interface} is not there or not set up for it: `ethtool -L` sets how \
             many there are; `ethtool -G {interface} tcp-data-split on hds-thresh 0` keeps headers \
             apart; and `ethtool -N` steers a connection to the queue"
        ),
        Obstacle::Taken => {
            format!(
                "queue {queue} of {interface} belongs to another ring or an XDP socket; take \
                     another one"
            )
        }
        Obstacle::LockedMemory => "raise the limit of locked memory: `ulimit -l`".to_owned(),
        Obstacle::Other => error.to_string(),
    }
}

fn errno(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

impl fmt::Display for NoZeroCopyReceive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no zero-copy receive: {}", self.hint)
    }
}

impl Error for NoZeroCopyReceive {}

impl From<NoZeroCopyReceive> for io::Error {
    fn from(refusal: NoZeroCopyReceive) -> io::Error {
        let kind = match refusal.obstacle {
            Obstacle::NotPermitted => io::ErrorKind::PermissionDenied,
            Obstacle::NoInterface => io::ErrorKind::NotFound,
            Obstacle::Ring => io::ErrorKind::InvalidInput,
            Obstacle::KernelTooOld | Obstacle::Card => io::ErrorKind::Unsupported,
            _ => refusal.errno.map_or(io::ErrorKind::Other, |number| errno(number).kind()),
        };
        io::Error::new(kind, refusal)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_has_a_hint_of_its_own() {
        let mut hints = std::collections::BTreeSet::new();
        for number in [
            libc::EPERM,
            libc::ENODEV,
            libc::EOPNOTSUPP,
            libc::EINVAL,
            libc::EEXIST,
            libc::ENOMEM,
            libc::EIO,
        ] {
            let error = errno(number);
            let hint = obstacle_hint(Obstacle::of(&error), "eth7", 3, &error);
            assert!(hints.insert(hint), "{number}");
        }
    }
}
