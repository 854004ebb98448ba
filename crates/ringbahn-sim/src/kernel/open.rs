//! Files by their paths: opened, asked about, synced, cut off, and closed.

use ringbahn_core::opcode;
use std::os::fd::{IntoRawFd, OwnedFd};

use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::kernel::disk::{Found, Number, ROOT, Walk};
use crate::kernel::file::{Kind, OpenFile, State};
use crate::kernel::request::Request;
use crate::kernel::schedule::Step;
use crate::kernel::stream::Stream;
use crate::slab::Key;

impl Kernel {
    /// Adds an open file, and gives it a descriptor.
    pub(crate) fn install(&mut self, file: OpenFile) -> Result<OwnedFd, i32> {
        let key = self.files.insert(file);
        self.hand_out(key).inspect_err(|_| {
            self.files.remove(key);
        })
    }

    /// Gives an open file a descriptor.
    pub(super) fn hand_out(&mut self, key: Key) -> Result<OwnedFd, i32> {
        self.descriptors.open(key)
    }

    /// The result of an operation that opens a file.
    pub(super) fn opened(&mut self, file: OpenFile) -> Step {
        if self.fails(Fault::DescriptorsExhausted) {
            return Step::failed(libc::EMFILE);
        }
        match self.install(file) {
            Ok(descriptor) => Step::Done(descriptor.into_raw_fd()),
            Err(errno) => Step::failed(errno),
        }
    }

    pub(super) fn open(&mut self, request: &Request) -> Step {
        if self.fails(Fault::DiskError) {
            return Step::failed(libc::EIO);
        }
        let file = self.starting_point(request).and_then(|start| {
            let (flags, resolve) = request.how_to_open();
            let walk = walk(flags as i32, resolve)?;
            self.open_at(start, &request.path(), flags as i32, walk)
        });
        match file {
            Ok(file) => self.opened(file),
            Err(errno) => Step::failed(errno),
        }
    }

    /// The directory at which the path of `request` begins.
    pub(super) fn starting_point(&self, request: &Request) -> Result<Number, i32> {
        let path = match request.opcode() {
            opcode::SYMLINKAT => request.second_path(),
            _ => request.path(),
        };
        self.start_at(request.entry().get_fd(), request.file, &path)
    }

    /// The directory at which `path` begins, for which an entry names `directory` by `number`.
    pub(super) fn start_at(
        &self,
        number: i32,
        directory: Option<Key>,
        path: &[u8],
    ) -> Result<Number, i32> {
        if path.is_empty() {
            return Err(libc::ENOENT);
        }
        if number == libc::AT_FDCWD {
            return Ok(ROOT);
        }
        match directory.and_then(|file| self.files.get(file)).map(|file| &file.kind) {
            Some(&Kind::Directory { node }) => Ok(node),
            _ if path.starts_with(b"/") => Ok(ROOT),
            Some(_) => Err(libc::ENOTDIR),
            None => Err(libc::EBADF),
        }
    }

    fn open_at(
        &mut self,
        start: Number,
        path: &[u8],
        flags: i32,
        walk: Walk,
    ) -> Result<OpenFile, i32> {
        let access = flags & libc::O_ACCMODE;
        let (readable, writable) = (access != libc::O_WRONLY, access != libc::O_RDONLY);
        let node = match self.disk.find_by(start, path, walk)? {
            Found::Node(_) if flags & libc::O_EXCL != 0 && flags & libc::O_CREAT != 0 => {
                return Err(libc::EEXIST);
            }
            Found::Node(node) => node,
            Found::Free(directory, name) if flags & libc::O_CREAT != 0 => {
                if self.fails(Fault::DiskFull) {
                    return Err(libc::ENOSPC);
                }
                self.disk.make_file(directory, name)
            }
            Found::Free(..) => return Err(libc::ENOENT),
        };
        if self.disk.is_link(node) {
            return Err(libc::ELOOP);
        }
        if self.disk.is_directory(node) {
            if writable {
                return Err(libc::EISDIR);
            }
            return Ok(OpenFile::new(Kind::Directory { node }, true, false));
        }
        if flags & libc::O_DIRECTORY != 0 {
            return Err(libc::ENOTDIR);
        }
        if flags & libc::O_TRUNC != 0 {
            self.disk.resize(node, 0);
        }
        let append = flags & libc::O_APPEND != 0;
        Ok(OpenFile::new(Kind::Regular { node, position: 0, append }, readable, writable))
    }

