//! [`Direct`]: an IO object in a slot of a ring, and [`Ring`] of one.

use std::fmt;
use std::fs::File;
use std::io::{self, SeekFrom};
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use ringbahn_core::event::{self, Opens as _, Position};
use ringbahn_core::{BufferGroup, DirectFd, DirectTable, Drive, OpenFile, SharedFd, Slice};
use socket2::{Domain, Type};

use super::Ring;
use super::buffering::{Buffering, Memory};
use super::object::{FileObject, Nature, Object, Readable, StreamSocket, Writable, private};
use super::reader::{ChosenReading, OwnReading};
use super::writer::Writing;

/// An IO object in a slot of a ring, where std knows it as a `T`: a [`File`], a [`TcpStream`], a
/// `UnixStream`, a listener of either, one end of a pipe.
///
/// A [`Ring`] of it does what a `Ring` of a `T` does, and the process has no descriptor of it:
/// operations need not look one up, and the limit of descriptors leaves it alone. It gets there by
/// [`SlotListener::accept`](crate::SlotListener::accept), [`Ring::connect_into_slot`],
/// `bind_into_slot` of the listeners, [`put_into_slot`](Ring::put_into_slot),
/// [`OpenOptions::open_into_slot`](crate::fs::OpenOptions::open_into_slot), or by any event
/// [into a slot](ringbahn_core::event::Opens::into_slot) and [`Direct::new`].
///
/// It has one driver, that of the ring. With another one every operation fails with
/// [`ForeignRing`](crate::ForeignRing), of the kind `InvalidInput`.
///
/// # What it cannot
///
/// Whatever is no operation of a ring needs a descriptor. So there is neither `AsFd`, nor options
/// and addresses of a socket, nor `metadata`, nor `into_split`, whose halves end the stream by a
/// drop. [`install`](Ring::install) makes a descriptor for such things, beside the slot.
///
/// ```compile_fail,E0277
/// use std::net::TcpStream;
/// use ringbahn::{Direct, Ring, SharedDriver};
///
/// fn halves(stream: Ring<Direct<TcpStream>, SharedDriver>) {
///     stream.into_split();
/// }
/// ```
///
/// # Files
///
/// The kernel moves the position of a file in a slot, but tells nobody where it is. So the poll
/// traits read and write where the object itself has been read and written up to, which begins at
/// zero. There is no `AsyncSeek`, and a file to append to is only to be written. What has no
/// position, such as a FIFO, has to be a `Direct` of a `PipeReader` or `PipeWriter`.
///
/// # Examples
///
/// ```
/// use ringbahn::fs::OpenOptions;
/// use ringbahn::{BufResultExt, SharedDriver};
///
/// # fn main() -> std::io::Result<()> {
/// # let Ok(driver) = SharedDriver::new() else { return Ok(()) };
/// # let Ok(_) = driver.direct_table(16) else { return Ok(()) };
/// let table = driver.direct_table(16)?;
/// futures::executor::block_on(async {
///     let mut options = OpenOptions::new();
///     let zero = options.read(true).open_into_slot("/dev/zero", &table, driver).await?;
///     let (count, _zeroes) = zero.read_at([1; 64], 0).await.both()?;
///     assert_eq!((count, table.open()), (64, 1));
///     zero.close().await?;
///     assert_eq!(table.open(), 0);
///     Ok(())
/// })
/// # }
/// ```
pub struct Direct<T> {
    fd: DirectFd,
    /// Where reads and writes go on, if it may have a position. Relaxed: only whoever has the
    /// handle to itself reads and moves it.
    position: AtomicU64,
    object: PhantomData<fn() -> T>,
}

impl<T> Direct<T> {
    /// What is in the slot of `fd`, taken for a `T`. If it is something else, operations fail.
    pub fn new(fd: DirectFd) -> Direct<T> {
        Direct { fd, position: AtomicU64::new(0), object: PhantomData }
    }

    /// The direct descriptor.
    pub fn fd(&self) -> &DirectFd {
        &self.fd
    }

    /// The direct descriptor, for itself.
    pub fn into_fd(self) -> DirectFd {
        self.fd
    }
}

