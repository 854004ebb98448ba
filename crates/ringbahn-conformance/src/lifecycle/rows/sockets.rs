//! The events that make sockets and connections, ask about them, and end them.

use std::io::{self, Write as _};
use std::net::TcpStream;

use ringbahn_core::event::{
    Accept, Bind, Connect, Domain, GetSocketOption, Listen, SetSocketOption, Shutdown, Socket,
    SocketOption, SocketQueue, Type,
};
use socket2::Socket as Unconnected;

use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{DATA, datagrams, listener, pipe, shared, socket_pair};

pub(super) fn accept(manner: Manner) -> Staged<Accept> {
    let listener = match manner {
        // Nothing can be accepted there.
        Manner::Failing => {
            return Ok(Scene::new(Accept::new(shared(datagrams()?)), |it| it.map(|_| true)));
        }
        Manner::AtOnce | Manner::Later | Manner::Never => listener()?,
    };
    let address = listener.local_addr()?;
    let scene = Scene::new(Accept::new(shared(listener)), |accepted| {
        accepted.map(|(_connection, peer)| peer.as_inet().is_some_and(|it| it.ip().is_loopback()))
    });
    match manner {
        Manner::AtOnce => Ok(scene.keeping(TcpStream::connect(address)?)),
        _ => Ok(scene.waiting(move || TcpStream::connect(address))),
    }
}

pub(super) fn connect(manner: Manner) -> Staged<Connect> {
    let listener = listener()?;
    let address = listener.local_addr()?;
    let socket = Unconnected::new(Domain::IPV4, Type::STREAM, None)?;
    let scene = Scene::new(Connect::new(shared(socket), address), |it| it.map(|()| true));
    match manner {
        // It is refused, as nobody listens any more.
        Manner::Failing => Ok(scene),
        Manner::AtOnce | Manner::Later | Manner::Never => Ok(scene.keeping(listener)),
    }
}

pub(super) fn bind(manner: Manner) -> Staged<Bind> {
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let socket = Unconnected::new(Domain::IPV4, Type::STREAM, None)?;
    if manner == Manner::Failing {
        // It has an address already.
        socket.bind(&any.into())?;
    }
    Ok(Scene::new(Bind::new(shared(socket), any), |it| it.map(|()| true)))
}

pub(super) fn listen(manner: Manner) -> Staged<Listen> {
    if manner == Manner::Failing {
        // There are no connections of such.
        return Ok(Scene::new(Listen::new(shared(datagrams()?), 1), |it| it.map(|()| true)));
    }
    let socket = Unconnected::new(Domain::IPV4, Type::STREAM, None)?;
    Ok(Scene::new(Listen::new(shared(socket), 1), |it| it.map(|()| true)))
}

pub(super) fn shutdown(manner: Manner) -> Staged<Shutdown> {
    let judge = |result: std::io::Result<()>| result.map(|()| true);
    let both = std::net::Shutdown::Both;
    if manner == Manner::Failing {
        let unconnected = Unconnected::new(Domain::IPV4, Type::STREAM, None)?;
        return Ok(Scene::new(Shutdown::new(shared(unconnected), both), judge));
    }
    let (near, far) = socket_pair()?;
    Ok(Scene::new(Shutdown::new(near, both), judge).keeping(far))
}

pub(super) fn socket(manner: Manner) -> Staged<Socket> {
    let domain = match manner {
        // A family that there is not.
        Manner::Failing => Domain::from(9999),
        Manner::AtOnce | Manner::Later | Manner::Never => Domain::UNIX,
    };
    Ok(Scene::new(Socket::new(domain, Type::STREAM, None), |made| made.map(|_socket| true)))
}

/// The event that `event` makes of a connection with data in it; or of what is no socket.
fn of_connection<E: ringbahn_core::Event>(
    manner: Manner,
    judge: fn(E::Output) -> io::Result<bool>,
    event: impl FnOnce(ringbahn_core::SharedFd) -> E,
) -> Staged<E> {
    if manner == Manner::Failing {
        let (reader, writer) = pipe()?;
        return Ok(Scene::new(event(reader), judge).keeping(writer));
    }
    let listener = listener()?;
    let mut far = TcpStream::connect(listener.local_addr()?)?;
    let (near, _) = listener.accept()?;
    far.write_all(DATA)?;
    // On the loopback it is there when it has been sent.
    Ok(Scene::new(event(shared(near)), judge).keeping(far))
}

pub(super) fn get_socket_option(manner: Manner) -> Staged<GetSocketOption<i32>> {
    let judge = |kind: io::Result<i32>| kind.map(|kind| kind == i32::from(Type::STREAM));
    of_connection(manner, judge, |socket| GetSocketOption::new(socket, SocketOption::TYPE))
}

pub(super) fn set_socket_option(manner: Manner) -> Staged<SetSocketOption<bool>> {
    let judge = |set: io::Result<()>| set.map(|()| true);
    of_connection(manner, judge, |socket| {
        SetSocketOption::new(socket, SocketOption::KEEP_ALIVE, true)
    })
}

pub(super) fn socket_queue(manner: Manner) -> Staged<SocketQueue> {
    let judge = |count: io::Result<u32>| count.map(|count| count as usize == DATA.len());
    of_connection(manner, judge, SocketQueue::unread)
}
