//! What users get wrong: the right error, the buffer back, and no descriptor left behind.
#![allow(unsafe_code)]

use std::io::{self, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use ringbahn_core::event::{
    Accept, Connect, Nop, OpenAt, OpenOptions, Position, Read, ReadExact, ReadVectored, Recv, Send,
    SendAll, SendMsg, Socket, Statx, Truncate, Write, WriteAll, WriteVectored,
};
use ringbahn_core::{BufResult, Drive, Event, SocketAddress};
use ringbahn_drivers::SharedDriver;
use socket2::{Domain, Type};

#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{descriptors, end, in_child, pipe, run, shared};

fn submit<E: Event>(driver: &SharedDriver, event: E) -> E::Output {
    run(driver.clone().submit(event))
}

/// Runs an event that must fail with `kind` and give its buffer back as it was.
#[track_caller]
fn fails<E, T: std::fmt::Debug>(driver: &SharedDriver, event: E, kind: ErrorKind)
where
    E: Event<Output = BufResult<T, Vec<u8>>>,
{
    let (result, buffer) = submit(driver, event);
    assert_eq!(result.unwrap_err().kind(), kind);
    assert_eq!(buffer, b"as it was");
}

fn buffer() -> Vec<u8> {
    b"as it was".to_vec()
}

fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

#[test]
fn files_that_are_not_there_or_not_files() {
    let test = "files_that_are_not_there_or_not_files";
    in_child(test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        submit(&driver, Nop).unwrap();
        let before = descriptors();
        let open = OpenAt::new("/no/such/file", &reading()).unwrap();
        assert_eq!(submit(&driver, open).unwrap_err().kind(), ErrorKind::NotFound);
        let stat = Statx::at("/no/such/file").unwrap();
        assert_eq!(submit(&driver, stat).unwrap_err().kind(), ErrorKind::NotFound);
        let open = OpenAt::new("/dev/null/file", &reading()).unwrap();
        assert_eq!(submit(&driver, open).unwrap_err().kind(), ErrorKind::NotADirectory);
        let mut writing = OpenOptions::new();
        writing.write(true);
        let open = OpenAt::new("/tmp", &writing).unwrap();
        assert_eq!(submit(&driver, open).unwrap_err().kind(), ErrorKind::IsADirectory);
        let name = "n".repeat(300);
        let open = OpenAt::new(format!("/tmp/{name}"), &reading()).unwrap();
        assert_eq!(submit(&driver, open).unwrap_err().kind(), ErrorKind::InvalidFilename);
        let open = OpenAt::new("null", &reading()).unwrap();
        let open = open.relative_to(shared(std::fs::File::open("/dev/null").unwrap()));
        assert_eq!(submit(&driver, open).unwrap_err().kind(), ErrorKind::NotADirectory);

        let directory = submit(&driver, OpenAt::new("/tmp", &reading()).unwrap()).unwrap();
        fails(&driver, Read::new(directory, buffer(), Position::At(0)), ErrorKind::IsADirectory);
        assert_eq!(descriptors(), before);
        end(&driver);
    });
}

#[test]
fn files_opened_for_something_else() {
    let test = "files_opened_for_something_else";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let null = || std::fs::OpenOptions::new();
    let writable = shared(null().write(true).open("/dev/null").unwrap());
    let readable = shared(null().read(true).open("/dev/null").unwrap());
    let (result, buffer_back) =
        submit(&driver, Read::new(writable.clone(), buffer(), Position::Current));
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EBADF));
    assert_eq!(buffer_back, b"as it was");
    let (result, _) = submit(&driver, ReadExact::new(writable, buffer(), Position::Current));
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EBADF));
    let (result, _) = submit(&driver, Write::new(readable.clone(), buffer(), Position::Current));
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EBADF));
    let (result, back) =
        submit(&driver, WriteAll::new(readable.clone(), buffer(), Position::At(0)));
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EBADF));
    assert_eq!(back, b"as it was");
    let error = submit(&driver, Truncate::new(readable.clone(), 5)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);

    let (result, back) = submit(&driver, Recv::new(readable.clone(), buffer()));
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ENOTSOCK));
    assert_eq!(back, b"as it was");
    let error = submit(&driver, Accept::new(readable)).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
    end(&driver);
}