    pub(super) fn stat(&mut self, request: &mut Request) -> Step {
        let path = request.path();
        let empty = path.is_empty();
        if empty && request.entry().get_op_flags().cast_signed() & libc::AT_EMPTY_PATH == 0 {
            return Step::failed(libc::ENOENT);
        }
        let file = request.file.and_then(|file| self.files.get(file));
        let node = match file.map(|file| &file.kind) {
            None if empty => Err(libc::EBADF),
            Some(&Kind::Regular { node, .. } | &Kind::Directory { node }) if empty => Ok(node),
            Some(other) if empty => {
                let mode = match other {
                    Kind::Socket(_) => libc::S_IFSOCK,
                    _ => libc::S_IFIFO,
                };
                let number = request.file.map_or(0, Key::to_word);
                request.answer_statx(number, ((mode | 0o600) as u16, 1), 0, self.now);
                return Step::Done(0);
            }
            _ => self.starting_point(request).and_then(|start| {
                let flags = request.entry().get_op_flags().cast_signed();
                let stays_at_link = flags & libc::AT_SYMLINK_NOFOLLOW != 0;
                let walk = Walk { stays_at_link, ..Walk::default() };
                match self.disk.find_by(start, &path, walk)? {
                    Found::Node(node) => Ok(node),
                    Found::Free(..) => Err(libc::ENOENT),
                }
            }),
        };
        match node {
            Err(errno) => Step::failed(errno),
            Ok(_) if self.fails(Fault::DiskError) => Step::failed(libc::EIO),
            Ok(node) => {
                let mode = match (self.disk.is_directory(node), self.disk.is_link(node)) {
                    (true, _) => libc::S_IFDIR | 0o755,
                    (_, true) => libc::S_IFLNK | 0o777,
                    _ => libc::S_IFREG | 0o644,
                };
                let length = self.disk.length(node);
                let links = self.disk.links(node);
                request.answer_statx(node as u64 + 1, (mode as u16, links), length, self.now);
                Step::Done(0)
            }
        }
    }

    pub(super) fn sync(&mut self, key: Key) -> Step {
        let node = match self.files.get(key).map(|file| &file.kind) {
            Some(&Kind::Regular { node, .. } | &Kind::Directory { node }) => node,
            _ => return Step::failed(libc::EINVAL),
        };
        if self.fails(Fault::DiskError) {
            self.disk.fail_sync(node, &mut self.random);
            return Step::failed(libc::EIO);
        }
        self.disk.sync(node);
        Step::Done(0)
    }

    pub(super) fn truncate(&mut self, key: Key, length: u64) -> Step {
        match self.files.get(key) {
            Some(&OpenFile { kind: Kind::Regular { node, .. }, writable: true, .. })
                if length <= i64::MAX as u64 =>
            {
                if self.fails(Fault::DiskError) {
                    return Step::failed(libc::EIO);
                }
                self.disk.resize(node, length);
                Step::Done(0)
            }
            _ => Step::failed(libc::EINVAL),
        }
    }

    /// A request does not work on `key` any more.
    pub(super) fn let_go(&mut self, key: Key) {
        if let Some(file) = self.files.get_mut(key) {
            file.running -= 1;
            if file.closed && file.running == 0 {
                self.close(key);
            }
        }
    }

