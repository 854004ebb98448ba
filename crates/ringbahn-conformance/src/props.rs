//! What cases are played with: pipes, sockets and files, empty or full.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use ringbahn_core::SharedFd;

/// What most cases send.
pub(crate) const DATA: &[u8] = b"sixty-four bytes, each of them at its place, or else it is wrong";

/// How much a pipe takes.
const PIPE_CAPACITY: usize = 64 << 10;

/// How long a peer may let the test wait for its bytes.
const PATIENCE: Duration = Duration::from_secs(3);

/// A share of `file` that no event is told to close.
pub(crate) fn shared<T: AsFd + Send + Sync + 'static>(file: T) -> SharedFd {
    SharedFd::new(Arc::new(file))
}

/// An empty pipe.
pub(crate) fn pipe() -> io::Result<(SharedFd, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    Ok((shared(reader), writer))
}

/// A pipe that holds [`DATA`].
pub(crate) fn pipe_with_data() -> io::Result<(SharedFd, PipeWriter)> {
    let (reader, mut writer) = pipe()?;
    writer.write_all(DATA)?;
    Ok((reader, writer))
}

/// A pipe that takes nothing more.
pub(crate) fn full_pipe() -> io::Result<(PipeReader, SharedFd)> {
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(&[0; PIPE_CAPACITY])?;
    Ok((reader, shared(writer)))
}

/// Takes out of a full pipe what it was filled with.
pub(crate) fn drain_pipe(mut reader: PipeReader) -> io::Result<PipeReader> {
    reader.read_exact(&mut [0; PIPE_CAPACITY])?;
    Ok(reader)
}

/// The end of a pipe that can only be written to, as a file that cannot be read.
pub(crate) fn unreadable() -> io::Result<(SharedFd, PipeReader)> {
    let (reader, writer) = io::pipe()?;
    Ok((shared(writer), reader))
}

/// The end of a pipe that can only be read, as a file that cannot be written.
pub(crate) fn unwritable() -> io::Result<(SharedFd, PipeWriter)> {
    pipe()
}

/// A pipe whose reading end says at once when it is empty.
pub(crate) fn impatient_pipe() -> io::Result<(SharedFd, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    // The type matters to nobody: the call is one that any file understands.
    let reader = UnixStream::from(OwnedFd::from(reader));
    reader.set_nonblocking(true)?;
    Ok((shared(OwnedFd::from(reader)), writer))
}

/// A file with `content`, without a name.
pub(crate) fn file_with(content: &[u8]) -> io::Result<std::fs::File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(content)?;
    Ok(file)
}

/// Two connected sockets.
pub(crate) fn socket_pair() -> io::Result<(SharedFd, UnixStream)> {
    let (near, far) = UnixStream::pair()?;
    far.set_read_timeout(Some(PATIENCE))?;
    Ok((shared(near), far))
}

/// A socket that takes nothing more, and its peer.
pub(crate) fn full_socket() -> io::Result<(SharedFd, UnixStream)> {
    let (near, far) = UnixStream::pair()?;
    far.set_read_timeout(Some(PATIENCE))?;
    near.set_nonblocking(true)?;
    stuff(&near)?;
    near.set_nonblocking(false)?;
    Ok((shared(near), far))
}

/// Reads what the socket holds at the moment.
pub(crate) fn drain_socket(mut far: UnixStream) -> io::Result<UnixStream> {
    far.set_nonblocking(true)?;
    exhaust(&mut far)?;
    far.set_nonblocking(false)?;
    Ok(far)
}

fn stuff(mut near: impl Write) -> io::Result<()> {
    let chunk = [0; 16 << 10];
    loop {
        match near.write(&chunk) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn exhaust(far: &mut impl Read) -> io::Result<()> {
    let mut chunk = [0; 16 << 10];
    loop {
        match far.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The far end of a connection over the loopback device, which reads what is left in it before it
/// goes: data sent without a copy is not to stay in a socket.
#[derive(Debug)]
pub(crate) struct Far(TcpStream);

impl Far {
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        self.0.set_nonblocking(true)?;
        exhaust(&mut self.0)?;
        self.0.set_nonblocking(false)
    }

    /// Receives exactly `length` bytes.
    pub(crate) fn receive(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut received = vec![0; length];
        self.0.read_exact(&mut received)?;
        Ok(received)
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        // A connection that was reset has nothing left to read.
        let _ = self.drain();
    }
}

/// A connection over the loopback device, with little room in it.
pub(crate) fn connection() -> io::Result<(TcpStream, Far)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // A socket inherits the size from its listener, and keeps to a size that was set.
    socket2::SockRef::from(&listener).set_recv_buffer_size(16 << 10)?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let far = listener.accept()?.0;
    far.set_read_timeout(Some(PATIENCE))?;
    Ok((near, Far(far)))
}

/// A connection that takes nothing more.
pub(crate) fn full_connection() -> io::Result<(TcpStream, Far)> {
    let (near, far) = connection()?;
    socket2::SockRef::from(&near).set_send_buffer_size(16 << 10)?;
    near.set_nonblocking(true)?;
    stuff(&near)?;
    near.set_nonblocking(false)?;
    // What is on its way makes room when it has arrived, which may be after its second try. What
    // stays on the near side is more than this.
    socket2::SockRef::from(&near).set_send_buffer_size(1)?;
    Ok((near, far))
}

/// A socket that listens, at a free port.
pub(crate) fn listener() -> io::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0")
}

/// A socket for datagrams.
pub(crate) fn datagrams() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}