impl<T> fmt::Debug for Direct<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Direct").field(&self.fd).finish()
    }
}

impl<T: Object + From<OwnedFd>, D: Drive + Clone + Unpin, S: Buffering> Ring<Direct<T>, D, S> {
    /// Makes a descriptor of the process for what is in the slot, which stays there: for its
    /// options, its addresses, or whatever else takes one. Both are the same open file.
    ///
    /// # Errors
    ///
    /// `EMFILE` where descriptors have run out; `InvalidInput` where the slot is of another ring
    /// than the driver's.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: a descriptor that nobody takes is closed.
    ///
    /// # Kernel
    ///
    /// Linux 6.8.
    pub async fn install(&self) -> io::Result<T> {
        let installed = self.handle.submit(event::InstallFd::new(self.handle.fd())).await?;
        Ok(T::from(installed))
    }
}

impl<D: Drive + Clone + Unpin> Ring<Direct<TcpStream>, D> {
    /// Connects to `address` with a socket that is in a slot of `table` from the beginning. The
    /// table is of the ring of `driver`.
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`: `ConnectionRefused`, `TimedOut`, `NetworkUnreachable`, …; `ENFILE`
    /// where no slot is free; `InvalidInput` where the table is of another ring.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe: the socket is closed.
    ///
    /// # Kernel
    ///
    /// Linux 5.19.
    pub async fn connect_into_slot(
        address: impl Into<SocketAddr>,
        table: &DirectTable,
        driver: D,
    ) -> io::Result<Ring<Direct<TcpStream>, D>> {
        let address = address.into();
        let socket = event::Socket::new(Domain::for_address(address), Type::STREAM, None);
        let socket = driver.clone().submit(socket.into_slot(table)).await?;
        let stream = Ring::fresh(Direct::new(socket), driver);
        stream.handle.submit(event::Connect::new(stream.handle.fd(), address)).await?;
        Ok(stream)
    }
}

impl<T: Object + From<OwnedFd>> Object for Direct<T> {}

impl<T: Object + From<OwnedFd>> private::Object for Direct<T> {
    const POSITIONED: bool = T::POSITIONED;

    fn file(&self) -> OpenFile<'_> {
        OpenFile::Direct(&self.fd)
    }

    fn nature(&self) -> Nature {
        if T::POSITIONED { Nature::Positioned } else { Nature::Stream }
    }

    fn seek_to(&self, position: SeekFrom) -> io::Result<u64> {
        let target = match position {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(offset) => {
                self.position.load(Ordering::Relaxed).checked_add_signed(offset)
            }
            SeekFrom::End(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        let target = target.filter(|&target| i64::try_from(target).is_ok());
        let target = target.ok_or(io::ErrorKind::InvalidInput)?;
        self.position.store(target, Ordering::Relaxed);
        Ok(target)
    }

    fn into_descriptor(self) -> Option<OwnedFd> {
        None
    }
}

impl<T: Readable + From<OwnedFd>> Readable for Direct<T> {}

impl<T: Readable + From<OwnedFd>> private::Readable for Direct<T> {
    fn reading(fd: SharedFd, to: Slice<Memory>, at: Position) -> OwnReading {
        T::reading(fd, to, at)
    }

    fn reading_chosen(fd: SharedFd, from: &BufferGroup) -> ChosenReading {
        T::reading_chosen(fd, from)
    }
}

impl<T: Writable + From<OwnedFd>> Writable for Direct<T> {}

impl<T: Writable + From<OwnedFd>> private::Writable for Direct<T> {
    // What has halves is a socket, whose other side is told.
    const ENDS_BY_OPERATION: bool = T::HALVES;

    fn writing(fd: SharedFd, bytes: Memory, at: Position) -> Writing {
        T::writing(fd, bytes, at)
    }
}

impl<T: StreamSocket + From<OwnedFd>> StreamSocket for Direct<T> {}

impl FileObject for Direct<File> {}

impl private::FileObject for Direct<File> {
    fn length(&self) -> u64 {
        0
    }

    fn cut(&self, _length: u64) -> io::Result<()> {
        let message = "this kernel does not set the length of a file in a slot: install a \
                       descriptor for it, or run Linux 6.9 or newer";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}
