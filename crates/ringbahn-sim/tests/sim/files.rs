//! Files and directories.

use std::io::ErrorKind;

use ringbahn_core::event::{
    Close, EventExt, Fsync, OpenAt, OpenOptions, Position, Read, ReadExact, ReadVectored, Statx,
    Truncate, Write, WriteAll, WriteVectored,
};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_sim::Sim;

use crate::support::{assert_nothing_left, open, open_with};

#[test]
fn what_is_written_is_read_again_at_positions_and_at_the_current_one() {
    let sim = Sim::new(1);
    let file = open(&sim, "/data");
    sim.block_on(async {
        let driver = sim.driver();
        let write = Write::new(file.clone(), "hello", Position::Current);
        assert_eq!(driver.clone().submit(write).await.0.unwrap(), 5);
        let write = Write::new(file.clone(), " world", Position::Current);
        assert_eq!(driver.clone().submit(write).await.0.unwrap(), 6);
        let write = WriteAll::new(file.clone(), "far", Position::At(100_000));
        driver.clone().submit(write).await.0.unwrap();

        let read = ReadExact::new(file.clone(), vec![0; 11], Position::At(0));
        let (result, bytes) = driver.clone().submit(read).await;
        result.unwrap();
        assert_eq!(bytes, b"hello world");
        let read = Read::new(file.clone(), vec![9; 8], Position::At(99_998));
        let (result, bytes) = driver.clone().submit(read).await;
        assert_eq!((result.unwrap(), &bytes[..]), (5, &b"\0\0far"[..]));
        let read = Read::new(file.clone(), vec![9; 8], Position::At(100_003));
        assert_eq!(driver.submit(read).await.0.unwrap(), 0);
    });
    drop(file);
    assert_nothing_left(&sim);
}

#[test]
fn several_buffers_are_written_and_read_in_order() {
    let sim = Sim::new(1);
    let file = open(&sim, "data");
    sim.block_on(async {
        let parts = vec!["one ".to_owned(), "two ".to_owned(), "three".to_owned()];
        let write = WriteVectored::new(file.clone(), parts, Position::At(0));
        assert_eq!(sim.driver().submit(write).await.0.unwrap(), 13);
        let targets = vec![Vec::with_capacity(6), Vec::with_capacity(20)];
        let read = ReadVectored::new(file.clone(), targets, Position::At(0));
        let (result, parts) = sim.driver().submit(read).await;
        assert_eq!(result.unwrap(), 13);
        assert_eq!(parts, [b"one tw".to_vec(), b"o three".to_vec()]);
    });
}

#[test]
fn files_are_opened_as_the_options_say() {
    let sim = Sim::new(1);
    sim.create_dir("/home").unwrap();
    sim.put("/home/notes", b"old").unwrap();
    let mut options = OpenOptions::new();
    let fails = |path, options: &OpenOptions| open_with(&sim, path, options).unwrap_err().kind();
    assert_eq!(fails("/none", options.read(true)), ErrorKind::NotFound);
    assert_eq!(fails("/none/x", &options), ErrorKind::NotFound);
    assert_eq!(fails("/home/notes/x", &options), ErrorKind::NotADirectory);
    assert_eq!(fails("/home", options.write(true)), ErrorKind::IsADirectory);
    assert_eq!(fails("/home/notes", options.create_new(true)), ErrorKind::AlreadyExists);

    let mut append = OpenOptions::new();
    let log = SharedFd::from(open_with(&sim, "/home/notes", append.append(true)).unwrap());
    sim.block_on(async {
        let write = Write::new(log.clone(), " new", Position::At(0));
        sim.driver().submit(write).await.0.unwrap();
        // It was not opened to be read.
        let (result, _) = sim.driver().submit(Read::new(log, [0; 4], Position::At(0))).await;
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EBADF));
    });
    assert_eq!(sim.content("/home/notes").unwrap(), b"old new");

    let mut truncate = OpenOptions::new();
    drop(open_with(&sim, "/home/notes", truncate.write(true).truncate(true)).unwrap());
    assert_eq!(sim.content("/home/notes").unwrap(), b"");
    assert_nothing_left(&sim);
}

