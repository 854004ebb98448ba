//! Ranges of files: room for them, advice about them, and their way to the disk.

use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::kernel::disk::Number;
use crate::kernel::file::{Kind, OpenFile};
use crate::kernel::request::Request;
use crate::kernel::schedule::Step;
use crate::slab::Key;

/// How many zeroes are written at a time.
const ZEROES: [u8; 4096] = [0; 4096];

impl Kernel {
    /// Makes room, of which the simulated disk has enough, or fills with zeroes.
    pub(super) fn allocate(&mut self, request: &Request, key: Key) -> Step {
        let entry = request.entry();
        let (offset, length) = (entry.get_offset(), entry.get_address_number());
        let mode = entry.get_length().cast_signed();
        let valid = |number: u64| i64::try_from(number).is_ok();
        if !valid(offset) || !valid(length) || length == 0 {
            return Step::failed(libc::EINVAL);
        }
        let keeps_length = mode & libc::FALLOC_FL_KEEP_SIZE != 0;
        let zeroes = match mode & !libc::FALLOC_FL_KEEP_SIZE {
            0 => false,
            libc::FALLOC_FL_ZERO_RANGE => true,
            libc::FALLOC_FL_PUNCH_HOLE if keeps_length => true,
            _ => return Step::failed(libc::EOPNOTSUPP),
        };
        let node = match self.files.get(key) {
            Some(OpenFile { writable: false, .. }) | None => return Step::failed(libc::EBADF),
            Some(OpenFile { kind: Kind::Regular { node, .. }, .. }) => *node,
            Some(OpenFile { kind: Kind::Socket(_), .. }) => return Step::failed(libc::ENODEV),
            Some(_) => return Step::failed(libc::ESPIPE),
        };
        if !valid(offset + length) {
            return Step::failed(libc::EFBIG);
        }
        if self.fails(Fault::DiskError) {
            return Step::failed(libc::EIO);
        }
        if self.fails(Fault::DiskFull) {
            return Step::failed(libc::ENOSPC);
        }
        if zeroes {
            self.fill_with_zeroes(node, offset, offset + length);
        }
        if !keeps_length && self.disk.length(node) < offset + length {
            self.disk.resize(node, offset + length);
        }
        Step::Done(0)
    }

    /// Fills what there is of a file between two places with zeroes.
    fn fill_with_zeroes(&mut self, node: Number, begin: u64, end: u64) {
        let end = end.min(self.disk.length(node));
        let mut at = begin;
        while at < end {
            let count = (end - at).min(ZEROES.len() as u64);
            self.disk.write(node, at, &ZEROES[..count as usize]);
            at += count;
        }
    }

    /// Takes advice, which changes nothing that a program can see.
    pub(super) fn advise(&mut self, key: Key) -> Step {
        match self.files.get(key).map(|file| &file.kind) {
            Some(Kind::PipeReader { .. } | Kind::PipeWriter { .. }) => Step::failed(libc::ESPIPE),
            _ => Step::Done(0),
        }
    }

    /// Sends a part of a file on its way to the disk, which makes nothing durable.
    pub(super) fn write_back(&mut self, key: Key) -> Step {
        let kind = self.files.get(key).map(|file| &file.kind);
        let has_disk = matches!(kind, Some(Kind::Regular { .. } | Kind::Directory { .. }));
        match has_disk {
            true if self.fails(Fault::DiskError) => Step::failed(libc::EIO),
            true => Step::Done(0),
            false => Step::failed(libc::ESPIPE),
        }
    }
}
