//! What cannot be done fails, with the right error, and with the buffer.

use std::io::ErrorKind;
use std::sync::Arc;

use ringbahn_core::SharedFd;
use ringbahn_core::event::{Connect, OpenAt, OpenOptions, Position, Read, Write};

use crate::tour::finding::{Failure, Finding, When, equal, fails};
use crate::tour::route::Toured;
use crate::tour::site::Site;
use crate::tour::stops::echo;

pub(crate) async fn visit<D: Toured>(site: &Site<D>) -> Finding {
    open(site).await?;
    transfer(site).await?;
    // A port that was free a moment ago, and that nobody listens on.
    let listener = echo::bind(echo::IPV4)?;
    let nobody = listener.local_addr().when("asking for the address")?;
    drop(listener);
    let socket = echo::socket(site, echo::IPV4).await?;
    let connected = site.submit(Connect::new(socket, nobody)).await;
    fails("connecting to nobody", connected, ErrorKind::ConnectionRefused)?;
    Ok("8 operations that cannot succeed: right errors, buffers back".to_owned())
}

async fn open<D: Toured>(site: &Site<D>) -> Finding<()> {
    let mut reading = OpenOptions::new();
    reading.read(true);
    let mut writing = OpenOptions::new();
    writing.write(true);
    let mut making = writing.clone();
    making.create_new(true);
    site.create("errors").await?;
    for (what, path, options, expected) in [
        ("opening a missing file", "missing", &reading, ErrorKind::NotFound),
        ("opening below a file", "errors/below", &reading, ErrorKind::NotADirectory),
        ("writing to a directory", ".", &writing, ErrorKind::IsADirectory),
        ("making a file that is there", "errors", &making, ErrorKind::AlreadyExists),
    ] {
        let open = OpenAt::new(site.path(path), options).when(what)?;
        fails(what, site.submit(open).await, expected)?;
    }
    Ok(())
}

async fn transfer<D: Toured>(site: &Site<D>) -> Finding<()> {
    let read_only = SharedFd::new(Arc::new(site.open("errors")?));
    let (result, buffer) = site.submit(Write::new(read_only, "bytes", Position::At(0))).await;
    equal("the buffer of a write", buffer, "bytes")?;
    let Err(error) = result else {
        return Err(Failure::Broken("a write to a file opened for reading succeeded".to_owned()));
    };
    // EBADF, for which std has no kind.
    equal("the error of a write to a file opened for reading", error.raw_os_error(), Some(9))?;

    let (reader, writer) = site.pipe()?;
    drop(reader);
    let write = Write::new(writer, b"bytes".to_vec(), Position::Current);
    let (result, buffer) = site.submit(write).await;
    equal("the buffer of a write", &*buffer, b"bytes")?;
    fails("writing to a pipe that nobody reads", result, ErrorKind::BrokenPipe)?;

    let directory = SharedFd::new(Arc::new(site.open(".")?));
    let read = Read::new(directory, b"bytes".to_vec(), Position::At(0));
    let (result, buffer) = site.submit(read).await;
    equal("the buffer of a read", &*buffer, b"bytes")?;
    fails("reading a directory", result, ErrorKind::IsADirectory)
}
