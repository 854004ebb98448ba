//! What a program prepares a simulation with: system calls that no operation stands for, and a look
//! at the disk.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ringbahn_core::SocketAddress;

use crate::kernel::Kernel;
use crate::kernel::address::Address;
use crate::kernel::disk::{Found, ROOT};
use crate::sim::Sim;
use crate::slab::Key;

impl Sim {
    /// A pipe: the end to read from, and the one to write to.
    ///
    /// # Errors
    ///
    /// `EMFILE` and others where the process can have no more descriptors, since every simulated
    /// file has a real one.
    pub fn pipe(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        self.call(Kernel::pipe)
    }

    /// Two Unix stream sockets that are connected to each other.
    ///
    /// # Errors
    ///
    /// As [`pipe`](Sim::pipe).
    pub fn stream_pair(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        self.call(|kernel| kernel.socket_pair(true))
    }

    /// Two Unix sockets for datagrams that are connected to each other.
    ///
    /// # Errors
    ///
    /// As [`pipe`](Sim::pipe).
    pub fn datagram_pair(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        self.call(|kernel| kernel.socket_pair(false))
    }

    /// Gives a socket an address. With port 0 it gets one of its own.
    ///
    /// # Errors
    ///
    /// `AddrInUse`; `InvalidInput` where it has one already, or the address is of another kind;
    /// `ENOTSOCK` for what is no simulated socket.
    pub fn bind(&self, socket: &impl AsFd, address: impl Into<SocketAddress>) -> io::Result<()> {
        let address = Address::from(&address.into());
        self.call(|kernel| kernel.bind(find(kernel, socket)?, address))
    }

    /// Lets a stream socket listen, with room for so many connections that nobody has accepted yet.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it is connected or listens already; `ENOTSOCK`.
    pub fn listen(&self, socket: &impl AsFd, backlog: u32) -> io::Result<()> {
        self.call(|kernel| kernel.listen(find(kernel, socket)?, backlog))
    }

    /// The address of a socket.
    ///
    /// # Errors
    ///
    /// `ENOTSOCK` for what is no simulated socket.
    pub fn local_address(&self, socket: &impl AsFd) -> io::Result<SocketAddress> {
        let address = self.call(|kernel| kernel.local_address(find(kernel, socket)?))?;
        let public = address.to_public();
        public.ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))
    }

    /// Makes a directory, which is on the disk for good.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, `NotFound` and others, as `mkdir(2)`.
    pub fn create_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref().as_os_str().as_bytes();
        self.call(|kernel| match kernel.disk.find(ROOT, path)? {
            Found::Node(_) => Err(libc::EEXIST),
            Found::Free(directory, name) => {
                kernel.disk.make_directory(directory, name);
                kernel.disk.sync(directory);
                Ok(())
            }
        })
    }

    /// Puts a file on the disk for good, in place of the one that may be there.
    ///
    /// # Errors
    ///
    /// `NotFound` where its directory is not there; `IsADirectory`.
    pub fn put(&self, path: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
        let path = path.as_ref().as_os_str().as_bytes();
        self.call(|kernel| {
            let (file, directory) = match kernel.disk.find(ROOT, path)? {
                Found::Node(file) => (file, None),
                Found::Free(directory, name) => {
                    (kernel.disk.make_file(directory, name), Some(directory))
                }
            };
            if kernel.disk.is_directory(file) {
                return Err(libc::EISDIR);
            }
            kernel.disk.resize(file, 0);
            kernel.disk.write(file, 0, content);
            kernel.disk.sync(file);
            if let Some(directory) = directory {
                kernel.disk.sync(directory);
            }
            Ok(())
        })
    }

    /// The content of a file, as programs see it now.
    ///
    /// # Errors
    ///
    /// `NotFound`; `IsADirectory`.
    pub fn content(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let path = path.as_ref().as_os_str().as_bytes();
        self.call(|kernel| match kernel.disk.find(ROOT, path)? {
            Found::Node(node) if kernel.disk.is_directory(node) => Err(libc::EISDIR),
            Found::Node(node) => {
                let mut content = Vec::new();
                let length = usize::try_from(kernel.disk.length(node)).map_err(|_| libc::EFBIG)?;
                kernel.disk.read(node, 0, length, &mut content);
                Ok(content)
            }
            Found::Free(..) => Err(libc::ENOENT),
        })
    }

    /// Puts everything there is on the disk for good, as `sync(2)` does.
    pub fn sync_all(&self) {
        self.core.kernel.borrow_mut().disk.sync_all();
    }

    fn call<T>(&self, call: impl FnOnce(&mut Kernel) -> Result<T, i32>) -> io::Result<T> {
        call(&mut self.core.kernel.borrow_mut()).map_err(io::Error::from_raw_os_error)
    }
}

fn find(kernel: &Kernel, descriptor: &impl AsFd) -> Result<Key, i32> {
    kernel.descriptors.find(descriptor.as_fd()).ok_or(libc::ENOTSOCK)
}