    /// The last descriptor of a file is gone; the file goes when no request works on it any more.
    pub(super) fn close(&mut self, key: Key) {
        let Some(file) = self.files.get_mut(key) else { return };
        file.closed = true;
        if file.running > 0 {
            return;
        }
        let Some(mut file) = self.files.remove(key) else { return };
        // Those that wait for room in its backlog or its inbox.
        self.ready.extend(file.take_waiting());
        match file.kind {
            Kind::Regular { .. } | Kind::Directory { .. } => {}
            Kind::PipeReader { writer: peer, .. } | Kind::PipeWriter { reader: peer } => {
                if let Some(peer) = peer {
                    self.lose_peer(peer, false);
                }
            }
            Kind::Socket(socket) => {
                self.names.retain(|_, named| *named != key);
                let is_inet = socket.domain != libc::AF_UNIX;
                match socket.state {
                    State::Idle => {}
                    // What nobody has accepted is reset.
                    State::Listening { backlog, .. } => {
                        backlog.into_iter().for_each(|connection| self.abort(connection));
                    }
                    State::Connected { peer: Some(peer), inbox, .. } => {
                        self.lose_peer(peer, is_inet && !inbox.is_empty());
                    }
                    State::Datagrams { peer: Some(peer), .. } => self.lose_peer(peer, false),
                    State::Connected { .. } | State::Datagrams { .. } => {}
                }
            }
        }
    }

    /// Closes a connection that nobody has a descriptor of, and resets the other end.
    fn abort(&mut self, key: Key) {
        let peer = self.files.get(key).and_then(OpenFile::as_socket).and_then(|s| s.peer());
        if let Some(peer) = peer {
            self.lose_peer(peer, true);
        }
        self.files.remove(key);
    }

    /// The other end of `key` is gone.
    pub(super) fn lose_peer(&mut self, key: Key, is_reset: bool) {
        if let Some(file) = self.files.get_mut(key) {
            match &mut file.kind {
                Kind::PipeReader { inbox, writer } => {
                    inbox.ended = true;
                    *writer = None;
                }
                Kind::PipeWriter { reader } => *reader = None,
                Kind::Socket(socket) => socket.lose_peer(is_reset),
                Kind::Regular { .. } | Kind::Directory { .. } => {}
            }
        }
        self.wake(key);
    }

    /// A pipe: the end to read from, and the one to write to.
    pub(crate) fn pipe(&mut self) -> Result<(OwnedFd, OwnedFd), i32> {
        let inbox = Stream::new(self.stream_capacity);
        let kind = Kind::PipeReader { inbox, writer: None };
        let reader = self.files.insert(OpenFile::new(kind, true, false));
        let kind = Kind::PipeWriter { reader: Some(reader) };
        let writer = self.files.insert(OpenFile::new(kind, false, true));
        if let Some(OpenFile { kind: Kind::PipeReader { writer: peer, .. }, .. }) =
            self.files.get_mut(reader)
        {
            *peer = Some(writer);
        }
        self.hand_out_both(reader, writer)
    }

    /// Gives two open files descriptors, or forgets both.
    pub(super) fn hand_out_both(&mut self, a: Key, b: Key) -> Result<(OwnedFd, OwnedFd), i32> {
        let opened = self.hand_out(a).and_then(|first| Ok((first, self.hand_out(b)?)));
        opened.inspect_err(|_| {
            self.files.remove(a);
            self.files.remove(b);
        })
    }
}

/// How the path of a file to be opened is followed.
fn walk(flags: i32, resolve: u64) -> Result<Walk, i32> {
    const KNOWN: u64 = libc::RESOLVE_BENEATH
        | libc::RESOLVE_IN_ROOT
        | libc::RESOLVE_NO_SYMLINKS
        | libc::RESOLVE_NO_MAGICLINKS
        | libc::RESOLVE_NO_XDEV
        | libc::RESOLVE_CACHED;
    let asks = |flag: u64| resolve & flag != 0;
    if asks(!KNOWN) || asks(libc::RESOLVE_BENEATH) && asks(libc::RESOLVE_IN_ROOT) {
        return Err(libc::EINVAL);
    }
    let makes_new = flags & libc::O_CREAT != 0 && flags & libc::O_EXCL != 0;
    Ok(Walk {
        stays_at_link: flags & libc::O_NOFOLLOW != 0 || makes_new,
        beneath: asks(libc::RESOLVE_BENEATH),
        in_root: asks(libc::RESOLVE_IN_ROOT),
        no_links: asks(libc::RESOLVE_NO_SYMLINKS),
    })
}

/// Whether the entry opens a file: its result is then a descriptor.
pub(super) fn opens_file(opcode: u8) -> bool {
    matches!(opcode, opcode::OPENAT | opcode::OPENAT2 | opcode::ACCEPT | opcode::SOCKET)
}
