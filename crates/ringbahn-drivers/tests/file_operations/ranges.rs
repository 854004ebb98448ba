//! Ranges of files: their room on the disk, how they will be used, and their way to the disk.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::num::{NonZeroU32, NonZeroU64};
use std::os::unix::fs::{FileExt, MetadataExt};

use ringbahn_core::event::{Allocation, Fadvise, Fallocate, FileAdvice, SyncFileRange, Writeback};

use crate::Stage;
use crate::scene::{pipe, shared};

on_each! {
    room_is_made_and_given_back: allocate;
    what_has_no_room_to_give_is_an_error: refuse_to_allocate;
    advice_for_files_changes_nothing_in_them: advise;
    a_range_is_sent_on_its_way_to_the_disk: write_back;
}

fn allocate(stage: &Stage) {
    let path = stage.path("file");
    fs::write(&path, vec![7; 16 << 10]).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let shared = shared(file.try_clone().unwrap());
    // Not every file system knows every way.
    let allocate = |offset, length, allocation| match stage.run(Fallocate::new(
        shared.clone(),
        offset,
        length,
        allocation,
    )) {
        Ok(()) => true,
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => false,
        Err(error) => panic!("{allocation:?}: {error}"),
    };
    let length = || file.metadata().unwrap().len();
    if !allocate(0, 64 << 10, Allocation::Allocate) {
        return;
    }
    assert_eq!(length(), 64 << 10);
    assert!(allocate(64 << 10, 64 << 10, Allocation::Reserve));
    assert_eq!(length(), 64 << 10);
    assert!(file.metadata().unwrap().blocks() * 512 >= 128 << 10);
    let mut content = [0; 16 << 10];
    if allocate(4096, 4096, Allocation::PunchHole) {
        file.read_exact_at(&mut content, 0).unwrap();
        assert!(content[4096..8192] == [0; 4096] && content[4095] == 7 && content[8192] == 7);
    }
    if allocate(100, 100, Allocation::ZeroWithin) {
        file.read_exact_at(&mut content, 0).unwrap();
        assert!(content[100..200] == [0; 100] && content[99] == 7 && content[200] == 7);
    }
    if allocate(60 << 10, 8 << 10, Allocation::Zero) {
        assert_eq!(length(), 68 << 10);
    }
    let before = length();
    // Of whole blocks, which may be larger than these.
    let collapse = Fallocate::new(shared.clone(), 0, 4096, Allocation::Collapse);
    if stage.run(collapse).is_ok() {
        assert_eq!(length(), before - 4096);
        stage.run(Fallocate::new(shared.clone(), 0, 4096, Allocation::Insert)).unwrap();
        assert_eq!(length(), before);
    }
}

fn refuse_to_allocate(stage: &Stage) {
    let fails = |file, length| {
        let error = stage.error(Fallocate::new(file, 0, length, Allocation::Allocate));
        error.raw_os_error().unwrap()
    };
    assert_eq!(fails(crate::nameless(), 0), libc::EINVAL);
    assert_eq!(fails(crate::nameless(), u64::MAX), libc::EINVAL);
    assert_eq!(fails(pipe().0, 4096), libc::EBADF, "it is not open for writing");
    let (_reader, writer) = std::io::pipe().unwrap();
    let error = stage.error(Fallocate::new(shared(writer), 0, 4096, Allocation::Allocate));
    assert_eq!(error.kind(), ErrorKind::NotSeekable);
    let reader = shared(File::open("/proc/self/exe").unwrap());
    assert_eq!(fails(reader, 4096), libc::EBADF);
}

fn advise(stage: &Stage) {
    let path = stage.path("file");
    fs::write(&path, vec![7; 64 << 10]).unwrap();
    let file = shared(File::open(&path).unwrap());
    for advice in [
        FileAdvice::Normal,
        FileAdvice::Sequential,
        FileAdvice::Random,
        FileAdvice::NoReuse,
        FileAdvice::WillNeed,
        FileAdvice::DontNeed,
    ] {
        stage.run(Fadvise::new(file.clone(), advice)).unwrap();
        let some = NonZeroU64::new(4096).unwrap();
        stage.run(Fadvise::new(file.clone(), advice).offset(8192).length(some)).unwrap();
        assert_eq!(
            stage.fails(Fadvise::new(pipe().0, advice)),
            ErrorKind::NotSeekable,
            "{advice:?}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), [7; 64 << 10]);
}

fn write_back(stage: &Stage) {
    let file = crate::nameless();
    for writeback in [Writeback::Start, Writeback::StartAll, Writeback::Wait, Writeback::Finish] {
        stage.run(SyncFileRange::new(file.clone(), writeback)).unwrap();
        let some = NonZeroU32::new(4096).unwrap();
        stage
            .run(SyncFileRange::new(file.clone(), writeback).offset(1 << 40).length(some))
            .unwrap();
        let sync = SyncFileRange::new(pipe().0, writeback);
        assert_eq!(stage.fails(sync), ErrorKind::NotSeekable);
        let sync = SyncFileRange::new(file.clone(), writeback).offset(u64::MAX);
        assert_eq!(stage.fails(sync), ErrorKind::InvalidInput);
    }
}
