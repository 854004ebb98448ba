//! Names: given, changed and taken away.

use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::kernel::disk::{End, Number, Walk};
use crate::kernel::file::Kind;
use crate::kernel::request::Request;
use crate::kernel::schedule::Step;

/// What a change of names has come to.
type Changed = Result<(), i32>;

impl Kernel {
    pub(super) fn rename(&mut self, request: &Request) -> Step {
        let result = self.try_rename(request);
        self.changed(result)
    }

    pub(super) fn unlink(&mut self, request: &Request) -> Step {
        let result = self.try_unlink(request);
        self.changed(result)
    }

    pub(super) fn make_directory(&mut self, request: &Request) -> Step {
        let place =
            self.starting_point(request).and_then(|start| self.free(start, &request.path()));
        let made = place.map(|(parent, name)| {
            self.disk.make_directory(parent, name);
        });
        self.changed(made)
    }

    pub(super) fn make_symbolic_link(&mut self, request: &Request) -> Step {
        let target = request.path();
        if target.is_empty() {
            return Step::failed(libc::ENOENT);
        }
        let place =
            self.starting_point(request).and_then(|start| self.free(start, &request.second_path()));
        let made = place.map(|(parent, name)| {
            self.disk.make_link(parent, name, target);
        });
        self.changed(made)
    }

    pub(super) fn make_link(&mut self, request: &Request) -> Step {
        let result = self.try_link(request);
        self.changed(result)
    }

    fn changed(&mut self, result: Changed) -> Step {
        match result {
            Ok(()) => Step::Done(0),
            Err(errno) => Step::failed(errno),
        }
    }

    /// The place for something new at `path`.
    fn free(&mut self, start: Number, path: &[u8]) -> Result<(Number, Vec<u8>), i32> {
        let end = self.disk.follow(start, path, Walk::to_link())?;
        match end {
            End { node: None, name: Some(name), directory } => {
                self.check_disk()?;
                if self.fails(Fault::DiskFull) {
                    return Err(libc::ENOSPC);
                }
                Ok((directory, name))
            }
            _ => Err(libc::EEXIST),
        }
    }

    fn check_disk(&mut self) -> Changed {
        if self.fails(Fault::DiskError) { Err(libc::EIO) } else { Ok(()) }
    }

    fn second_start(&self, request: &Request) -> Result<Number, i32> {
        let number = request.entry().get_length().cast_signed();
        let directory = self.descriptors.second_directory_of(request);
        self.start_at(number, directory, &request.second_path())
    }

    fn try_rename(&mut self, request: &Request) -> Changed {
        let flags = request.entry().get_op_flags();
        let (keeps, exchanges) =
            (flags & libc::RENAME_NOREPLACE != 0, flags & libc::RENAME_EXCHANGE != 0);
        if flags & !(libc::RENAME_NOREPLACE | libc::RENAME_EXCHANGE) != 0 || keeps && exchanges {
            return Err(libc::EINVAL);
        }
        let (from, to) = (self.starting_point(request)?, self.second_start(request)?);
        let old = self.disk.follow(from, &request.path(), Walk::to_link())?;
        let new = self.disk.follow(to, &request.second_path(), Walk::to_link())?;
        let (Some(old_name), Some(new_name)) = (old.name, new.name) else {
            return Err(libc::EBUSY);
        };
        let node = old.node.ok_or(libc::ENOENT)?;
        match new.node {
            Some(_) if keeps => return Err(libc::EEXIST),
            None if exchanges => return Err(libc::ENOENT),
            _ => {}
        }
        if self.disk.is_within(new.directory, node) {
            return Err(libc::EINVAL);
        }
        if let Some(other) = new.node {
            if other == node {
                return Ok(());
            }
            if self.disk.is_within(old.directory, other) {
                return Err(if exchanges { libc::EINVAL } else { libc::ENOTEMPTY });
            }
            let is_directory = |node| self.disk.is_directory(node);
            match (is_directory(node), is_directory(other)) {
                _ if exchanges => {}
                (false, true) => return Err(libc::EISDIR),
                (true, false) => return Err(libc::ENOTDIR),
                (true, true) if !self.disk.is_empty(other) => return Err(libc::ENOTEMPTY),
                _ => {}
            }
        }
        self.check_disk()?;
        let left = if exchanges { new.node } else { None };
        self.disk
            .change(vec![(old.directory, old_name, left), (new.directory, new_name, Some(node))]);
        Ok(())
    }

    fn try_unlink(&mut self, request: &Request) -> Changed {
        let flags = request.entry().get_op_flags().cast_signed();
        if flags & !libc::AT_REMOVEDIR != 0 {
            return Err(libc::EINVAL);
        }
        let path = request.path();
        let start = self.starting_point(request)?;
        let end = self.disk.follow(start, &path, Walk::to_link())?;
        let node = end.node.ok_or(libc::ENOENT)?;
        let is_directory = self.disk.is_directory(node);
        let Some(name) = end.name else {
            // What ends with no name of its own is a directory.
            return Err(match (flags, path.ends_with(b".."), path.ends_with(b".")) {
                (0, ..) => libc::EISDIR,
                (_, true, _) => libc::ENOTEMPTY,
                (_, _, true) => libc::EINVAL,
                _ => libc::EBUSY,
            });
        };
        match (flags, is_directory) {
            (0, true) => return Err(libc::EISDIR),
            (libc::AT_REMOVEDIR, false) => return Err(libc::ENOTDIR),
            (_, true) if !self.disk.is_empty(node) => return Err(libc::ENOTEMPTY),
            _ => {}
        }
        self.check_disk()?;
        self.disk.change(vec![(end.directory, name, None)]);
        Ok(())
    }

    fn try_link(&mut self, request: &Request) -> Changed {
        let flags = request.entry().get_op_flags().cast_signed();
        if flags & !(libc::AT_SYMLINK_FOLLOW | libc::AT_EMPTY_PATH) != 0 {
            return Err(libc::EINVAL);
        }
        let path = request.path();
        let node = if path.is_empty() && flags & libc::AT_EMPTY_PATH != 0 {
            match request.file.and_then(|file| self.files.get(file)).map(|file| &file.kind) {
                Some(&Kind::Regular { node, .. } | &Kind::Directory { node }) => node,
                Some(_) => return Err(libc::EXDEV),
                None => return Err(libc::EBADF),
            }
        } else {
            let start = self.starting_point(request)?;
            let stays_at_link = flags & libc::AT_SYMLINK_FOLLOW == 0;
            let walk = Walk { stays_at_link, ..Walk::default() };
            self.disk.follow(start, &path, walk)?.node.ok_or(libc::ENOENT)?
        };
        let start = self.second_start(request)?;
        let (directory, name) = self.free(start, &request.second_path())?;
        if self.disk.is_directory(node) {
            return Err(libc::EPERM);
        }
        if self.disk.links(node) == 0 {
            return Err(libc::ENOENT);
        }
        self.disk.change(vec![(directory, name, Some(node))]);
        Ok(())
    }
}
