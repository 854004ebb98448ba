//! [`SocketOption`]: an option of sockets, and the type of its value.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::time::Duration;

/// The most bytes that a value has.
pub(super) const VALUE_MAX: usize = 16;

/// A value as the kernel has it, in a place of its own.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(super) struct RawValue {
    pub(super) bytes: [u8; VALUE_MAX],
}

/// An option of sockets whose value is a `T`.
///
/// There are constants for the usual ones; [`new`](SocketOption::new) makes others.
///
/// ```
/// use ringbahn_core::event::SocketOption;
///
/// let option: SocketOption<bool> = SocketOption::KEEP_ALIVE;
/// assert_ne!(option, SocketOption::REUSE_ADDRESS);
/// ```
pub struct SocketOption<T> {
    level: i32,
    name: i32,
    value: PhantomData<fn(T) -> T>,
}

/// The value of an option: a flag, a number, a time to linger, an error.
pub trait OptionValue: sealed::Value + Send + Sized + 'static {}

impl<T: sealed::Value + Send + Sized + 'static> OptionValue for T {}

pub(super) mod sealed {
    /// A value that is plain data of [`LENGTH`](Value::LENGTH) bytes.
    pub trait Value {
        /// How many bytes the kernel has for it.
        const LENGTH: usize;

        /// The bytes that the kernel has for it.
        fn to_words(&self) -> [i32; 2];

        /// What those bytes mean.
        fn from_words(words: [i32; 2]) -> Self;
    }
}

impl sealed::Value for bool {
    const LENGTH: usize = 4;

    fn to_words(&self) -> [i32; 2] {
        [i32::from(*self), 0]
    }

    fn from_words(words: [i32; 2]) -> bool {
        words[0] != 0
    }
}

impl sealed::Value for i32 {
    const LENGTH: usize = 4;

    fn to_words(&self) -> [i32; 2] {
        [*self, 0]
    }

    fn from_words(words: [i32; 2]) -> i32 {
        words[0]
    }
}

impl sealed::Value for u32 {
    const LENGTH: usize = 4;

    fn to_words(&self) -> [i32; 2] {
        [self.cast_signed(), 0]
    }

    fn from_words(words: [i32; 2]) -> u32 {
        words[0].cast_unsigned()
    }
}

/// `struct linger`: whole seconds, or none.
impl sealed::Value for Option<Duration> {
    const LENGTH: usize = 8;

    fn to_words(&self) -> [i32; 2] {
        let seconds = self.map(|time| i32::try_from(time.as_secs()).unwrap_or(i32::MAX));
        [i32::from(self.is_some()), seconds.unwrap_or(0)]
    }

    fn from_words([on, seconds]: [i32; 2]) -> Option<Duration> {
        (on != 0).then(|| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }
}

/// An `errno`, or 0.
impl sealed::Value for Option<io::Error> {
    const LENGTH: usize = 4;

    fn to_words(&self) -> [i32; 2] {
        [self.as_ref().and_then(io::Error::raw_os_error).unwrap_or(0), 0]
    }

    fn from_words(words: [i32; 2]) -> Option<io::Error> {
        (words[0] != 0).then(|| io::Error::from_raw_os_error(words[0]))
    }
}

impl<T: OptionValue> SocketOption<T> {
    /// The option `name` of `level`, such as `TCP_NODELAY` of `IPPROTO_TCP`.
    ///
    /// # Safety
    ///
    /// The kernel reads and writes a value of the type's size for it (four bytes; eight for the
    /// time to linger), and takes none of it for an address.
    pub const unsafe fn new(level: i32, name: i32) -> SocketOption<T> {
        SocketOption::known(level, name)
    }

    /// The two words of an entry's address: the level and the name.
    pub(super) fn words(self) -> (u32, u32) {
        (self.level.cast_unsigned(), self.name.cast_unsigned())
    }

    pub(super) fn raw(value: &T) -> RawValue {
        let mut bytes = [0; VALUE_MAX];
        let [first, second] = value.to_words().map(i32::to_ne_bytes);
        bytes[..4].copy_from_slice(&first);
        bytes[4..8].copy_from_slice(&second);
        RawValue { bytes }
    }

