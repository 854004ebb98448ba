//! The addresses and options of sockets, by their names in std.
//!
//! None of them waits for anything, so none is an operation of a driver. What has no method here is
//! reached by [`Ring::get_ref`] and [`socket2::SockRef`].

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::os::unix::net::SocketAddr as UnixAddress;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_drivers::DatagramOption;
use socket2::{SockRef, TcpKeepalive};

use super::Ring;
use super::buffering::Buffering;
use super::object::SocketObject;

impl<T: SocketObject, D: Drive + Unpin, S: Buffering> Ring<T, D, S> {
    /// How many bytes the kernel keeps of what has arrived, its own needs included.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        SockRef::from(self.get_ref()).recv_buffer_size()
    }

    /// Sets how many bytes the kernel keeps of what has arrived; it doubles the figure. For a
    /// connection it is better set [before](crate::net::TcpSocket::set_recv_buffer_size).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
        SockRef::from(self.get_ref()).set_recv_buffer_size(bytes)
    }

    /// How many bytes the kernel keeps of what is to be sent, its own needs included.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        SockRef::from(self.get_ref()).send_buffer_size()
    }

    /// Sets how many bytes the kernel keeps of what is to be sent; it doubles the figure.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        SockRef::from(self.get_ref()).set_send_buffer_size(bytes)
    }

    /// Takes the error that the socket has met with and nobody has been told (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        SockRef::from(self.get_ref()).take_error()
    }
}

impl<D: Drive + Unpin, S: Buffering> Ring<TcpStream, D, S> {
    /// The address at this end.
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }

    /// The address at the other end.
    ///
    /// # Errors
    ///
    /// Those of `getpeername(2)`: `NotConnected`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().peer_addr()
    }

    /// Whether small pieces are sent at once.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.get_ref().nodelay()
    }

    /// Sets whether small pieces are sent at once, instead of waiting for more (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.get_ref().set_nodelay(nodelay)
    }

    /// How many routers a packet may pass.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn ttl(&self) -> io::Result<u32> {
        self.get_ref().ttl()
    }

    /// Sets how many routers a packet may pass (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `InvalidInput` for zero, and more than 255.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.get_ref().set_ttl(ttl)
    }

    /// How long the kernel tries to send what is left when the socket is closed.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self.get_ref()).linger()
    }

    /// Sets how long the kernel tries to send what is left when the socket is closed; zero resets
    /// the connection (`SO_LINGER`).
    ///
    /// With another time than zero whoever closes the socket waits for as long:
    /// [`close`](Ring::close) on the driver, a drop in its thread.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_linger(&self, duration: Option<Duration>) -> io::Result<()> {
        SockRef::from(self.get_ref()).set_linger(duration)
    }

    /// Whether the peer is asked now and then if it is still there.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn keepalive(&self) -> io::Result<bool> {
        SockRef::from(self.get_ref()).keepalive()
    }

    /// Sets whether, and how often, the peer of an idle connection is asked if it is still there.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpStream;
    /// use std::time::Duration;
    /// use ringbahn::Ring;
    /// use ringbahn::socket2::TcpKeepalive;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let address = listener.local_addr()?;
    /// let stream = Ring::new(TcpStream::connect(address)?);
    /// let minute = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_retries(3);
    /// stream.set_keepalive(Some(&minute))?;
    /// assert!(stream.keepalive()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `InvalidInput` for times that the kernel does not take.
    pub fn set_keepalive(&self, keepalive: Option<&TcpKeepalive>) -> io::Result<()> {
        let socket = SockRef::from(self.get_ref());
        match keepalive {
            Some(keepalive) => socket.set_tcp_keepalive(keepalive),
            None => socket.set_keepalive(false),
        }
    }
}

impl<D: Drive + Unpin, S: Buffering> Ring<TcpListener, D, S> {
    /// The address that it listens at.
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }

    /// Whether its connections send small pieces at once.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn nodelay(&self) -> io::Result<bool> {
        SockRef::from(self.get_ref()).tcp_nodelay()
    }

    /// Sets whether its connections send small pieces at once, instead of waiting for more
    /// (`TCP_NODELAY`): those that the kernel accepts from then on inherit it, which spares a call
    /// for each of them.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        SockRef::from(self.get_ref()).set_tcp_nodelay(nodelay)
    }

    /// How many routers a packet of its connections may pass.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn ttl(&self) -> io::Result<u32> {
        self.get_ref().ttl()
    }

    /// Sets how many routers a packet of its connections may pass (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `InvalidInput` for zero, and more than 255.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.get_ref().set_ttl(ttl)
    }
}

