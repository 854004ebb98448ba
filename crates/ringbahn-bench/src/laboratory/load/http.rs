//! Requests of HTTP/1.1.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::exchange::Exchange;
use super::{PATIENCE, Phases};
use crate::laboratory::case::Http;
use crate::laboratory::contender::Failure;
use crate::laboratory::measured::Measured;
use crate::laboratory::server::Server;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

pub(super) fn run(case: &Http, server: &mut Server, phases: Phases) -> Result<Measured, Failure> {
    let exchange = Exchange {
        message: REQUEST.to_vec(),
        // All answers are alike but for the date, which is as long each time.
        answer_length: answer_length(server)?,
        fill: None,
        connections: case.connections,
        pipeline: 1,
    };
    exchange.run(server, phases)
}

/// How long the answer is, by asking once.
fn answer_length(server: &Server) -> Result<usize, Failure> {
    let mut socket = TcpStream::connect(server.address())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(REQUEST)?;
    let mut answer = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = socket.read(&mut part)?;
        if length == 0 {
            return Err("the server has closed the connection before its answer".into());
        }
        answer.extend_from_slice(&part[..length]);
        if let Some(whole) = whole_length(&answer)?
            && answer.len() >= whole
        {
            return Ok(whole);
        }
    }
}

/// How long the answer that begins like this is; `None` if that has not come yet.
fn whole_length(answer: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(head) = answer.windows(4).position(|part| part == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..head])?;
    if !text.starts_with("HTTP/1.1 200 ") {
        return Err(format!("the server answers: {text}").into());
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value.trim())
    });
    let length: usize = length.ok_or("the answer does not tell its length")?.parse()?;
    Ok(Some(head + 4 + length))
}