    pub(super) fn value(raw: &RawValue) -> T {
        let word = |at: usize| i32::from_ne_bytes([0, 1, 2, 3].map(|byte| raw.bytes[at + byte]));
        T::from_words([word(0), word(4)])
    }
}

impl<T> SocketOption<T> {
    /// One that is known to be so.
    const fn known(level: i32, name: i32) -> SocketOption<T> {
        SocketOption { level, name, value: PhantomData }
    }
}

impl SocketOption<bool> {
    /// Bytes are sent at once, and not gathered first (`TCP_NODELAY`).
    pub const NO_DELAY: Self = Self::known(libc::IPPROTO_TCP, libc::TCP_NODELAY);
    /// Connections are probed on which nothing happens (`SO_KEEPALIVE`).
    pub const KEEP_ALIVE: Self = Self::known(libc::SOL_SOCKET, libc::SO_KEEPALIVE);
    /// An address may be bound again while old connections of it linger (`SO_REUSEADDR`).
    pub const REUSE_ADDRESS: Self = Self::known(libc::SOL_SOCKET, libc::SO_REUSEADDR);
    /// Several sockets may be bound to the same address (`SO_REUSEPORT`).
    pub const REUSE_PORT: Self = Self::known(libc::SOL_SOCKET, libc::SO_REUSEPORT);
    /// Datagrams may go to all of a network (`SO_BROADCAST`).
    pub const BROADCAST: Self = Self::known(libc::SOL_SOCKET, libc::SO_BROADCAST);
    /// Whether the socket listens (`SO_ACCEPTCONN`), to be got only.
    pub const LISTENS: Self = Self::known(libc::SOL_SOCKET, libc::SO_ACCEPTCONN);
    /// A socket of IPv6 has nothing to do with IPv4 (`IPV6_V6ONLY`).
    pub const ONLY_V6: Self = Self::known(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY);
}

impl SocketOption<u32> {
    /// How much may wait to be received, in bytes (`SO_RCVBUF`). The kernel doubles what is set.
    pub const RECEIVE_BUFFER: Self = Self::known(libc::SOL_SOCKET, libc::SO_RCVBUF);
    /// How much may wait to be sent, in bytes (`SO_SNDBUF`). The kernel doubles what is set.
    pub const SEND_BUFFER: Self = Self::known(libc::SOL_SOCKET, libc::SO_SNDBUF);
    /// The priority of what is sent (`SO_PRIORITY`).
    pub const PRIORITY: Self = Self::known(libc::SOL_SOCKET, libc::SO_PRIORITY);
    /// How many routers a packet may pass (`IP_TTL`).
    pub const TIME_TO_LIVE: Self = Self::known(libc::IPPROTO_IP, libc::IP_TTL);
    /// How many seconds nothing happens before a connection is probed (`TCP_KEEPIDLE`).
    pub const KEEP_ALIVE_IDLE: Self = Self::known(libc::IPPROTO_TCP, libc::TCP_KEEPIDLE);
    /// How many seconds there are between probes (`TCP_KEEPINTVL`).
    pub const KEEP_ALIVE_INTERVAL: Self = Self::known(libc::IPPROTO_TCP, libc::TCP_KEEPINTVL);
    /// How many probes may be lost (`TCP_KEEPCNT`).
    pub const KEEP_ALIVE_COUNT: Self = Self::known(libc::IPPROTO_TCP, libc::TCP_KEEPCNT);
    /// How many milliseconds what is sent may go without an answer (`TCP_USER_TIMEOUT`).
    pub const USER_TIMEOUT: Self = Self::known(libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT);
}

impl SocketOption<i32> {
    /// The family of the socket's addresses (`SO_DOMAIN`), to be got only.
    pub const DOMAIN: Self = Self::known(libc::SOL_SOCKET, libc::SO_DOMAIN);
    /// The type of the socket (`SO_TYPE`), to be got only.
    pub const TYPE: Self = Self::known(libc::SOL_SOCKET, libc::SO_TYPE);
}

impl SocketOption<Option<Duration>> {
    /// How long what has not been sent is kept when the socket is closed, in whole seconds
    /// (`SO_LINGER`).
    pub const LINGER: Self = Self::known(libc::SOL_SOCKET, libc::SO_LINGER);
}

impl SocketOption<Option<io::Error>> {
    /// The error that waits to be told (`SO_ERROR`), which telling takes away; to be got only.
    pub const PENDING_ERROR: Self = Self::known(libc::SOL_SOCKET, libc::SO_ERROR);
}

impl<T> Clone for SocketOption<T> {
    fn clone(&self) -> SocketOption<T> {
        *self
    }
}

impl<T> Copy for SocketOption<T> {}

impl<T> PartialEq for SocketOption<T> {
    fn eq(&self, other: &SocketOption<T>) -> bool {
        (self.level, self.name) == (other.level, other.name)
    }
}

impl<T> Eq for SocketOption<T> {}

impl<T> fmt::Debug for SocketOption<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("SocketOption");
        f.field("level", &self.level).field("name", &self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_as_it_went() {
        fn there_and_back<T: OptionValue>(value: T) -> T {
            SocketOption::value(&SocketOption::raw(&value))
        }
        assert!(there_and_back(true) && !there_and_back(false));
        assert_eq!(there_and_back(u32::MAX), u32::MAX);
        assert_eq!(there_and_back(-7), -7);
        let seconds = |count| Some(Duration::from_secs(count));
        for linger in [None, seconds(0), seconds(5)] {
            assert_eq!(there_and_back(linger), linger);
        }
        assert_eq!(there_and_back(Some(Duration::MAX)), seconds(i32::MAX as u64));
        let error = there_and_back(Some(io::Error::from_raw_os_error(libc::EPIPE)));
        assert_eq!(error.unwrap().kind(), io::ErrorKind::BrokenPipe);
        assert!(there_and_back::<Option<io::Error>>(None).is_none());
    }
}
