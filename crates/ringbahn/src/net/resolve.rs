//! [`ToSocketAddrs`] and [`resolve`]: addresses, and names that stand for some.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Addresses, or a name that stands for some: what [`std::net::ToSocketAddrs`] is for std, without
/// blocking the thread.
///
/// | is | for example |
/// |---|---|
/// | addresses | a [`SocketAddr`], an IP address and a port, a slice, an array or a `Vec` of `SocketAddr` |
/// | a text that is looked up unless it is an address | `"localhost:80"`, `("localhost", 80)` |
///
/// It cannot be implemented for others.
pub trait ToSocketAddrs: private::ToSocketAddrs {}

pub(crate) mod private {
    use super::{SocketAddr, io};

    /// What there is to be found out.
    #[derive(Clone, Debug)]
    pub enum Search {
        /// Nothing.
        Found(Vec<SocketAddr>),
        /// The addresses of a name, with this port.
        Host(String, u16),
        /// The addresses of a name that has its port with it.
        HostAndPort(String),
    }

    impl Search {
        /// The addresses. A thread of a pool waits for the answer of the system's resolver.
        pub(crate) async fn addresses(self) -> io::Result<Vec<SocketAddr>> {
            use std::net::ToSocketAddrs as _;

            match self {
                Search::Found(addresses) => Ok(addresses),
                Search::Host(host, port) => {
                    let look_up = move || (host, port).to_socket_addrs().map(Iterator::collect);
                    blocking::unblock(look_up).await
                }
                Search::HostAndPort(name) => {
                    blocking::unblock(move || name.to_socket_addrs().map(Iterator::collect)).await
                }
            }
        }
    }

    pub trait ToSocketAddrs {
        fn search(&self) -> Search;
    }
}

use private::Search;

/// Looks up the addresses that `name` stands for, in the order in which they are to be tried.
///
/// The system's resolver does it, on a thread of a pool, so `/etc/hosts` counts. What is an
/// address already is not looked up.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let addresses = futures::executor::block_on(ringbahn::net::resolve("127.0.0.1:80"))?;
/// assert_eq!(addresses, [([127, 0, 0, 1], 80).into()]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// That of the resolver, of the kind that std gives it, where it knows no such name; `InvalidInput`
/// for a text without a port.
///
/// # Cancel safety
///
/// It is cancel safe: an answer that nobody waits for is dropped.
pub async fn resolve(name: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    name.search().addresses().await
}

/// A single address, as in `address!(SocketAddr: |address| *address)`.
macro_rules! address {
    ($($type:ty: |$value:ident| $address:expr;)*) => {$(
        impl ToSocketAddrs for $type {}

        impl private::ToSocketAddrs for $type {
            fn search(&self) -> Search {
                let $value = self;
                Search::Found(vec![$address])
            }
        }
    )*};
}

address! {
    SocketAddr: |address| *address;
    SocketAddrV4: |address| SocketAddr::V4(*address);
    SocketAddrV6: |address| SocketAddr::V6(*address);
    (IpAddr, u16): |pair| SocketAddr::from(*pair);
    (Ipv4Addr, u16): |pair| SocketAddr::from(*pair);
    (Ipv6Addr, u16): |pair| SocketAddr::from(*pair);
    ([u8; 4], u16): |pair| SocketAddr::from(*pair);
    ([u8; 16], u16): |pair| SocketAddr::from(*pair);
    ([u16; 8], u16): |pair| SocketAddr::from(*pair);
}

impl ToSocketAddrs for [SocketAddr] {}

impl private::ToSocketAddrs for [SocketAddr] {
    fn search(&self) -> Search {
        Search::Found(self.to_vec())
    }
}

impl<const N: usize> ToSocketAddrs for [SocketAddr; N] {}

impl<const N: usize> private::ToSocketAddrs for [SocketAddr; N] {
    fn search(&self) -> Search {
        Search::Found(self.to_vec())
    }
}

impl ToSocketAddrs for Vec<SocketAddr> {}

impl private::ToSocketAddrs for Vec<SocketAddr> {
    fn search(&self) -> Search {
        Search::Found(self.clone())
    }
}

impl ToSocketAddrs for str {}

impl private::ToSocketAddrs for str {
    fn search(&self) -> Search {
        match self.parse() {
            Ok(address) => Search::Found(vec![address]),
            Err(_) => Search::HostAndPort(self.to_owned()),
        }
    }
}

impl ToSocketAddrs for String {}

impl private::ToSocketAddrs for String {
    fn search(&self) -> Search {
        private::ToSocketAddrs::search(self.as_str())
    }
}

impl ToSocketAddrs for (&str, u16) {}

impl private::ToSocketAddrs for (&str, u16) {
    fn search(&self) -> Search {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(address) => Search::Found(vec![SocketAddr::new(address, port)]),
            Err(_) => Search::Host(host.to_owned(), port),
        }
    }
}

impl ToSocketAddrs for (String, u16) {}

impl private::ToSocketAddrs for (String, u16) {
    fn search(&self) -> Search {
        private::ToSocketAddrs::search(&(self.0.as_str(), self.1))
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {}

impl<T: ToSocketAddrs + ?Sized> private::ToSocketAddrs for &T {
    fn search(&self) -> Search {
        T::search(self)
    }
}
