//! The events on files and their names.

use std::fs::File;
use std::num::{NonZeroU32, NonZeroU64};
use std::os::fd::{AsRawFd, OwnedFd};

use io_uring::types::Fd;
use io_uring::{opcode, squeue};
use libc::c_char;
use ringbahn_core::event::*;
use ringbahn_core::{DirectTable, OperationTable, Sqe};

use crate::{NoSlots, entry_of, file};

fn first(entry: &Sqe) -> *const c_char {
    entry.get_address().cast_const().cast()
}

fn second(entry: &Sqe) -> *const c_char {
    entry.get_address2().cast_const().cast()
}

/// The same with the descriptor word of an entry that names no file, which no kernel looks at here:
/// we write -1, as everywhere, and the crate writes 0.
fn without_file(entry: squeue::Entry) -> squeue::Entry {
    // SAFETY: the type is the kernel's own struct, all of which the builders write.
    let mut bytes: [u8; 64] = unsafe { std::mem::transmute(entry) };
    bytes[4..8].copy_from_slice(&[0xff; 4]);
    // SAFETY: any bytes are numbers.
    unsafe { std::mem::transmute(bytes) }
}

#[test]
fn open_at2() {
    let (directory, fd) = file();
    let mut options = OpenOptions::new();
    options.read(true);
    let open = || OpenAt2::new("some/file", &options).unwrap().resolve(Resolve::BENEATH);
    let request = |entry: &Sqe, start| {
        let how = entry.get_address2().cast_const().cast();
        opcode::OpenAt2::new(Fd(start), first(entry), how).build()
    };
    entry_of(open(), |entry| request(entry, libc::AT_FDCWD));
    entry_of(open().relative_to(directory), |entry| request(entry, fd));

    let ring: OperationTable = OperationTable::new();
    let table = DirectTable::new(NoSlots(ring.ring()));
    entry_of(open().into_slot(&table), |entry| {
        let how = entry.get_address2().cast_const().cast();
        let open = opcode::OpenAt2::new(Fd(libc::AT_FDCWD), first(entry), how);
        open.file_index(Some(io_uring::types::DestinationSlot::auto_target())).build()
    });
}

#[test]
fn fallocate() {
    let (file, fd) = file();
    for (allocation, mode) in [
        (Allocation::Allocate, 0),
        (Allocation::Reserve, 1),
        (Allocation::PunchHole, 3),
        (Allocation::Collapse, 8),
        (Allocation::Zero, 16),
        (Allocation::ZeroWithin, 17),
        (Allocation::Insert, 32),
        (Allocation::Unshare, 64),
    ] {
        entry_of(Fallocate::new(file.clone(), 7, 5 << 32, allocation), |_| {
            opcode::Fallocate::new(Fd(fd), 5 << 32).offset(7).mode(mode).build()
        });
    }
}

#[test]
fn advice() {
    let (file, fd) = file();
    for (advice, number) in [
        (FileAdvice::Normal, 0),
        (FileAdvice::Random, 1),
        (FileAdvice::Sequential, 2),
        (FileAdvice::WillNeed, 3),
        (FileAdvice::DontNeed, 4),
        (FileAdvice::NoReuse, 5),
    ] {
        let length = NonZeroU64::new(77).unwrap();
        let advise = Fadvise::new(file.clone(), advice).offset(7).length(length);
        entry_of(advise, |_| opcode::Fadvise::new(Fd(fd), 77, number).offset(7).build());
    }
    for (advice, number) in [
        (MemoryAdvice::Normal, 0),
        (MemoryAdvice::Random, 1),
        (MemoryAdvice::Sequential, 2),
        (MemoryAdvice::WillNeed, 3),
        (MemoryAdvice::HugePages, 14),
        (MemoryAdvice::NoHugePages, 15),
        (MemoryAdvice::Cold, 20),
        (MemoryAdvice::PageOut, 21),
        (MemoryAdvice::PopulateRead, 22),
        (MemoryAdvice::PopulateWrite, 23),
    ] {
        entry_of(Madvise::new(vec![0; 1 << 20], advice), |entry| {
            let length = entry.get_length();
            assert!(length >= (1 << 20) - (2 << 16), "{length}");
            let start = entry.get_address().cast_const().cast();
            opcode::Madvise::new(start, length.into(), number).build()
        });
    }
}

