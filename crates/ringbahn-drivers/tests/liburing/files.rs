//! Files, pipes, and what else can be read.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

use futures::future::join_all;
use ringbahn_core::SharedFd;
use ringbahn_core::event::{
    Close, Fsync, OpenAt, OpenOptions, Position, Read, ReadVectored, Splice, Statx, Tee, Write,
    WriteVectored,
};

use crate::scene::{pipe, shared};
use crate::subject::Subject;
use crate::support::{pattern, pending_read};

on_both_drivers! {
    read_write,
    short_read,
    eeed8b54e0df,
    fpos,
    open_close,
    openat,
    fsync,
    statx,
    file_verify,
    pipe_reuse,
    pipe_eof,
    splice,
    tee,
    stdout,
}

fn temporary() -> SharedFd {
    shared(tempfile::tempfile().unwrap())
}

fn write_all<S: Subject>(driver: &S, file: &SharedFd, bytes: Vec<u8>, at: u64) {
    let length = bytes.len();
    let write = Write::new(file.clone(), bytes, Position::At(at));
    assert_eq!(driver.run(driver.clone().submit(write)).0.unwrap(), length);
}

fn read_at<S: Subject>(driver: &S, file: &SharedFd, length: usize, at: u64) -> Vec<u8> {
    let read = Read::new(file.clone(), vec![0; length], Position::At(at));
    let (result, buffer) = driver.run(driver.clone().submit(read));
    assert_eq!(result.unwrap(), buffer.len());
    buffer
}

/// What was written in pieces, in one buffer and in several, is read in others.
fn read_write<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let file = temporary();
    let data = pattern(10_000);
    let pieces = [data[..3000].to_vec(), data[3000..3001].to_vec(), data[3001..].to_vec()];
    let write = WriteVectored::new(file.clone(), pieces, Position::At(0));
    assert_eq!(driver.run(driver.clone().submit(write)).0.unwrap(), 10_000);
    let read = ReadVectored::new(file.clone(), [vec![0; 4096], vec![0; 5904]], Position::At(0));
    let (count, buffers) = driver.run(driver.clone().submit(read));
    assert_eq!(count.unwrap(), 10_000);
    assert!(buffers.concat() == data);
    assert!(read_at(&driver, &file, 2000, 8000) == data[8000..]);
    driver.end();
}

/// A read that goes beyond the end is as long as the file.
fn short_read<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let file = temporary();
    write_all(&driver, &file, pattern(4096 + 100), 0);
    let read = Read::new(file.clone(), vec![0; 8192], Position::At(0));
    let (count, buffer) = driver.run(driver.clone().submit(read));
    assert_eq!((count.unwrap(), buffer.len()), (4196, 4196));
    let read = Read::new(file, vec![0; 1], Position::At(4196));
    assert_eq!(driver.run(driver.clone().submit(read)).0.unwrap(), 0);
    driver.end();
}

/// A pipe that is not to block is waited for all the same, and a read of it never says `EAGAIN`.
fn eeed8b54e0df<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    let read = pending_read(&driver, &shared(reader), 4);
    writer.write_all(b"data").unwrap();
    let (count, buffer) = driver.run(read);
    assert_eq!((count.unwrap(), &buffer[..]), (4, &b"data"[..]));
    driver.end();
}

/// Reads and writes at the current position move it, and those at another do not.
fn fpos<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let file = temporary();
    let write = |text: &'static str, position| {
        driver.run(driver.clone().submit(Write::new(file.clone(), text, position))).0.unwrap()
    };
    write("ab", Position::Current);
    write("xyz", Position::At(10));
    write("cd", Position::Current);
    assert_eq!(read_at(&driver, &file, 4, 0), b"abcd");
    let read = Read::new(file.clone(), vec![0; 6], Position::Current);
    assert_eq!(driver.run(driver.clone().submit(read)).1, [0; 6]);
    let read = Read::new(file, vec![0; 9], Position::Current);
    assert_eq!(driver.run(driver.clone().submit(read)).1, b"xyz");
    driver.end();
}

/// A file is opened and closed; what is not there is not opened.
fn open_close<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let mut options = OpenOptions::new();
    options.read(true);
    let open = |path: &str| driver.clone().submit(OpenAt::new(path, &options).unwrap());
    let file: OwnedFd = driver.run(open("/dev/zero")).unwrap();
    driver.run(driver.clone().submit(Close::new(file))).unwrap();
    let error = driver.run(open("/no/such/file")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    driver.end();
}

