//! What is done with direct descriptors: files, sockets, and the way back to a descriptor.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use ringbahn_core::event::{
    Accept, Allocation, Connect, Fadvise, Fallocate, FgetXattr, FileAdvice, FsetXattr, Fsync,
    InstallFd, Interest, LinkAt, OpenAt, OpenAt2, OpenOptions, Opens as _, Pipe, PollAdd, Position,
    Read, ReadExact, ReadVectored, Recv, RenameAt, Resolve, Send, SendAll, Shutdown, Socket, Statx,
    SyncFileRange, Truncate, UnlinkAt, WriteAll, WriteVectored, Writeback,
};
use ringbahn_core::{Drive, SharedFd};
use socket2::{Domain, Type};

use crate::scene::{end, run, shared};
use crate::{local, open, table};

#[test]
fn a_file_in_a_slot_is_written_cut_synced_and_read() {
    let test = "a_file_in_a_slot_is_written_cut_synced_and_read";
    let Some((driver, table)) = table(test, 1) else { return };
    let driver = &driver;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).custom_flags(libc::O_CLOEXEC);
    let create = OpenAt::new(&path, &options).unwrap().into_slot(&table);
    let file = SharedFd::from(run(driver.submit(create)).unwrap());
    run(driver.submit(WriteAll::new(file.clone(), "hello, slot", Position::At(0)))).0.unwrap();
    let vectored = WriteVectored::new(file.clone(), [" and", " more"], Position::At(11));
    assert_eq!(run(driver.submit(vectored)).0.unwrap(), 9);
    run(driver.submit(Truncate::new(file.clone(), 15))).unwrap();
    run(driver.submit(Fsync::new(file.clone()))).unwrap();
    let (result, text) = run(driver.submit(ReadExact::new(file.clone(), [0; 15], Position::At(0))));
    result.unwrap();
    assert_eq!(&text, b"hello, slot and");
    let parts = ReadVectored::new(file.clone(), [[0; 5], [0; 5]], Position::At(0));
    let (count, [first, second]) = run(driver.submit(parts));
    assert_eq!((count.unwrap(), &first, &second), (10, b"hello", b", slo"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello, slot and");
    drop(file);
    assert_eq!(table.open(), 0);
    end(driver);
}

#[test]
fn a_file_in_a_slot_gets_room_advice_and_attributes_and_is_no_directory_for_paths() {
    let test = "a_file_in_a_slot_gets_room_advice_and_attributes_and_is_no_directory_for_paths";
    let Some((driver, table)) = table(test, 2) else { return };
    let driver = &driver;
    let place = tempfile::tempdir().unwrap();
    let here = || shared(std::fs::File::open(place.path()).unwrap());
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    let create = OpenAt2::new("file", &options).unwrap().relative_to(here());
    let create = create.resolve(Resolve::BENEATH).into_slot(&table);
    let file = SharedFd::from(run(driver.submit(create)).unwrap());
    // Not every file system has these two.
    let unsupported = Some(libc::EOPNOTSUPP);
    let allocate = Fallocate::new(file.clone(), 0, 8192, Allocation::Allocate);
    if let Err(error) = run(driver.submit(allocate)) {
        assert_eq!(error.raw_os_error(), unsupported);
    }
    let set = FsetXattr::new(file.clone(), "user.ringbahn", "value").unwrap();
    match run(driver.submit(set)).0 {
        Err(error) => assert_eq!(error.raw_os_error(), unsupported),
        Ok(()) => {
            let get = FgetXattr::new(file.clone(), "user.ringbahn", [0; 5]).unwrap();
            let (length, value) = run(driver.submit(get));
            assert_eq!((length.unwrap(), &value), (5, b"value"));
        }
    }
    run(driver.submit(Fadvise::new(file.clone(), FileAdvice::DontNeed))).unwrap();
    run(driver.submit(SyncFileRange::new(file.clone(), Writeback::Finish))).unwrap();

    // The kernel looks for such a directory among the descriptors of the process only.
    let open = OpenAt::new(place.path(), OpenOptions::new().read(true)).unwrap().into_slot(&table);
    let slot = SharedFd::from(run(driver.submit(open)).unwrap());
    let rename = || RenameAt::new("file", "other").unwrap();
    let link = || LinkAt::new("file", "other").unwrap();
    for refused in [
        run(driver.submit(rename().from_directory(slot.clone()).to_directory(here()))),
        run(driver.submit(rename().from_directory(here()).to_directory(slot.clone()))),
        run(driver.submit(link().original_relative_to(here()).link_relative_to(slot.clone()))),
        run(driver.submit(UnlinkAt::file("file").unwrap().relative_to(slot.clone()))),
    ] {
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EBADF));
    }
    assert!(place.path().join("file").exists());
    drop((file, slot));
    assert_eq!(table.open(), 0);
    end(driver);
}

#[test]
fn a_connection_is_accepted_into_a_slot_and_echoes() {
    let test = "a_connection_is_accepted_into_a_slot_and_echoes";
    let Some((driver, table)) = table(test, 2) else { return };
    let driver = &driver;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut far = TcpStream::connect(address).unwrap();
    let accept = Accept::new(shared(listener)).into_slot(&table);
    let (near, peer) = run(driver.submit(accept)).unwrap();
    assert_eq!(peer.as_inet(), Some(far.local_addr().unwrap()));
    let near = SharedFd::from(near);
    far.write_all(b"ping").unwrap();
    run(driver.submit(PollAdd::new(near.clone(), Interest::READABLE))).unwrap();
    let (count, buffer) = run(driver.submit(Recv::new(near.clone(), vec![0; 16])));
    assert_eq!((count.unwrap(), &buffer[..]), (4, &b"ping"[..]));
    run(driver.submit(SendAll::new(near.clone(), buffer))).0.unwrap();
    run(driver.submit(Shutdown::new(near.clone(), std::net::Shutdown::Write))).unwrap();
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"ping");
    drop(near);
    assert_eq!(table.open(), 0);
    end(driver);
}

