//! The service that the scenarios of HTTP talk to, and what bodies are made of.
#![allow(dead_code, reason = "no test uses all of it")]

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::{Request, Response, StatusCode};

pub(crate) type AnyBody = BoxBody<Bytes, io::Error>;

/// What is served, on any number of connections.
#[derive(Clone, Default)]
pub(crate) struct Service {
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    /// Each of the bodies without an end holds a share.
    endless: Arc<()>,
}

impl Service {
    /// Answers a request.
    ///
    /// | path | answer |
    /// |---|---|
    /// | `/hello` | a greeting |
    /// | `/echo` | the request's body as it comes, chunked |
    /// | `/endless` | a body without an end |
    /// | `/broken` | a body that breaks off |
    pub(crate) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<AnyBody>, Infallible> {
        self.seen.requests.fetch_add(1, Ordering::Relaxed);
        Ok(match request.uri().path() {
            "/hello" => Response::new(whole("hello")),
            "/echo" => Response::new(request.into_body().map_err(io::Error::other).boxed()),
            "/endless" => {
                let sent = self.seen.endless.clone();
                let pieces = stream::repeat_with(move || {
                    let _ = &sent;
                    Ok(Frame::data(Bytes::from_static(&[7; 4096])))
                });
                Response::new(BodyExt::boxed(StreamBody::new(pieces)))
            }
            "/broken" => {
                let first = Ok(Frame::data(Bytes::from_static(b"as far as ")));
                let pieces = [first, Err(io::Error::other("broken off"))];
                Response::new(BodyExt::boxed(StreamBody::new(stream::iter(pieces))))
            }
            _ => {
                let mut response = Response::new(whole("there is no such thing"));
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
        })
    }

    /// How many requests have come.
    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::Relaxed)
    }

    /// How many of the bodies without an end are being sent.
    pub(crate) fn endless(&self) -> usize {
        Arc::strong_count(&self.seen.endless) - 1
    }
}

/// A body of known length.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> AnyBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// A body of the given pieces, of a length that is not told before.
pub(crate) fn pieces(pieces: Vec<Bytes>) -> AnyBody {
    let pieces = stream::iter(pieces).map(|piece| Ok(Frame::data(piece)));
    BodyExt::boxed(StreamBody::new(pieces))
}

/// All of a body.
pub(crate) async fn collect<B>(body: B) -> Result<Bytes, B::Error>
where
    B: Body<Data = Bytes>,
{
    Ok(body.collect().await?.to_bytes())
}

/// Bytes of which each part is unlike the others.
pub(crate) fn pattern(length: usize) -> Bytes {
    (0..length.div_ceil(4) as u32)
        .flat_map(|word| word.wrapping_mul(0x9e37_79b9).to_ne_bytes())
        .take(length)
        .collect()
}
