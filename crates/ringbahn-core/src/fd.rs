//! [`SharedFd`]: a share of an open file, held by every operation on it.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use crate::direct::DirectFd;
use crate::ring_id::RingId;

/// Where the kernel finds the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A descriptor of the process.
    Descriptor(RawFd),
    /// A slot of a ring's table of registered files.
    Direct(RingId, u32),
}

/// An open file that somebody owns, as it is named to the kernel.
#[derive(Clone, Copy, Debug)]
pub enum OpenFile<'a> {
    /// A descriptor of the process.
    Descriptor(BorrowedFd<'a>),
    /// A direct descriptor, which only its own ring knows.
    Direct(&'a DirectFd),
}

/// A share of an open file.
///
/// Every event on a file owns one, so the file stays open until the last operation on it has
/// ended: a descriptor number can never come to mean another file while the kernel still has an
/// entry that names it. Cloning costs one atomic increment.
///
/// ```
/// use std::sync::Arc;
/// use ringbahn_core::SharedFd;
///
/// # fn main() -> std::io::Result<()> {
/// let file = Arc::new(std::fs::File::open("/dev/null")?);
/// let shared = SharedFd::new(file.clone());
/// drop(file); // The file stays open as long as `shared` lives.
/// # drop(shared);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SharedFd {
    place: Place,
    /// Keeps the file open; never asked again for its number, so that an owner that answers
    /// differently each time can do no harm.
    _owner: Arc<dyn Send + Sync>,
}

impl SharedFd {
    /// A share of `owner`'s file. The file stays open while any share lives.
    pub fn new<T: AsFd + Send + Sync + 'static>(owner: Arc<T>) -> SharedFd {
        SharedFd::of(owner, |owner| OpenFile::Descriptor(owner.as_fd()))
    }

    /// A share of the file that `owner` has, which `file` finds there. It stays open while any
    /// share lives.
    pub fn of<T: Send + Sync + 'static>(
        owner: Arc<T>,
        file: impl for<'a> FnOnce(&'a T) -> OpenFile<'a>,
    ) -> SharedFd {
        let place = match file(&owner) {
            OpenFile::Descriptor(fd) => Place::Descriptor(fd.as_raw_fd()),
            OpenFile::Direct(fd) => Place::Direct(fd.ring(), fd.slot()),
        };
        SharedFd { place, _owner: owner }
    }

    #[inline]
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The number of the descriptor, for an operation that knows no others.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it is a direct descriptor.
    pub(crate) fn number(&self) -> std::io::Result<RawFd> {
        match self.place {
            Place::Descriptor(number) => Ok(number),
            Place::Direct(..) => Err(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "this operation takes descriptors of the process only: install the direct one",
            )),
        }
    }
}

impl From<OwnedFd> for SharedFd {
    fn from(fd: OwnedFd) -> SharedFd {
        SharedFd::new(Arc::new(fd))
    }
}

/// A share of a direct descriptor. Only the ring that it is of takes an event with it.
impl From<DirectFd> for SharedFd {
    fn from(fd: DirectFd) -> SharedFd {
        SharedFd::of(Arc::new(fd), |fd| OpenFile::Direct(fd))
    }
}

impl fmt::Debug for SharedFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedFd").field(&self.place).finish()
    }
}

/// A share of a duplicate of the borrowed file.
impl TryFrom<BorrowedFd<'_>> for SharedFd {
    type Error = std::io::Error;

    fn try_from(fd: BorrowedFd<'_>) -> std::io::Result<SharedFd> {
        fd.try_clone_to_owned().map(SharedFd::from)
    }
}