#[test]
fn peers_that_have_gone_are_broken_pipes_and_no_signals() {
    let test = "peers_that_have_gone_are_broken_pipes_and_no_signals";
    in_child(test, || {
        // Rust's own start ignores the signal; here it would end the process.
        // SAFETY: the default is no function of ours.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let driver = skip::driver(test, 1, 2).unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        drop(far);
        let near = shared(near);
        fails(&driver, Send::new(near.clone(), buffer()), ErrorKind::BrokenPipe);
        fails(&driver, SendAll::new(near.clone(), buffer()), ErrorKind::BrokenPipe);
        let (result, back) = submit(&driver, SendMsg::new(near, [buffer()]));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(back, [b"as it was"]);
        end(&driver);
    });
}

#[test]
fn a_write_to_a_pipe_without_reader_is_a_broken_pipe() {
    let test = "a_write_to_a_pipe_without_reader_is_a_broken_pipe";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let writer = shared(writer);
    fails(&driver, Write::new(writer.clone(), buffer(), Position::Current), ErrorKind::BrokenPipe);
    fails(&driver, WriteAll::new(writer, buffer(), Position::Current), ErrorKind::BrokenPipe);
    end(&driver);
}

#[test]
fn empty_buffers_move_nothing_and_are_no_error() {
    let test = "empty_buffers_move_nothing_and_are_no_error";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let file = shared(tempfile::tempfile().unwrap());
    let at = Position::At(0);
    assert_eq!(submit(&driver, Read::new(file.clone(), Vec::new(), at)).0.unwrap(), 0);
    assert_eq!(submit(&driver, Write::new(file.clone(), "", at)).0.unwrap(), 0);
    submit(&driver, ReadExact::new(file.clone(), [0; 0], at)).0.unwrap();
    submit(&driver, WriteAll::new(file.clone(), "", at)).0.unwrap();
    let none: Vec<Vec<u8>> = Vec::new();
    assert_eq!(submit(&driver, ReadVectored::new(file.clone(), none, at)).0.unwrap(), 0);
    assert_eq!(submit(&driver, WriteVectored::new(file, ["", ""], at)).0.unwrap(), 0);
    let (near, _far) = UnixStream::pair().unwrap();
    assert_eq!(submit(&driver, Send::new(shared(near), "")).0.unwrap(), 0);
    end(&driver);
}