#[test]
fn paths_start_from_an_open_directory() {
    let sim = Sim::new(1);
    sim.create_dir("/home").unwrap();
    sim.put("/home/file", b"12345").unwrap();
    let mut options = OpenOptions::new();
    let home = SharedFd::from(open_with(&sim, "/home", options.read(true)).unwrap());
    sim.block_on(async {
        let inner = OpenAt::new("file", &options).unwrap().relative_to(home.clone());
        let file = sim.driver().submit(inner).await.unwrap();
        let metadata = sim.driver().submit(Statx::of(file)).await.unwrap();
        assert_eq!((metadata.len(), metadata.is_file()), (5, true));
        let metadata = sim.driver().submit(Statx::at("/home").unwrap()).await.unwrap();
        assert!(metadata.is_dir());
        let inside = Statx::at("file").unwrap().relative_to(home);
        assert_eq!(sim.driver().submit(inside).await.unwrap().ino(), metadata.ino() + 1);
        let error = sim.driver().submit(Statx::at("/no").unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
    assert_nothing_left(&sim);
}

#[test]
fn a_file_is_cut_off_and_closed() {
    let sim = Sim::new(1);
    sim.put("file", b"1234567890").unwrap();
    let mut options = OpenOptions::new();
    let file = open_with(&sim, "file", options.read(true).write(true)).unwrap();
    let copy = file.try_clone().unwrap();
    sim.block_on(async {
        let file = SharedFd::from(file);
        sim.driver().submit(Truncate::new(file, 4)).await.unwrap();
        assert_eq!(sim.open_descriptors(), 1, "the duplicate is of the same file");
        sim.driver().submit(Close::new(copy)).await.unwrap();
    });
    assert_eq!(sim.content("file").unwrap(), b"1234");
    assert_nothing_left(&sim);
}

#[test]
fn what_hangs_on_a_write_runs_only_after_all_of_it() {
    let sim = Sim::new(1);
    let file = open(&sim, "file");
    sim.block_on(async {
        let write = Write::new(file.clone(), "hello", Position::At(0));
        let chain = write.link(Fsync::new(file.clone())).link(Read::new(
            file.clone(),
            vec![0; 9],
            Position::At(0),
        ));
        let ((written, synced), read) = sim.driver().submit(chain).await;
        assert_eq!((written.0.unwrap(), read.0.unwrap()), (5, 5));
        synced.unwrap();

        // The read is short, so what hangs on it does not run.
        let read = Read::new(file.clone(), vec![0; 9], Position::At(0));
        let (read, synced) = sim.driver().submit(read.link(Fsync::new(file.clone()))).await;
        assert_eq!(read.0.unwrap(), 5);
        assert_eq!(synced.unwrap_err().raw_os_error(), Some(libc::ECANCELED));

        // Where the link is a hard one, it does.
        let read = Read::new(file.clone(), vec![0; 9], Position::At(0));
        let chain = read.then(Fsync::new(file.clone())).link(Fsync::new(file));
        let ((read, synced), again) = sim.driver().submit(chain).await;
        assert_eq!(read.0.unwrap(), 5);
        synced.and(again).unwrap();
    });
    assert_nothing_left(&sim);
}

#[test]
fn a_real_file_is_no_simulated_one() {
    let sim = Sim::new(1);
    let real =
        SharedFd::from(std::os::fd::OwnedFd::from(std::fs::File::open("/dev/zero").unwrap()));
    sim.block_on(async {
        let (result, buffer) = sim.driver().submit(Read::new(real, [7; 4], Position::At(0))).await;
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EBADF));
        assert_eq!(buffer, [7; 4]);
    });
}

#[test]
#[should_panic(expected = "by a system call of its own")]
fn a_write_past_the_simulation_is_found_out() {
    use std::io::Write;
    let sim = Sim::new(1);
    let (_reader, writer) = sim.pipe().unwrap();
    let mut file = std::fs::File::from(writer);
    file.write_all(b"to nobody").unwrap();
    sim.block_on(sim.driver().submit(ringbahn_core::event::Nop)).unwrap();
}