#[test]
fn sync_file_range() {
    let (file, fd) = file();
    for (writeback, flags) in [
        (Writeback::Wait, 1),
        (Writeback::Start, 2),
        (Writeback::StartAll, 3),
        (Writeback::Finish, 7),
    ] {
        let length = NonZeroU32::new(77).unwrap();
        let sync = SyncFileRange::new(file.clone(), writeback).offset(1 << 40).length(length);
        entry_of(sync, |_| {
            opcode::SyncFileRange::new(Fd(fd), 77).offset(1 << 40).flags(flags).build()
        });
    }
}

#[test]
fn rename_at() {
    let ((from, from_fd), (to, to_fd)) = (file(), file());
    for (renaming, flags) in [(Renaming::Replace, 0), (Renaming::Keep, 1), (Renaming::Exchange, 2)]
    {
        let rename = || RenameAt::new("a", "b").unwrap().renaming(renaming);
        let request = |entry: &Sqe, from, to| {
            let rename = opcode::RenameAt::new(Fd(from), first(entry), Fd(to), second(entry));
            rename.flags(flags).build()
        };
        let current = libc::AT_FDCWD;
        entry_of(rename(), |entry| request(entry, current, current));
        let both = rename().from_directory(from.clone()).to_directory(to.clone());
        entry_of(both, |entry| request(entry, from_fd, to_fd));
    }
}

#[test]
fn unlink_at() {
    let (directory, fd) = file();
    entry_of(UnlinkAt::file("a").unwrap(), |entry| {
        opcode::UnlinkAt::new(Fd(libc::AT_FDCWD), first(entry)).build()
    });
    entry_of(UnlinkAt::directory("a").unwrap().relative_to(directory), |entry| {
        opcode::UnlinkAt::new(Fd(fd), first(entry)).flags(libc::AT_REMOVEDIR).build()
    });
}

#[test]
fn mkdir_at() {
    let (directory, fd) = file();
    entry_of(MkdirAt::new("a").unwrap(), |entry| {
        opcode::MkDirAt::new(Fd(libc::AT_FDCWD), first(entry)).mode(0o777).build()
    });
    entry_of(MkdirAt::new("a").unwrap().mode(0o700).relative_to(directory), |entry| {
        opcode::MkDirAt::new(Fd(fd), first(entry)).mode(0o700).build()
    });
}

#[test]
fn symlink_at() {
    let (directory, fd) = file();
    let request =
        |entry: &Sqe, start| opcode::SymlinkAt::new(Fd(start), first(entry), second(entry)).build();
    entry_of(SymlinkAt::new("a", "b").unwrap(), |entry| request(entry, libc::AT_FDCWD));
    let there = SymlinkAt::new("a", "b").unwrap().relative_to(directory);
    entry_of(there, |entry| request(entry, fd));
}

#[test]
fn link_at() {
    let ((from, from_fd), (to, to_fd)) = (file(), file());
    let request = |entry: &Sqe, from, to, flags| {
        let link = opcode::LinkAt::new(Fd(from), first(entry), Fd(to), second(entry));
        link.flags(flags).build()
    };
    let current = libc::AT_FDCWD;
    entry_of(LinkAt::new("a", "b").unwrap(), |entry| request(entry, current, current, 0));
    let both = LinkAt::new("a", "b").unwrap().follow_links(true);
    let both = both.original_relative_to(from.clone()).link_relative_to(to);
    entry_of(both, |entry| request(entry, from_fd, to_fd, libc::AT_SYMLINK_FOLLOW));
    entry_of(LinkAt::of(from, "b").unwrap(), |entry| {
        request(entry, from_fd, current, libc::AT_EMPTY_PATH)
    });
}