/// A path is looked up in the directory that was told.
fn openat<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let directory = shared(File::open(folder.path()).unwrap());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let open = || OpenAt::new("inside", &options).unwrap().relative_to(directory.clone());
    let file = driver.run(driver.clone().submit(open())).unwrap();
    write_all(&driver, &SharedFd::from(file), b"here".to_vec(), 0);
    assert_eq!(std::fs::read(folder.path().join("inside")).unwrap(), b"here");
    let error = driver.run(driver.clone().submit(open())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    driver.end();
}

/// A sync of a file succeeds, and of a pipe it does not.
fn fsync<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let file = temporary();
    write_all(&driver, &file, pattern(100), 0);
    driver.run(driver.clone().submit(Fsync::new(file.clone()))).unwrap();
    driver.run(driver.clone().submit(Fsync::new(file).data_only(true))).unwrap();
    let (reader, _writer) = pipe();
    let error = driver.run(driver.clone().submit(Fsync::new(reader))).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    driver.end();
}

/// What the file system says of a file by its name and by its descriptor is the same.
fn statx<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, pattern(1234)).unwrap();
    let by_name = driver.run(driver.clone().submit(Statx::at(&path).unwrap())).unwrap();
    let file = shared(File::open(&path).unwrap());
    let by_file = driver.run(driver.clone().submit(Statx::of(file))).unwrap();
    assert_eq!((by_name.len(), by_name.is_file()), (1234, true));
    assert_eq!((by_file.ino(), by_file.device()), (by_name.ino(), by_name.device()));
    driver.end();
}

/// Many reads of one file at once, in no order, find each its own part of it.
fn file_verify<S: Subject>() {
    const PART: usize = 1000;
    let driver = S::make(8, 16).unwrap();
    let file = temporary();
    let data = pattern(100 * PART);
    write_all(&driver, &file, data.clone(), 0);
    let reads = (0..100).map(|n| {
        let at = (n * 37 % 100) * PART;
        let read = Read::new(file.clone(), vec![0; PART], Position::At(at as u64));
        let read = driver.clone().submit(read);
        async move { (at, read.await) }
    });
    for (at, (count, buffer)) in driver.run(join_all(reads)) {
        assert_eq!(count.unwrap(), PART);
        assert!(buffer == data[at..at + PART], "the part at {at}");
    }
    driver.end();
}

/// Pipes are made, used and closed in a row, and get each other's numbers: no byte gets lost.
fn pipe_reuse<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    for round in 0..100_u8 {
        let (reader, mut writer) = pipe();
        let read = pending_read(&driver, &reader, 1);
        drop(reader);
        writer.write_all(&[round]).unwrap();
        assert_eq!(driver.run(read).1, [round]);
    }
    driver.end();
}

/// A read that waits ends with the last writer.
fn pipe_eof<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (reader, writer) = pipe();
    let read = pending_read(&driver, &reader, 8);
    drop(writer);
    let (count, buffer) = driver.run(read);
    assert_eq!((count.unwrap(), buffer.len()), (0, 0));
    driver.end();
}

/// What is moved from a file to a pipe and on to a file is what was in the first.
fn splice<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let (from, to) = (temporary(), temporary());
    let data = pattern(3000);
    write_all(&driver, &from, data.clone(), 0);
    let (reader, writer) = pipe();
    let writer = shared(writer);
    let into = Splice::into_pipe(from, Position::At(0), writer, 3000);
    assert_eq!(driver.run(driver.clone().submit(into)).unwrap(), 3000);
    let out = Splice::from_pipe(reader, to.clone(), Position::At(0), 3000);
    assert_eq!(driver.run(driver.clone().submit(out)).unwrap(), 3000);
    assert!(read_at(&driver, &to, 3000, 0) == data);
    driver.end();
}

/// What is in one pipe is in another as well.
fn tee<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let ((from, mut writer), (to_reader, to_writer)) = (pipe(), pipe());
    writer.write_all(b"twice").unwrap();
    let tee = Tee::new(from.clone(), shared(to_writer), 5);
    assert_eq!(driver.run(driver.clone().submit(tee)).unwrap(), 5);
    for reader in [from, to_reader] {
        let read = Read::new(reader, vec![0; 8], Position::Current);
        assert_eq!(driver.run(driver.clone().submit(read)).1, b"twice");
    }
    driver.end();
}

/// The standard output is written to as any other file.
fn stdout<S: Subject>() {
    let driver = S::make(2, 4).unwrap();
    let output = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
    let (count, _) = driver.run(driver.clone().submit(Write::new(output, "", Position::Current)));
    assert_eq!(count.unwrap(), 0);
    driver.end();
}