#[test]
fn a_socket_in_a_slot_connects_and_its_drop_ends_the_connection() {
    let test = "a_socket_in_a_slot_connects_and_its_drop_ends_the_connection";
    let Some((driver, table)) = table(test, 1) else { return };
    let driver = &driver;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).into_slot(&table);
    let socket = SharedFd::from(run(driver.submit(socket)).unwrap());
    run(driver.submit(Connect::new(socket.clone(), address))).unwrap();
    let mut far = listener.accept().unwrap().0;
    assert_eq!(run(driver.submit(Send::new(socket.clone(), "bye"))).0.unwrap(), 3);
    drop(socket);
    let mut text = String::new();
    far.read_to_string(&mut text).unwrap();
    assert_eq!(text, "bye");
    end(driver);
}

#[test]
fn both_ends_of_a_pipe_are_in_slots() {
    let test = "both_ends_of_a_pipe_are_in_slots";
    let Some((driver, table)) = table(test, 3) else { return };
    let driver = &driver;
    let make = || run(driver.submit(Pipe::new().into_slot(&table)));
    let (reader, writer) = match make() {
        Ok(ends) => ends,
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
            return crate::skip::skip(test, "the kernel is older than 6.16");
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!((reader.slot(), writer.slot(), table.open()), (0, 1, 2));
    // There is room for one end only, so there is no pipe.
    assert_eq!(make().unwrap_err().raw_os_error(), Some(libc::ENFILE));
    let rest = open(driver, &table, "/dev/null").unwrap();
    assert_eq!((rest.slot(), table.open()), (2, 3), "nor is its one end left");
    let write = WriteAll::new(writer, "hello", Position::Current);
    run(driver.submit(write)).0.unwrap();
    assert_eq!(table.open(), 2);
    let reader = SharedFd::from(reader);
    for (count, text) in [(5, &b"hello"[..]), (0, b"")] {
        let read = Read::new(reader.clone(), Vec::with_capacity(8), Position::Current);
        let (result, bytes) = run(driver.submit(read));
        assert_eq!((result.unwrap(), &bytes[..]), (count, text));
    }
    // One that nobody takes leaves nothing behind.
    let mut make = driver.submit(Pipe::new().into_slot(&table));
    let _ = crate::scene::poll_once(std::pin::Pin::new(&mut make));
    drop(make);
    crate::scene::until("its slots are closed", || {
        driver.counters().in_flight == 0 && table.open() == 2
    });
    drop((reader, rest));
    // Those of the one that nobody took are closed a moment after it was counted as ended.
    crate::scene::until("all slots are closed", || table.open() == 0);
    end(driver);
}

#[test]
fn a_descriptor_is_installed_and_both_go_on() {
    let test = "a_descriptor_is_installed_and_both_go_on";
    let Some((driver, table)) = table(test, 1) else { return };
    let driver = &driver;
    let direct = SharedFd::from(open(driver, &table, "/dev/zero").unwrap());
    let installed = match run(driver.submit(InstallFd::new(direct.clone()))) {
        Ok(installed) => installed,
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            return crate::skip::skip(test, "the kernel is older than 6.8");
        }
        Err(error) => panic!("{error}"),
    };
    let flags = rustix::io::fcntl_getfd(&installed).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    let number = installed.as_raw_fd();
    let metadata = run(driver.submit(Statx::of(installed))).unwrap();
    assert_eq!(metadata.mode() & libc::S_IFMT, libc::S_IFCHR, "{number}");
    let (count, _) = run(driver.submit(Read::new(direct, [1; 8], Position::Current)));
    assert_eq!(count.unwrap(), 8);
    assert_eq!(table.open(), 0);
    end(driver);
}

#[test]
fn what_is_no_direct_descriptor_is_not_installed_nor_does_a_path_start_at_one() {
    let test = "what_is_no_direct_descriptor_is_not_installed_nor_does_a_path_start_at_one";
    let Some((driver, table)) = table(test, 1) else { return };
    let driver = &driver;
    let plain = shared(std::fs::File::open("/dev/null").unwrap());
    assert!(run(driver.submit(InstallFd::new(plain))).is_err());
    let root = SharedFd::from(open(driver, &table, "/").unwrap());
    let statx = run(driver.submit(Statx::of(root.clone())));
    assert_eq!(statx.unwrap_err().raw_os_error(), Some(libc::EBADF));
    let open = OpenAt::new("etc", OpenOptions::new().read(true)).unwrap().relative_to(root);
    assert_eq!(run(driver.submit(open)).unwrap_err().raw_os_error(), Some(libc::EBADF));
    end(driver);
}

#[test]
fn the_driver_of_one_thread_has_slots_too() {
    let test = "the_driver_of_one_thread_has_slots_too";
    let Some(driver) = local::driver(test, 1, 2) else { return };
    let table = driver.direct_table(1).unwrap();
    driver.block_on(async {
        let open = OpenAt::new("/dev/zero", OpenOptions::new().read(true)).unwrap();
        let file = driver.clone().submit(open.into_slot(&table)).await.unwrap();
        assert_eq!((file.slot(), table.open()), (0, 1));
        let read = Read::new(file, [1; 8], Position::Current);
        let (count, buffer) = driver.clone().submit(read).await;
        assert_eq!((count.unwrap(), buffer), (8, [0; 8]));
    });
    assert_eq!(table.open(), 0);
    local::end(&driver);
}