#[test]
fn addresses_that_cannot_be_connected_to() {
    let test = "addresses_that_cannot_be_connected_to";
    in_child(test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        submit(&driver, Nop).unwrap();
        let before = descriptors();
        let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = |family| {
            // SAFETY: the call names no memory.
            let socket = unsafe { libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
            // SAFETY: the descriptor is new and nobody else's.
            unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(socket) }
        };
        let connect = Connect::new(socket(libc::AF_INET), unused);
        assert_eq!(submit(&driver, connect).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let long: SocketAddr = "[::1]:1".parse().unwrap();
        let connect = Connect::new(socket(libc::AF_INET), long);
        assert_eq!(submit(&driver, connect).unwrap_err().raw_os_error(), Some(libc::EAFNOSUPPORT));
        let nowhere = SocketAddress::unix("/no/such/socket").unwrap();
        let connect = Connect::new(socket(libc::AF_UNIX), nowhere);
        assert_eq!(submit(&driver, connect).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(descriptors(), before);
        end(&driver);
    });
}

#[test]
fn a_position_beyond_every_file_is_refused() {
    let test = "a_position_beyond_every_file_is_refused";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let file = shared(tempfile::tempfile().unwrap());
    for beyond in [u64::MAX, u64::MAX - 1, 1 << 63] {
        let at = Position::At(beyond);
        fails(&driver, Read::new(file.clone(), buffer(), at), ErrorKind::InvalidInput);
        fails(&driver, Write::new(file.clone(), buffer(), at), ErrorKind::InvalidInput);
    }
    assert_eq!(submit(&driver, Statx::of(file)).unwrap().len(), 0);
    end(&driver);
}

#[test]
fn descriptors_that_have_run_out_are_an_error_and_come_back() {
    let test = "descriptors_that_have_run_out_are_an_error_and_come_back";
    in_child(test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        submit(&driver, Nop).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let listener = shared(listener);
        let next = std::fs::File::open("/dev/null").unwrap().as_raw_fd() as u64;
        let set = |most| {
            let limit = libc::rlimit { rlim_cur: most, rlim_max: 1024 };
            // SAFETY: the place is valid.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
        };
        let open = || OpenAt::new("/dev/null", &reading()).unwrap();
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None);
        set(next);
        for _ in 0..3 {
            let full = Some(libc::EMFILE);
            assert_eq!(submit(&driver, open()).unwrap_err().raw_os_error(), full);
            assert_eq!(submit(&driver, socket()).unwrap_err().raw_os_error(), full);
            let accept = Accept::new(listener.clone());
            assert_eq!(submit(&driver, accept).unwrap_err().raw_os_error(), full);
        }
        set(1024);
        let before = descriptors();
        // The connection was not lost.
        let (_, peer) = submit(&driver, Accept::new(listener)).unwrap();
        assert_eq!(peer.as_inet(), client.local_addr().ok());
        submit(&driver, open()).unwrap();
        drop(submit(&driver, socket()).unwrap());
        end(&driver);
        assert!(descriptors() <= before);
    });
}

#[test]
fn a_full_disk_is_an_error_that_tells_how_far_the_write_came() {
    let test = "a_full_disk_is_an_error_that_tells_how_far_the_write_came";
    in_child(test, || {
        let driver = skip::driver(test, 1, 2).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = std::ffi::CString::new(directory.path().to_str().unwrap()).unwrap();
        // SAFETY: the strings end with a zero byte.
        let mounted = unsafe {
            libc::mount(
                c"none".as_ptr(),
                path.as_ptr(),
                c"tmpfs".as_ptr(),
                0,
                c"size=64k".as_ptr().cast(),
            )
        };
        if mounted != 0 {
            return skip::skip(test, "not root, or not allowed to mount");
        }
        let file = shared(std::fs::File::create(directory.path().join("file")).unwrap());
        let write = WriteAll::new(file.clone(), vec![7; 100_000], Position::At(0));
        let (result, back) = submit(&driver, write);
        let error = result.unwrap_err();
        let (written, length) = (submit(&driver, Statx::of(file.clone())).unwrap().len(), 100_000);
        let write = Write::new(file.clone(), vec![7; 1], Position::At(written));
        let full = submit(&driver, write).0.unwrap_err();
        end(&driver);
        drop(file);
        // SAFETY: the string ends with a zero byte.
        unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        assert_eq!((written, back.len()), (65536, length));
    });
}

#[test]
fn a_read_behind_the_end_and_one_that_ends_early() {
    let test = "a_read_behind_the_end_and_one_that_ends_early";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"abc").unwrap();
    let file = shared(file);
    let (count, _) = submit(&driver, Read::new(file.clone(), [0; 4], Position::At(1 << 40)));
    assert_eq!(count.unwrap(), 0);
    let (result, back) = submit(&driver, ReadExact::new(file, [0; 4], Position::At(0)));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(&back[..3], b"abc");
    let (reader, writer) = pipe();
    drop(writer);
    assert_eq!(
        submit(&driver, Recv::new(reader, [0; 4])).0.unwrap_err().raw_os_error(),
        Some(libc::ENOTSOCK)
    );
    end(&driver);
}