impl<D: Drive + Unpin, S: Buffering> Ring<UdpSocket, D, S> {
    /// The address of the socket.
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }

    /// The address that it is connected to.
    ///
    /// # Errors
    ///
    /// Those of `getpeername(2)`: `NotConnected`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().peer_addr()
    }

    /// Whether it may send to everybody in the network.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.get_ref().broadcast()
    }

    /// Sets whether it may send to everybody in the network (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.get_ref().set_broadcast(broadcast)
    }

    /// How many routers a datagram may pass.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`.
    pub fn ttl(&self) -> io::Result<u32> {
        self.get_ref().ttl()
    }

    /// Sets how many routers a datagram may pass (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `InvalidInput` for zero, and more than 255.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.get_ref().set_ttl(ttl)
    }

    /// Joins the group `address` on the interface with the address `interface`; unspecified stands
    /// for whichever the kernel takes. Other options of multicast are those of
    /// [`get_ref`](Ring::get_ref).
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `InvalidInput` for an address that is not of a group, `AddrInUse`
    /// where it has joined already, …
    pub fn join_multicast_v4(&self, address: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.get_ref().join_multicast_v4(address, interface)
    }

    /// Leaves the group `address` that it had joined on `interface`.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `AddrNotAvailable` where it had not.
    pub fn leave_multicast_v4(&self, address: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.get_ref().leave_multicast_v4(address, interface)
    }

    /// Joins the group `address` on the interface with the number `interface`; zero stands for
    /// whichever the kernel takes.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `InvalidInput` for an address that is not of a group, …
    pub fn join_multicast_v6(&self, address: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.get_ref().join_multicast_v6(address, interface)
    }

    /// Leaves the group `address` that it had joined on `interface`.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`: `AddrNotAvailable` where it had not.
    pub fn leave_multicast_v6(&self, address: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.get_ref().leave_multicast_v6(address, interface)
    }

    /// Sets whether a [message](Ring::<UdpSocket>::recv_message) tells the mark of a datagram, the
    /// address that it was sent to and the interface that has brought it: all of
    /// [`DatagramInfo`](crate::net::DatagramInfo) but for the segment size.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn set_datagram_info(&self, on: bool) -> io::Result<()> {
        let socket = SockRef::from(self.get_ref());
        if self.local_addr()?.is_ipv6() {
            socket.set_recv_tclass_v6(on)?;
            DatagramOption::PacketInfoV6.set(self.get_ref().as_fd(), on)?;
            if socket.only_v6()? {
                return Ok(());
            }
            // Datagrams of IPv4 arrive as well. What they are told by is that of IPv4 for the mark,
            // and that of IPv6 for the rest.
            return socket.set_recv_tos_v4(on);
        }
        socket.set_recv_tos_v4(on)?;
        DatagramOption::PacketInfoV4.set(self.get_ref().as_fd(), on)
    }

    /// Sets whether the kernel may put datagrams together that arrive one after the other from the
    /// same peer (`UDP_GRO`).
    ///
    /// Then receive [messages](Ring::<UdpSocket>::recv_message) only, with buffers of 65 535 bytes:
    /// [`DatagramInfo`](crate::net::DatagramInfo) tells how long each of them is.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    ///
    /// # Kernel
    ///
    /// Linux 5.0.
    pub fn set_gro(&self, on: bool) -> io::Result<()> {
        DatagramOption::Gro.set(self.get_ref().as_fd(), on)
    }
}

/// The addresses of a Unix socket: `one` for one that listens, `both` for others.
macro_rules! unix_addresses {
    (one $socket:ty) => {
        impl<D: Drive + Unpin, S: Buffering> Ring<$socket, D, S> {
            /// The address of the socket.
            ///
            /// # Errors
            ///
            /// Those of `getsockname(2)`.
            pub fn local_addr(&self) -> io::Result<UnixAddress> {
                self.get_ref().local_addr()
            }
        }
    };
    (both $socket:ty) => {
        unix_addresses!(one $socket);

        impl<D: Drive + Unpin, S: Buffering> Ring<$socket, D, S> {
            /// The address that it is connected to.
            ///
            /// # Errors
            ///
            /// Those of `getpeername(2)`: `NotConnected`.
            pub fn peer_addr(&self) -> io::Result<UnixAddress> {
                self.get_ref().peer_addr()
            }
        }
    };
}

unix_addresses!(both UnixStream);
unix_addresses!(one UnixListener);
unix_addresses!(both UnixDatagram);
