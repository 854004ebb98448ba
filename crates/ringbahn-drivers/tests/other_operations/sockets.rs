//! Options of sockets, and how much waits in them.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use ringbahn_core::event::{
    Domain, EventExt, GetSocketOption, Opens as _, SetSocketOption, Socket, SocketOption,
    SocketQueue, Type,
};
use ringbahn_core::{Drive, SharedFd};

use crate::scene::{end, pipe, run, shared, until};
use crate::{on_both, on_kernel};

fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

#[test]
fn options_are_set_and_asked_for() {
    on_both("options_are_set_and_asked_for", (6, 7), |driver| {
        let (near, _far) = connection();
        let copy = near.try_clone().unwrap();
        let near = shared(near);
        let set = SetSocketOption::new(near.clone(), SocketOption::NO_DELAY, true);
        run(driver.clone().submit(set)).unwrap();
        assert!(copy.nodelay().unwrap());
        let set = SetSocketOption::new(near.clone(), SocketOption::KEEP_ALIVE, true);
        let get = GetSocketOption::new(near.clone(), SocketOption::KEEP_ALIVE);
        let (set, kept) = run(driver.clone().submit(set.link(get)));
        set.unwrap();
        assert!(kept.unwrap());
        let linger = Some(Duration::from_secs(5));
        let set = SetSocketOption::new(near.clone(), SocketOption::LINGER, linger);
        run(driver.clone().submit(set)).unwrap();
        let get = GetSocketOption::new(near.clone(), SocketOption::LINGER);
        assert_eq!(run(driver.clone().submit(get)).unwrap(), linger);
        let get = GetSocketOption::new(near.clone(), SocketOption::TYPE);
        assert_eq!(run(driver.clone().submit(get)).unwrap(), i32::from(Type::STREAM));
        let get = GetSocketOption::new(near.clone(), SocketOption::PENDING_ERROR);
        assert!(run(driver.clone().submit(get)).unwrap().is_none());
        // Those of TCP are not told this way.
        let get = GetSocketOption::new(near, SocketOption::NO_DELAY);
        let error = run(driver.clone().submit(get)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    });
}

#[test]
fn a_socket_tells_what_waits_in_it() {
    on_both("a_socket_tells_what_waits_in_it", (6, 7), |driver| {
        let (near, mut far) = connection();
        let near = shared(near);
        let unread = || run(driver.clone().submit(SocketQueue::unread(near.clone()))).unwrap();
        assert_eq!(unread(), 0);
        far.write_all(b"hello").unwrap();
        until("it has arrived", || unread() == 5);
        let far = shared(far);
        until("it was acknowledged", || {
            run(driver.clone().submit(SocketQueue::unsent(far.clone()))).unwrap() == 0
        });
    });
}

#[test]
fn what_is_no_socket_has_no_options() {
    on_both("what_is_no_socket_has_no_options", (6, 7), |driver| {
        let (file, _writer) = pipe();
        let get = GetSocketOption::new(file.clone(), SocketOption::TYPE);
        let error = run(driver.clone().submit(get)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let error = run(driver.clone().submit(SocketQueue::unread(file))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    });
}

#[test]
fn a_socket_in_a_slot_has_its_options_too() {
    let test = "a_socket_in_a_slot_has_its_options_too";
    let Some(driver) = on_kernel(test, (6, 7)) else { return };
    let table = driver.direct_table(1).unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).into_slot(&table);
    let socket = SharedFd::from(run(driver.clone().submit(socket)).unwrap());
    let reuse = SocketOption::REUSE_ADDRESS;
    let set = SetSocketOption::new(socket.clone(), reuse, true);
    run(driver.clone().submit(set)).unwrap();
    assert!(run(driver.clone().submit(GetSocketOption::new(socket, reuse))).unwrap());
    drop(table);
    end(&driver);
}
