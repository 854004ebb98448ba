//! Connections that wait, after they have been used once.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::PATIENCE;
use crate::laboratory::case::Idle;
use crate::laboratory::contender::Failure;
use crate::laboratory::measured::Measured;
use crate::laboratory::server::Server;

/// How many connections are used before memory is looked at: what a server makes once only is
/// there then.
const FIRST: u32 = 16;
/// What is sent there and back, in bytes.
const MESSAGE: [u8; 64] = [7; 64];

pub(super) fn run(case: &Idle, server: &mut Server) -> Result<Measured, Failure> {
    let address = server.address();
    let use_one = || -> Result<TcpStream, Failure> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(&MESSAGE)?;
        socket.read_exact(&mut [0; MESSAGE.len()])?;
        Ok(socket)
    };
    let mut sockets = Vec::new();
    for _ in 0..FIRST {
        sockets.push(use_one()?);
    }
    let before = server.resident()?;
    server.start()?;
    for _ in 0..case.connections {
        sockets.push(use_one()?);
    }
    let resident = server.resident()?.saturating_sub(before);
    let measured = server.stop()?;
    Ok(Measured { operations: u64::from(case.connections), resident, ..measured })
}