#[test]
fn attributes() {
    let (file, fd) = file();
    entry_of(GetXattr::new("/", "user.a", vec![0; 9]).unwrap(), |entry| {
        let path = entry.get_address3().cast_const().cast();
        let value = entry.get_address2();
        without_file(opcode::GetXattr::new(first(entry), value, path, 9).build())
    });
    entry_of(FgetXattr::new(file.clone(), "user.a", vec![0; 9]).unwrap(), |entry| {
        opcode::FGetXattr::new(Fd(fd), first(entry), entry.get_address2(), 9).build()
    });
    for (set, flags) in
        [(SetAttribute::Any, 0), (SetAttribute::Create, 1), (SetAttribute::Replace, 2)]
    {
        entry_of(SetXattr::new("/", "user.a", "value").unwrap().set(set), |entry| {
            let path = entry.get_address3().cast_const().cast();
            let value = entry.get_address2().cast_const();
            let set = opcode::SetXattr::new(first(entry), value, path, 5);
            without_file(set.flags(flags).build())
        });
        entry_of(FsetXattr::new(file.clone(), "user.a", "value").unwrap().set(set), |entry| {
            let value = entry.get_address2().cast_const();
            opcode::FSetXattr::new(Fd(fd), first(entry), value, 5).flags(flags).build()
        });
    }
}

#[test]
fn fsync() {
    let (file, fd) = file();
    entry_of(Fsync::new(file.clone()), |_| opcode::Fsync::new(Fd(fd)).build());
    entry_of(Fsync::new(file).data_only(true), |_| {
        opcode::Fsync::new(Fd(fd)).flags(io_uring::types::FsyncFlags::DATASYNC).build()
    });
}

#[test]
fn open_at() {
    let (directory, fd) = file();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o640).custom_flags(libc::O_DIRECT);
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_DIRECT | libc::O_CLOEXEC;
    let request = |entry: &Sqe, start| {
        let path = entry.get_address().cast_const().cast();
        opcode::OpenAt::new(Fd(start), path).flags(flags).mode(0o640).build()
    };
    let open = || OpenAt::new("some/file", &options).unwrap();
    entry_of(open(), |entry| request(entry, libc::AT_FDCWD));
    entry_of(open().relative_to(directory), |entry| request(entry, fd));
}

#[test]
fn close() {
    let fd = OwnedFd::from(File::open("/dev/null").expect("/dev/null opens"));
    let number = fd.as_raw_fd();
    entry_of(Close::new(fd), |_| opcode::Close::new(Fd(number)).build());
}

#[test]
fn statx() {
    let (file, fd) = file();
    let mask = libc::STATX_BASIC_STATS | libc::STATX_BTIME | libc::STATX_DIOALIGN;
    let request = |entry: &Sqe, start, flags| {
        let path = entry.get_address().cast_const().cast();
        let answer = entry.get_address2().cast();
        opcode::Statx::new(Fd(start), path, answer).flags(flags).mask(mask).build()
    };
    entry_of(Statx::of(file.clone()), |entry| request(entry, fd, libc::AT_EMPTY_PATH));
    entry_of(Statx::at("/").unwrap(), |entry| request(entry, libc::AT_FDCWD, 0));
    let link = Statx::at("a").unwrap().follow_links(false).relative_to(file);
    entry_of(link, |entry| request(entry, fd, libc::AT_SYMLINK_NOFOLLOW));
}

#[test]
fn truncate() {
    let (file, fd) = file();
    for length in [0, 1, 0x1234_5678_9abc] {
        entry_of(Truncate::new(file.clone(), length), |_| {
            opcode::Ftruncate::new(Fd(fd), length).build()
        });
    }
}
