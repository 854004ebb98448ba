//! The answer to a request.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HOST, HeaderName,
    HeaderValue, LAST_MODIFIED, LOCATION, RANGE,
};
use hyper::{Method, Request, Response, StatusCode, Version};
use ringbahn::Ring;
use rustix::io::Errno;

use super::Tally;
use super::body::{AnswerBody, FileBody};
use super::condition::{self, Verdict};
use super::range::{self, Wanted};
use super::target::Target;
use super::tree::{Facts, Found, Tree};
use crate::server::Serving;

type Answer<D> = Response<AnswerBody<D>>;

/// What a directory is represented by.
const INDEX: &str = "index.html";

/// Answers a request.
pub(super) async fn answer<D: Serving>(
    request: Request<Incoming>,
    tree: Rc<Tree>,
    tally: Rc<Tally>,
    driver: D,
) -> Result<Answer<D>, Infallible> {
    tally.requests.set(tally.requests.get() + 1);
    let is_head = request.method() == Method::HEAD;
    let mut answer = find(&request, &tree, &tally, driver)
        .await
        .unwrap_or_else(|error| notice(status_of(&error)));
    if is_head && answer.status() != StatusCode::NOT_MODIFIED {
        // As for GET, and without what it announces.
        let length = hyper::body::Body::size_hint(answer.body()).exact().unwrap_or(0);
        answer.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
        *answer.body_mut() = AnswerBody::Text(Bytes::new());
    }
    Ok(answer)
}

async fn find<D: Serving>(
    request: &Request<Incoming>,
    tree: &Tree,
    tally: &Rc<Tally>,
    driver: D,
) -> io::Result<Answer<D>> {
    // A request of HTTP/1.1 names its host once.
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        return Ok(notice(StatusCode::BAD_REQUEST));
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let refusal = notice(StatusCode::METHOD_NOT_ALLOWED);
        return Ok(with(refusal, ALLOW, "GET, HEAD"));
    }
    let Some(target) = Target::parse(request.uri().path()) else {
        return Ok(notice(StatusCode::BAD_REQUEST));
    };
    let mut path = target.path().to_owned();
    let mut found = tree.find(&path).await?;
    if let Found::Directory = found {
        if !target.is_directory() {
            let moved = notice(StatusCode::MOVED_PERMANENTLY);
            return Ok(with(moved, LOCATION, target.directory(request.uri().query())));
        }
        path.push(INDEX);
        found = tree.find(&path).await?;
    } else if target.is_directory() {
        return Ok(notice(StatusCode::NOT_FOUND));
    }
    match found {
        Found::File(file, facts) => {
            let file = Ring::new_on_driver(file, driver);
            let body =
                |part| AnswerBody::File(Box::new(FileBody::new(file, part, Rc::clone(tally))));
            Ok(send(request, &path, &facts, body))
        }
        Found::Directory => Ok(notice(StatusCode::NOT_FOUND)),
        Found::Other => Ok(notice(StatusCode::FORBIDDEN)),
    }
}

/// Sends a file, or the part of it that is asked for, unless the client has it already.
fn send<D: Serving>(
    request: &Request<Incoming>,
    path: &Path,
    facts: &Facts,
    body: impl FnOnce(std::ops::Range<u64>) -> AnswerBody<D>,
) -> Answer<D> {
    let headers = request.headers();
    let length = facts.length;
    let mut answer = match condition::verdict(headers, facts) {
        Verdict::NotModified => {
            let mut answer = Response::new(AnswerBody::Text(Bytes::new()));
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        }
        Verdict::Failed => return notice(StatusCode::PRECONDITION_FAILED),
        Verdict::Answer => {
            let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
            let range = range.filter(|_| {
                request.method() == Method::GET
                    && condition::permits_part(headers, facts, SystemTime::now())
            });
            let wanted = range.map_or(Wanted::Whole, |range| range::wanted(range, length));
            let kind = mime_guess::from_path(path).first_or_octet_stream();
            match wanted {
                Wanted::Whole => with(Response::new(body(0..length)), CONTENT_TYPE, kind),
                Wanted::Part(part) => {
                    let place = format!("bytes {}-{}/{length}", part.start, part.end - 1);
                    let mut answer = Response::new(body(part));
                    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
                    with(with(answer, CONTENT_TYPE, kind), CONTENT_RANGE, place)
                }
                Wanted::Nothing => {
                    let refusal = notice(StatusCode::RANGE_NOT_SATISFIABLE);
                    return with(refusal, CONTENT_RANGE, format!("bytes */{length}"));
                }
            }
        }
    };
    answer = with(answer, LAST_MODIFIED, httpdate::fmt_http_date(facts.modified));
    answer = with(answer, ETAG, &facts.etag);
    with(answer, ACCEPT_RANGES, "bytes")
}

fn with<D: Serving>(mut answer: Answer<D>, name: HeaderName, value: impl ToString) -> Answer<D> {
    let value = HeaderValue::try_from(value.to_string());
    answer.headers_mut().insert(name, value.expect("what is said here is printable"));
    answer
}

/// An answer of a few words.
fn notice<D: Serving>(status: StatusCode) -> Answer<D> {
    let text = Bytes::from(format!("{status}\n"));
    let mut answer = Response::new(AnswerBody::Text(text));
    *answer.status_mut() = status;
    with(answer, CONTENT_TYPE, "text/plain")
}

/// What a file that cannot be opened is for a client.
fn status_of(error: &io::Error) -> StatusCode {
    match Errno::from_io_error(error) {
        // What leads out of the directory is as good as not there.
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::NAMETOOLONG) => {
            StatusCode::NOT_FOUND
        }
        Some(Errno::ACCESS | Errno::PERM) => StatusCode::FORBIDDEN,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
